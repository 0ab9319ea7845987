"""Digests of texts and files, and a mixer of hashes: caches, splits and checks of files depend on every bit of them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def text_digest(text: str, size: int = 16, start: bytes = b"") -> bytes:
    """The first ``size`` bytes by BLAKE2b of ``start`` and any text, even one with half characters."""
    return hashlib.blake2b(start + text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def text_number(text: str, start: bytes = b"") -> int:
    """A number of 64 bits for a text: without a pattern, and the same in every process and on every machine."""
    return int.from_bytes(text_digest(text, 8, start), "little")


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele et al. 2014), a bijection whose output bits each depend on all input bits."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def file_sha256(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """As ``file_sha256``, but computed once for as long as the file has the same size and time of change."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    return file_sha256(path)
