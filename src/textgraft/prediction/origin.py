"""What half-written predictions are made of, so that they are gone on with only where all of it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgraft.digests import file_sha256
from textgraft.errors import SettingError
from textgraft.model_directory.manifest import FILE
from textgraft.prediction.counting import SpoiledError
from textgraft.unicode import shown_name

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.data.sources.files import Source, SourceFile


@dataclass(frozen=True)
class Origin:
    """All that the bytes of an output depend on.

    Attributes:
        model: sha256 of the model's manifest, which names the hashes of all its files; of one that textgraft has not
            written, of the names, sizes and times of its files.
        input: sha256 of the names, sizes and times of change of the files that are read, also of the times that no
            program can set; of what is copied from elsewhere, of its content.
        options: of reading, predicting and writing, by name, as JSON has them.
    """

    model: str
    input: str
    options: dict[str, Any]

    @classmethod
    def of(cls, model: Path, source: Source, reading: ReadOptions, options: Mapping[str, Any]) -> Origin:
        """Describes the predictions of the model in a directory for a source.

        Args:
            model: the directory.
            source: the table.
            reading: how the table is read.
            options: all else that decides what is written; a difference is named as the command line's option is.

        Raises:
            DataError: there is no such source.
            SettingError: the model is not in a folder here.
        """
        # They load much that predicting without --resume does not need.
        from importlib.metadata import version

        from textgraft.data.sources.files import files_of

        if not model.is_dir():
            raise SettingError(f"To go on with predictions later, the model must be in a folder; got {model}.")
        manifest = model / FILE
        with files_of(source, reading) as files:
            stamp = _stamp(file.path if not file.digest else (file.name, file.digest) for file in files)
        chosen = {f"--{name.replace('_', '-')}": value for name, value in (asdict(reading) | dict(options)).items()}
        return cls(
            model=file_sha256(manifest) if manifest.is_file() else _stamp([model]),
            input=stamp,
            options=json.loads(json.dumps({"textgraft": version("textgraft"), **chosen})),
        )

    def differences(self, begun: Origin) -> list[str]:
        """What is not as it was when the output was begun, for a sentence."""
        names = sorted(self.options.keys() | begun.options.keys())
        changed = [name for name in names if self.options.get(name) != begun.options.get(name)]
        named = ["another model"] * (self.model != begun.model)
        named += ["another input, or one that has changed since"] * (self.input != begun.input)
        return named + [f"other options ({', '.join(changed)})"] * bool(changed)


def _stamp(places: Iterable[Path | tuple[str, str]]) -> str:
    """A hash of files as they are here, and of the names and hashes of others."""
    digest = hashlib.sha256()
    for place in places:
        if isinstance(place, tuple):
            digest.update("\0".join((*place, "")).encode("utf-8", "surrogateescape"))
            continue
        for path in _files(place):
            status = path.stat()
            state = f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\0"
            digest.update(state.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    return sorted(place.rglob("*")) if place.is_dir() else [place]


class Unchanged:
    """The files of a table as they are now; what is copied from elsewhere nobody changes.

    Args:
        files: that are going to be read, more than once.
    """

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = [file for file in files if not file.digest]
        self._states = [_states(file.path) for file in self._files]

    def check(self) -> None:
        """Raises SpoiledError where a file was written to, or replaced, meanwhile."""
        for file, before in zip(self._files, self._states, strict=True):
            now = _states(file.path)
            if now == before:
                continue
            changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
            sizes = " and ".join(
                f"{f'{states[changed[0]][0]:,} bytes' if changed[0] in states else 'not there'} {when}"
                for when, states in (("before", before), ("now", now))
            )
            which = f" ({shown_name(changed[0].name)})" if changed[0] != file.path else ""
            raise SpoiledError(
                f"{file.name}{which} changed while it was read: {sizes}. What is predicted would be of neither, so it "
                "is not kept; run it again when nothing writes to it, or on a copy."
            )


def _states(place: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of change of a file, or of all in a folder."""
    states = {}
    for path in _files(place):
        with suppress(OSError):
            status = path.stat()
            states[path] = status.st_size, status.st_mtime_ns
    return states
