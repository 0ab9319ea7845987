"""Writers of every format, each as the format's own tool writes it."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def lines(words: Sequence[str], rows: Floats, end: str = "\n") -> bytes:
    """A word and its components a line, with digits enough to get the same fp32 back."""
    return "".join(
        f"{word} {' '.join(map(str, row.tolist()))}{end}" for word, row in zip(words, exact(rows), strict=True)
    ).encode()


def exact(rows: Floats) -> NDArray[np.float64]:
    return rows.astype(np.float64)  # an fp32 number is an fp64 number, whose digits say it exactly


def header(words: Sequence[str], rows: Floats) -> bytes:
    return f"{len(words)} {rows.shape[1]}\n".encode()


def glove(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    (path := folder / "glove.txt").write_bytes(lines(words, rows))
    return path


def vec(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    (path := folder / "fasttext.vec").write_bytes(header(words, rows) + lines(words, rows, end=" \n"))
    return path


def tabs(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    (path := folder / "tabs.tsv").write_bytes(lines(words, rows, end="\r\n").replace(b" ", b"\t"))
    return path


def word2vec(folder: Path, words: Sequence[str], rows: Floats, end: bytes = b"\n") -> Path:
    records = (f"{word} ".encode() + row.tobytes() + end for word, row in zip(words, rows, strict=True))
    (path := folder / f"word2vec{len(end)}.bin").write_bytes(header(words, rows) + b"".join(records))
    return path


def google(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    return word2vec(folder, words, rows, end=b"")


def numpy_text(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    np.save(folder / "a.npy", rows)
    (folder / "a.txt").write_text("\n".join(words), "utf-8")
    return folder / "a.npy"


def numpy_json(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    np.save(folder / "b.npy", np.asfortranarray(exact(rows)))
    (folder / "b.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    return folder / "b.npy"


def numpy_parquet(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    np.save(folder / "c_emb.npy", rows)
    pq.write_table(pa.table({"index": list(words)}), folder / "c_index.parquet")
    return folder / "c_emb.npy"


def gzipped(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    (path := folder / "glove.txt.gz").write_bytes(gzip.compress(lines(words, rows)))
    return path


def zipped(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    with zipfile.ZipFile(folder / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(word2vec(folder, words, rows), "inside/vectors.bin")
    return folder / "one.zip"


def member(folder: Path, words: Sequence[str], rows: Floats) -> str:
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("small.txt", "other 1.0\n")
        archive.writestr("large.vec", header(words, rows) + lines(words, rows))
    return f"{folder / 'two.zip'}!large.vec"


def fasttext(
    folder: Path,
    words: Sequence[str],
    rows: Floats,
    buckets: Floats | None = None,
    sizes: tuple[int, int] = (0, 0),
    *,
    labels: Sequence[str] = (),
    quantised: bool = False,
    version: int = 12,
) -> Path:
    """A model as ``src/fasttext.cc`` saves it, up to its output matrix."""
    hashed = 0 if buckets is None else len(buckets)
    matrix = rows if buckets is None else np.concatenate([rows, buckets])
    args = (rows.shape[1], 5, 5, 1, 5, 1, 2, 2, hashed, *sizes, 100, 1e-4)
    entries = [(word, 0) for word in words] + [(label, 1) for label in labels]
    content = struct.pack("<ii12id", 793712314, version, *args)
    content += struct.pack("<iiiqq", len(entries), len(words), len(labels), 1000, -1)
    content += b"".join(word.encode() + b"\0" + struct.pack("<qb", 7, kind) for word, kind in entries)
    content += struct.pack("<?qq", quantised, *matrix.shape) + matrix.astype("<f4").tobytes()
    content += struct.pack("<?qq", False, 0, rows.shape[1])
    (path := folder / "model.bin").write_bytes(content)
    return path


def fasttext_gzipped(folder: Path, words: Sequence[str], rows: Floats) -> Path:
    (path := folder / "model.bin.gz").write_bytes(gzip.compress(fasttext(folder, words, rows).read_bytes()))
    return path


FORMATS: dict[str, Callable[[Path, Sequence[str], Floats], Path | str]] = {
    written.__name__: written
    for written in (
        glove, vec, tabs, word2vec, google, numpy_text, numpy_json, numpy_parquet, gzipped, zipped, member, fasttext,
        fasttext_gzipped,
    )
}  # fmt: skip
