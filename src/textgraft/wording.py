"""How figures and remarks are written for people: each kind in one way, wherever it stands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import PurePath


def counted(n: int, noun: str) -> str:
    """``"1 text"``, ``"2,000 texts"``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def decimal(value: float | None) -> str:
    """A figure between 0 and 1 or a mean; a dash where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def percent(share: float) -> str:
    """A share from 0 to 1."""
    return f"{share:.1%}"


def megabytes(size: int) -> str:
    """Bytes in MB, in kB where that is less than a tenth."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def notes_about(source: str, notes: Sequence[str], beside: Iterable[str] = ()) -> list[str]:
    """Notes about a file, as lines that name it once.

    Args:
        source: the file; its name is said, and as much of the path as tells it from those of the same name.
        notes: sentences; several are indented below the name.
        beside: other files that are read.
    """
    parts = PurePath(source).parts
    others = [path.parts for path in map(PurePath, beside) if path.parts != parts]
    ends = (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others))
    name = str(PurePath(*parts[-next(ends, len(parts)) :])) if parts else source
    if len(notes) == 1:
        return [f"{name}: {notes[0]}"]
    return [f"{name}:", *(f"  {note}" for note in notes)] if notes else []


def p_value(p: float) -> str:
    """With as many digits as mean something."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
