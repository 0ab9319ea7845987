"""Where a source is: a path, a pattern of paths, standard input, a pipe, an address, a data set of the Hub."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from pathlib import Path

from textgraft.data.sources import packings
from textgraft.data.sources.spool import Place, Spool, is_pipe, piped, standard_input
from textgraft.errors import DataError, did_you_mean
from textgraft.unicode import quoted_path
from textgraft.wording import ADDRESS


def places(source: str | Path, spool: Spool, formats: Mapping[str, str]) -> list[Place]:
    """The files or the folder that a source names; what can be read once or is elsewhere is copied here first.

    Args:
        source: ``"-"`` for standard input, a path, a pattern, or an address such as ``"https://..."``.
        spool: takes the copies.
        formats: the files that are read, by their endings.

    Raises:
        DataError: there is no such file (the message names the nearest), or it cannot be read.
        MissingExtraError: an address needs a package that is not installed.
    """
    name = str(source)
    if isinstance(source, Path) and not source.exists():
        name = re.sub(r"^([a-z][a-z0-9+.-]+):/(?=[^/])", r"\1://", name)  # a Path takes // for /
    if not name.strip():
        raise DataError("The name of the table is empty; name a file or a folder, which '.' is for this one.")
    if name == "-":
        return [standard_input(spool)]
    if ADDRESS.match(name) and name.lower().startswith("hf://"):
        from textgraft.data.sources.hub import data_set

        return data_set(name, formats)
    if ADDRESS.match(name):
        from textgraft.data.sources.remote import fetched

        return fetched(name, spool)
    if is_pipe(Path(name)):
        return [piped(name, spool)]
    return [Place(path, Path(path)) for path in _paths(name)]


def reads_once(source: str | Path) -> bool:
    """Whether what a source gives is gone when it is read: standard input and other pipes."""
    return str(source) == "-" or is_pipe(Path(source))


def _paths(name: str) -> list[str]:
    if Path(name).exists():
        return [name]
    if members := packings.expand_archive(name):
        return members
    if glob.has_magic(name):
        # Path.glob takes no absolute patterns; glob.glob follows links to folders, in circles too.
        found = _below(name) if "**" in name else glob.glob(name)  # noqa: PTH207
        paths = sorted(path for path in found if Path(path).is_file())
        if not paths:
            raise DataError(f"No file matches {quoted_path(name)}.")
        return paths
    folder = Path(name).parent
    beside = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    raise DataError(f"There is no file {quoted_path(name)}.{did_you_mean(Path(name).name, beside)}")


def _below(pattern: str) -> list[str]:
    """The paths that a pattern with ``**`` matches; no links to folders are followed, nor is in hidden ones looked."""
    start = Path(pattern).anchor
    found = Path(start or ".").glob(str(Path(pattern).relative_to(start)))
    hidden = set(Path(pattern).parts)
    return [str(path) for path in found if not any(part[0] == "." and part not in hidden for part in path.parts)]
