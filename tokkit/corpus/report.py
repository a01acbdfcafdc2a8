"""What reading a corpus found: files, digests, texts left out and why, warnings."""

from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass
class SourceReport:
    """One file or other source. `bytes` is the size as stored, `text_bytes` that of the texts that were read."""

    path: str
    format: str
    compression: str | None = None
    language: str | None = None
    weight: float = 1.0
    bytes: int = 0
    text_bytes: int = 0
    documents: int = 0
    sha256: str | None = None
    has_bom: bool = False
    crlf: int = 0
    nul: int = 0


@dataclass
class CorpusReport:
    """All sources, in the order read. `skipped` counts what was left out by reason; nothing else is left out."""

    sources: list[SourceReport] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    specials: dict[str, int] = field(default_factory=dict)
    pretokens: int = 0
    longest_pretoken: int = 0
    spilled_runs: int = 0

    @property
    def bytes(self) -> int:
        """Bytes of the sources as stored."""
        return sum(source.bytes for source in self.sources)

    @property
    def text_bytes(self) -> int:
        """Bytes of all texts that were read."""
        return sum(source.text_bytes for source in self.sources)

    @property
    def documents(self) -> int:
        """Number of texts that were read."""
        return sum(source.documents for source in self.sources)

    def warn(self, message: str) -> None:
        """Keeps a warning, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        totals = {"bytes": self.bytes, "text_bytes": self.text_bytes, "documents": self.documents}
        plain = {key: dict(value) if isinstance(value, Counter) else value for key, value in asdict(self).items()}
        return totals | plain
