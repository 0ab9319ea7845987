"""Text vectors kept on disk, so that no text goes through the same encoder with the same options twice.

A store is a folder per encoder and options. Each call that encoded many new texts adds one safetensors file with
their keys (16-byte digests of the texts; the texts themselves are not kept) and vectors. Files are written beside
and renamed, so several processes may share a store and a killed one leaves nothing half-written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textgraft.cache import cache_folder
from textgraft.digests import text_digest
from textgraft.whole import whole_file

WORTH_KEEPING = 32  # new texts in one call; fewer are encoded again sooner than looked up
MOST_BYTES = 4 << 30


_bypassed: ContextVar[bool] = ContextVar("textgraft_cache_bypassed", default=False)


@contextmanager
def without_cache() -> Iterator[None]:
    """Inside the block nothing is looked up or kept, so that what is timed is the work itself."""
    token = _bypassed.set(True)
    try:
        yield
    finally:
        _bypassed.reset(token)


class VectorStore:
    """Vectors by text for one encoder with one set of options; ``key`` is all that they depend on besides the text."""

    def __init__(self, key: str) -> None:
        self._root = cache_folder() / "vectors"
        self._folder = self._root / hashlib.sha256(key.encode()).hexdigest()[:32]

    def get(self, texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.float32] | None]:
        """Looks texts up.

        Returns:
            (m,) indices of the texts that are known, and their (m, d) vectors; None where none is known.
        """
        if _bypassed.get():
            return np.zeros(0, np.intp), None
        wanted = {key: i for i, key in enumerate(map(text_digest, texts))}
        at: list[int] = []
        vectors: list[NDArray[np.float32]] = []
        for path in sorted(self._folder.glob("*.safetensors")):
            if not wanted:
                break
            keys, values = _read(path)
            hits = [(row, wanted.pop(key)) for row, key in enumerate(keys) if key in wanted]
            if hits:
                at.extend(i for _, i in hits)
                vectors.append(values[[row for row, _ in hits]])
        return np.array(at, np.intp), np.concatenate(vectors) if vectors else None

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Adds (n, d) vectors of n texts. A disk that cannot be written to costs the cache, not the work."""
        if len(texts) < WORTH_KEEPING or _bypassed.get():
            return
        from safetensors.numpy import save

        keys = np.frombuffer(b"".join(map(text_digest, texts)), np.uint8).reshape(-1, 16)
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:32]
        with suppress(OSError):
            with whole_file(self._folder / f"{name}.safetensors") as part:
                part.write_bytes(save({"keys": keys.copy(), "vectors": np.ascontiguousarray(vectors, np.float32)}))
            self._trim()

    def _trim(self) -> None:
        """Deletes the files of all stores that were written longest ago, down to the size allowed."""
        files = sorted((f.stat().st_mtime, f.stat().st_size, f) for f in self._root.glob("*/*.safetensors"))
        excess = sum(size for _, size, _ in files) - MOST_BYTES
        for _, size, path in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def _read(path: Path) -> tuple[list[bytes], NDArray[np.float32]]:
    """The keys and vectors of one file; none, and the file deleted, where it is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    with suppress(OSError):
        try:
            content = load_file(path)
            keys = content["keys"].tobytes()
            return [keys[i : i + 16] for i in range(0, len(keys), 16)], content["vectors"]
        except (SafetensorError, KeyError):
            path.unlink(missing_ok=True)
    return [], np.zeros((0, 0), np.float32)
