"""The options of a corpus source: where it lies and how it is read."""

from typing import Literal

from pydantic import Field

from tokkit.spec import Spec

Format = Literal["text", "jsonl", "csv", "tsv", "parquet", "arrow", "dataset"]
Unit = Literal["line", "document"]
InvalidUtf8 = Literal["error", "replace", "skip", "bytes"]


class SourceOptions(Spec):
    """How a source is read; the defaults for every source that does not say otherwise."""

    format: Format | None = Field(None, description="what the files are; by their name when absent")
    field: str = Field(
        "text", description="field (jsonl), column (csv, tsv, parquet, arrow, data sets) that holds the text"
    )
    unit: Unit | None = Field(
        None, description="what one text of a text file is: a line with its end (default) or the whole file"
    )
    weight: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="how often each text counts; fractions sample by a hash of the text"
    )
    language: str | None = Field(None, description="language of the texts, kept in the report")
    invalid_utf8: InvalidUtf8 = Field(
        "error", description="what to do with bytes that are not UTF-8: stop, put U+FFFD, leave the text out, keep them"
    )
    max_ratio: float | None = Field(
        None, gt=1, description="compression ratio at which reading stops (default: 200 over any 64 MiB)"
    )


class SourceSpec(SourceOptions):
    """One source: a file, folder, glob, `@list`, `-`, `hf://datasets/...` or URL."""

    path: str = Field(description="file, folder, glob, @list, -, hf://datasets/id[/config][:split] or URL")
