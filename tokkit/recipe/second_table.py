"""The second table of trainers that read their corpus twice: found in the cache, or counted and kept there."""

from tokkit.corpus import SourceSpec, read
from tokkit.counts import CountTable
from tokkit.errors import ResourceError, UsageError
from tokkit.progress import Progress
from tokkit.recipe import cache
from tokkit.recipe.digest import FileDigest, digest_files, step_key
from tokkit.recipe.inputs import is_stream, local_files, resolved_sources, streams
from tokkit.recipe.report import reading_warnings
from tokkit.recipe.schema import Recipe
from tokkit.trainers.superword import SuperwordTrainer


def check_second_reading(recipe: Recipe, trainer: SuperwordTrainer) -> None:
    """Refuses a corpus that cannot be read twice.

    Raises:
        UsageError: a stream, or counts, and no other texts for the second stage.
    """
    if trainer.config.stage2_sources:
        return
    if streams(recipe):
        raise UsageError(
            f"{recipe.method} reads its text twice, and a stream can be read once",
            hint="give files, or stage2_sources",
        )
    if recipe.counts is not None:
        raise UsageError(
            f"{recipe.method} reads its text twice, and counts are not text", hint="give texts, or stage2_sources"
        )


def second_files(trainer: SuperwordTrainer, progress: Progress) -> list[FileDigest] | None:
    """Digests of the texts that only the second stage reads; None when one of them is a stream."""
    sources = read(list(trainer.config.stage2_sources)).sources
    named = [source.path for source in sources if isinstance(source, SourceSpec)]
    if any(is_stream(path) for path in named):
        return None
    return digest_files([file for path in named for file in local_files(path)], progress)


def second_table(
    recipe: Recipe, trainer: SuperwordTrainer, *, counts_key: str | None, resume: bool, progress: Progress
) -> tuple[CountTable, bool, list[str]]:
    """The table, whether it was found, and what reading it was warned of.

    `counts_key` stands for the texts of the first stage. A table that cannot be kept is a warning.

    Raises: as `SuperwordTrainer.count_again`.
    """
    key = _key(recipe, trainer, counts_key, progress)
    found = cache.find_counts(key) if resume and key is not None else None
    if found is not None:
        record, path = found
        table = CountTable.load(path)
        if table.digest == record.digest:
            trainer.share_read = record.share
            return table, True, record.warnings
    table = trainer.count_again(resolved_sources(recipe), config=recipe.counting, progress=progress)
    warnings = reading_warnings(table)
    if key is not None:
        share = 1.0 if trainer.share_read is None else trainer.share_read
        try:
            cache.keep_counts(key, table, warnings, share=share)
        except ResourceError as error:
            warnings = [*warnings, f"the second table is not kept for later runs: {error.message}"]
    return table, False, warnings


def _key(recipe: Recipe, trainer: SuperwordTrainer, counts_key: str | None, progress: Progress) -> str | None:
    facts: dict[str, object] = {"method": recipe.method, "cut": trainer.again_facts()}
    if not trainer.config.stage2_sources:
        return None if counts_key is None else step_key("count again", {**facts, "counts": counts_key})
    files = second_files(trainer, progress)
    if files is None:
        return None
    counting = recipe.counting.model_dump(mode="json", include={"specials", "isolate_specials", "source"})
    digests = [file.sha256 for file in files]
    return step_key("count again", {**facts, "files": digests, "counting": counting})
