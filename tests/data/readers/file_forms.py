"""Tables of any texts, and the packings and encodings in which the properties write them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zstandard
from hypothesis import strategies as st

import textgraft as tg
from textgraft.errors import DataError

Table = list[tuple[str, str]]

LABELS = ("pos", "neg", "so so")
WORDS = st.sampled_from(
    ["what a film", 'he said "no"', "a, b; c", "naïve café", "good 🙃", "back\\slash", "x\ty", "two\nlines"]
)
MARKS = st.text("ab ,;|\t\n\\\"'é🙃", max_size=8)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def tables(texts: st.SearchStrategy[str], least: int = 2) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Rows of a text and a label, of which two differ."""
    rest = st.lists(st.tuples(texts, st.sampled_from(LABELS)), min_size=least, max_size=8)
    return rest.map(lambda rows: [(text, LABELS[i] if i < 2 else label) for i, (text, label) in enumerate(rows)])


def zipped(content: bytes) -> bytes:
    """A zip with one file, and what a Mac leaves beside it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/table", content)
        archive.writestr("__MACOSX/folder/._table", b"\0\5\x16\7")
        archive.writestr("folder/.DS_Store", b"\0\0\0\1Bud1")
    return stream.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    ".zip": zipped,
}
MARKED = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
UNMARKED = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


def read_back(path: Path, rows: Table, refusals: tuple[str, ...] = (), **options: Any) -> None:
    """The file at ``path``, which goes, has these texts, labels and row numbers; or its refusal gives a reason."""
    try:
        data = tg.read_table(path, text="text", label="label", options=tg.ReadOptions(**options))
    except DataError as error:
        assert any(reason in str(error) for reason in refusals), error  # noqa: PT017
        return
    finally:
        path.unlink()
    assert data.texts == [text for text, _ in rows]
    assert data.task.decode(data.targets) == [label for _, label in rows]
    assert data.rows.number.tolist() == list(range(1, len(rows) + 1))
