"""What a scoring run did, in sentences for the terminal."""

from collections.abc import Mapping

from inference.scoring.window import Scored


def sentence(done: Scored) -> str:
    """One line."""
    window = f"from {done.start:%Y-%m-%d %H:%M} to {done.end:%Y-%m-%d %H:%M}"
    if done.repeated:
        return f"{done.output}: up to date {window}, {done.rows:,} rows by version {done.model_version}"
    if not done.rows:
        return f"{done.output}: nobody to score {window}"
    in_chunks = f", in {len(done.chunks)} chunks" if done.chunks else ""
    return f"{done.output}: {done.rows:,} rows {window}, by version {done.model_version}{in_chunks}"


def lines(done: Scored) -> list[str]:
    """What was missing or stale, by feature table, the most first; and what is told besides."""
    counted = sum(chunk.rows for chunk in done.chunks if chunk.misses is not None) if done.chunks else done.rows
    told = [
        f"{what}: {', '.join(_share(table, count, counted) for table, count in _most_first(counts))}"
        for what, counts in (("without features", done.misses), ("stale features", done.stale))
        if counts and any(counts.values())
    ]
    return told + done.warnings


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((table, count) for table, count in counts.items() if count), key=lambda one: (-one[1], one[0]))


def _share(table: str, count: int, rows: int) -> str:
    return f"{table.split('.')[-1]} {count:,} ({count / rows:.1%})"
