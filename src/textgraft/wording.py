"""How figures and remarks are written for people: each kind in one way, wherever it stands."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath

STANDARD_INPUT = "standard input"
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?:://|::)")  # what one begins with; a drive of Windows is none
_SECRETIVE = ("http", "https", "ftp", "ftps", "sftp", "ssh", "smb", "webdav")


def counted(n: int, noun: str) -> str:
    """``"1 text"``, ``"2,000 texts"``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def decimal(value: float | None) -> str:
    """A figure between 0 and 1 or a mean; a dash where it is undefined."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def percent(share: float) -> str:
    """A share from 0 to 1."""
    return f"{share:.1%}"


def percents_apart(*shares: float) -> list[str]:
    """Shares with as few digits as tell those apart that differ."""
    enough = (n for n in range(6) if len({f"{share:.{n}%}" for share in shares}) == len(set(shares)))
    digits = next(enough, 6)
    return [f"{share:.{digits}%}" for share in shares]


def duration(seconds: float) -> str:
    """``"0:07"``, ``"12:05"``, ``"1:02:03"``: minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def megabytes(size: int) -> str:
    """Bytes in MB, in kB where that is less than a tenth."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def source_name(source: str) -> str:
    """What a table is called: as it was given, but for ``-`` and for what is secret in an address.

    Of an address, the user, the password and all behind ``?`` or ``#`` are left out.
    """
    if source == "-":
        return STANDARD_INPUT
    return "::".join(map(_without_secrets, source.split("::"))) if ADDRESS.match(source) else source


def _without_secrets(address: str) -> str:
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    host, slash, path = rest.partition("/")
    user, at, place = host.rpartition("@")
    web = scheme.lower() in _SECRETIVE
    if at and (web or ":" in user):  # elsewhere a name alone is a container's, as in abfs://container@account
        host = place
    shown = f"{scheme}://{host}{slash}{path}"
    return re.split("[?#]" if web else r"[?#](?=[^/]*=)", shown, maxsplit=1)[0]  # elsewhere ? may be of a pattern


def notes_about(source: str, notes: Sequence[str], beside: Iterable[str] = ()) -> list[str]:
    """Notes about a file, as lines that name it once.

    Args:
        source: the file; its name is said, and as much of the path as tells it from those of the same name.
        notes: sentences; several are indented below the name.
        beside: other files that are read.
    """
    source = source_name(source)
    parts = PurePath(source).parts
    others = [path.parts for path in map(PurePath, map(source_name, beside)) if path.parts != parts]
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
