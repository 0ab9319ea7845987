"""Downloads of vectors, each under the checksum that it must have."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit

from textgraft import progress
from textgraft.cache import REMEDY, cache_folder, made, no_room, reason
from textgraft.digests import known_sha256
from textgraft.errors import VectorsError
from textgraft.progress import track
from textgraft.whole import whole_file

FOLDER = "downloads"
BYTES_AT_ONCE = 1 << 20
PATIENCE = 60  # seconds without an answer


def downloaded(address: str, sha256: str | None) -> Path:
    """The file at an http(s) address, from ``cache_folder()/downloads/SHA256`` or fetched into it.

    Raises:
        VectorsError: no checksum is given, the address does not answer, or what it sent is another file; then nothing
            is kept.
    """
    name = Path(unquote(urlsplit(address).path)).name or "vectors"
    if sha256 is None:
        raise VectorsError(
            f"{address} is taken only with its checksum, so that what comes is what was meant: write "
            f"{address}#sha256=HEX, with the 64 digits that the publisher names, or that sha256sum says of a copy you "
            "trust."
        )
    try:
        path, sentence = made(FOLDER, lambda root: _downloaded(root / sha256 / name, address, sha256))
    except OSError as error:
        raise VectorsError(f"{address} cannot be kept in {cache_folder()} ({reason(error)}); {REMEDY}.") from None
    if sentence:
        progress.say(sentence)
    return path


def _downloaded(path: Path, address: str, sha256: str) -> Path:
    """The file, which is there, or fetched now; raises OSError where it cannot be written."""
    if _is_whole(path, sha256):
        return path
    try:
        with whole_file(path) as part:
            actual = _fetch(address, part, path.name)
            if actual != sha256:
                raise VectorsError(
                    f"{address} sent another file than was asked for: its sha256 is {actual}, expected {sha256}. "
                    "Nothing was kept; correct the checksum, or look for another source."
                )
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise VectorsError(f"{address} could not be downloaded: {error}. Try again, or download it by hand.") from None
    return path


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    if known_sha256(path) == sha256:
        return True
    progress.say(f"{path} is damaged; it is downloaded again.")
    return False


def _fetch(address: str, path: Path, name: str) -> str:
    """Writes what the address sends to ``path``; its sha256."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer, path.open("wb") as file:
        length = int(answer.headers.get("Content-Length") or 0)
        if (full := no_room(path.parent, length)) is not None:
            raise full
        pieces: Iterator[bytes] = iter(lambda: answer.read(BYTES_AT_ONCE), b"")
        for piece in track(pieces, f"downloading {name}", length or None, len):
            digest.update(piece)
            file.write(piece)
        if file.tell() < length:
            raise ConnectionError(f"it broke off after {file.tell():,} of {length:,} bytes")
    return digest.hexdigest()
