"""What reading a corpus leaves to be told."""

from tokkit.counts import CountTable


def reading_warnings(table: CountTable) -> list[str]:
    """What reading the corpus found worth telling, and how many texts were left out or changed, by reason."""
    report = table.report
    if report is None:
        return []
    left_out = [f"left out: {number:,} ({reason})" for reason, number in sorted(report.skipped.items())]
    changed = [f"{number:,} {what}" for what, number in sorted(report.changed.items())]
    return [*report.warnings, *left_out, *changed]
