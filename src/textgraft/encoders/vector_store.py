"""Text vectors kept on disk, so that no text goes through the same encoder with the same options twice.

A store is a folder per encoder and options. Each call that encoded many new texts adds one file: a checksum, which is
of this store alone, the keys (16-byte digests of the texts; the texts themselves are not kept), and the vectors, row by
row in float32. Files are written beside and renamed, so several processes may share a store and a killed one leaves
nothing half-written.

A cache saves time and may do nothing else: what is damaged is encoded again, a disk that cannot be written to is said,
and work goes on.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import REMEDY, cache_folder, reason
from textgraft.digests import text_digest
from textgraft.whole import whole_file

WORTH_KEEPING = 32  # new texts in one call; fewer are encoded again sooner than looked up
TEXTS_AT_ONCE = 16384  # bounds the token ids held in memory; large enough that sorting by length pays
MOST_BYTES = 4 << 30  # of all stores
MOST_ROWS = 1 << 16  # of a file, which is read whole
KEY, SUM = 16, 4  # bytes
FORMAT = 3  # of the files; those of the first had no checksum, those of the second one without the store's name


_looks_up: ContextVar[bool] = ContextVar("textgraft_cache_looks_up", default=True)
_keeps: ContextVar[bool] = ContextVar("textgraft_cache_keeps", default=True)


@contextmanager
def without_cache(*, keep: bool = False) -> Iterator[None]:
    """Inside the block nothing is looked up, so that what is timed is the work itself; nor kept, if not ``keep``."""
    tokens = _looks_up.set(False), _keeps.set(keep)
    try:
        yield
    finally:
        _looks_up.reset(tokens[0])
        _keeps.reset(tokens[1])


def looks_up() -> bool:
    """Whether vectors that are kept are used here; see ``without_cache``."""
    return _looks_up.get()


class VectorStore:
    """Vectors by text for one encoder with one set of options.

    Args:
        key: all that the vectors depend on besides the text.
        width: components of a vector.
    """

    def __init__(self, key: str, width: int) -> None:
        self._root = cache_folder() / "vectors"
        self._folder = self._root / hashlib.sha256(f"{FORMAT} {width} {key}".encode()).hexdigest()[:32]
        self._width = width

    def get(self, texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.float32] | None]:
        """Looks texts up.

        Returns:
            (m,) indices of the texts that are known, and their (m, d) vectors; None where none is known.
        """
        if not looks_up():
            return np.zeros(0, np.intp), None
        wanted = {key: i for i, key in enumerate(map(text_digest, texts))}
        at: list[int] = []
        vectors: list[NDArray[np.float32]] = []
        damaged = 0
        for path in _files(self._folder):
            if not wanted:
                break
            content = self._read(path)
            if content is None:
                damaged += 1
                with suppress(OSError):
                    path.unlink()
                continue
            hits = [(row, wanted.pop(key)) for row, key in enumerate(content[0]) if key in wanted]
            if hits:
                at.extend(i for _, i in hits)
                vectors.append(content[1][[row for row, _ in hits]])
        if damaged:
            progress.say(f"Vectors that were kept in {self._folder} are damaged; those texts are encoded again.")
        return np.array(at, np.intp), np.concatenate(vectors) if vectors else None

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Adds (n, d) vectors of n texts, if they are numbers."""
        if len(texts) < WORTH_KEEPING or not _keeps.get() or not np.isfinite(vectors).all():
            return
        rows = np.ascontiguousarray(vectors, "<f4")
        try:
            for start in range(0, len(texts), MOST_ROWS):
                part = slice(start, start + MOST_ROWS)
                self._write(b"".join(map(text_digest, texts[part])), rows[part].tobytes())
            self._trim()
        except OSError as error:
            _say_unwritable(self._root, reason(error))

    def _write(self, keys: bytes, rows: bytes) -> None:
        content = keys + rows
        place = self._folder / f"{hashlib.sha256(keys).hexdigest()[:32]}.vectors"
        with whole_file(place) as part:
            part.write_bytes(self._sum(content) + content)

    def _sum(self, content: bytes | memoryview) -> bytes:
        """The checksum of the keys and vectors of a file; in another store it is another."""
        return zlib.crc32(content, zlib.crc32(self._folder.name.encode())).to_bytes(SUM, "little")

    def _read(self, path: Path) -> tuple[list[bytes], NDArray[np.float32]] | None:
        """The keys and vectors of one file; None where it is not what was written."""
        row = KEY + 4 * self._width
        try:
            rows = (path.stat().st_size - SUM) // row
            if not path.is_file() or not 0 < rows <= MOST_ROWS:
                return None
            content = path.read_bytes()
        except OSError:
            return None
        whole = memoryview(content)[SUM:]
        if len(whole) != rows * row or self._sum(whole) != content[:SUM]:
            return None
        ends = range(0, rows * KEY, KEY)
        vectors = np.frombuffer(whole[rows * KEY :], "<f4").reshape(rows, self._width)
        return ([bytes(whole[i : i + KEY]) for i in ends], vectors) if np.isfinite(vectors).all() else None

    def _trim(self) -> None:
        """Deletes the files of all stores that were written longest ago, down to the size allowed."""
        files = sorted((f.stat().st_mtime, f.stat().st_size, f) for f in self._root.glob("*/[!.]*") if f.is_file())
        excess = sum(size for _, size, _ in files) - MOST_BYTES
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def through_store(
    texts: Sequence[str],
    width: int,
    store: VectorStore | None,
    encode: Callable[[list[str]], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], int]:
    """Vectors of texts, each distinct one of which is encoded once, and not at all where the store has it.

    Args:
        texts: n of them.
        width: components of a vector.
        store: looked up and added to; None is none.
        encode: (m, width) vectors of m texts, some of all at a time.

    Returns:
        (n, width) vectors, in the order of the texts, and how many distinct texts were in the store.
    """
    distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    vectors = np.empty((len(distinct), width), np.float32)
    new = np.arange(len(distinct))
    names = list(distinct)
    if store is not None:
        known, stored = store.get(names)
        if stored is not None:
            vectors[known] = stored
            new = np.delete(new, known)
    for start in range(0, len(new), TEXTS_AT_ONCE):
        part = new[start : start + TEXTS_AT_ONCE]
        chunk = [names[i] for i in part]
        vectors[part] = encode(chunk)
        if store is not None:
            store.put(chunk, vectors[part])
    return vectors[np.fromiter((distinct[text] for text in texts), np.intp, len(texts))], len(names) - len(new)


def _files(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == ".vectors")
    return []


@cache
def _say_unwritable(root: Path, why: str) -> None:
    """Says once in a process that nothing can be kept."""
    progress.say(f"Vectors cannot be kept in {root} ({why}), so texts are encoded each time; {REMEDY}.")
