"""Which format a file of vectors has, by its content."""

from __future__ import annotations

from typing import Final

from textgraft.errors import VectorsError
from textgraft.text.vectors.binary import BinaryVectors
from textgraft.text.vectors.fasttext import MAGIC as FASTTEXT
from textgraft.text.vectors.fasttext import FastTextVectors
from textgraft.text.vectors.numpy_index import NumpyVectors
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.reading import Reader
from textgraft.text.vectors.textual import TextVectors, header_of, numbers_at_end

NUMPY: Final = b"\x93NUMPY"
HEAD = 1 << 16
CONTROL: Final = bytes({*range(32)} - set(b"\t\n\v\f\r"))


def reader_of(origin: Origin) -> Reader:
    """A reader of the file, ready to go through its words.

    Raises:
        VectorsError: the file is empty, of no known format, or its beginning is damaged.
    """
    head = origin.head(HEAD)
    if not head.strip():
        raise VectorsError(f"{origin} is empty. Get the file again.")
    if head.startswith(NUMPY):
        return NumpyVectors(origin)
    if head.startswith(FASTTEXT):
        return FastTextVectors(origin)
    first, end, rest = head.partition(b"\n")
    header = header_of(first)
    if end and header and not _is_text(rest, header[1]):
        return BinaryVectors(origin)
    return TextVectors(origin)


def _is_text(content: bytes, dimensions: int) -> bool:
    """Whether lines end in so many numbers, or all is text and some lines end in numbers; fp32 hardly ever is."""
    ends = [numbers_at_end(line.split()) for line in content.split(b"\n")[:5] if line.strip()]
    if all(numbers == dimensions for numbers in ends):
        return True
    if not any(ends) or content.translate(None, CONTROL) != content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return len(content) > HEAD // 2 and error.start >= len(content) - 4  # cut within a character
    return True
