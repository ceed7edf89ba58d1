"""Files that are there whole or not at all."""

from pathlib import Path


def write_at_once(text: str, file: Path) -> Path:
    """Write ``text`` into ``file``, whose folder is there: whoever reads it meanwhile reads what it was before."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    return beside.replace(file)
