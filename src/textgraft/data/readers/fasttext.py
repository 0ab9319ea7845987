"""fastText's files: a line is a text with its labels, ``__label__positive what a film``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from textgraft.data.readers.chunks import Chunk, Reading
from textgraft.data.readers.delimited import read_delimited
from textgraft.data.readers.encodings import Text, find_decoding, open_text, undecoded
from textgraft.data.sources.files import SourceFile
from textgraft.data.sources.label_tokens import PREFIX, LabelForm, bare, label_form, parted

_Row = tuple[int, tuple[str, str | list[str] | None]]


def read_fasttext(file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """The lines of a file as rows with a ``text`` and a ``label``, a list where any line has several.

    A row has the number of its line. Lines of a delimited table are read as one, their labels without the prefix.
    """
    decoding = find_decoding(file, reading)
    with open_text(file, decoding) as text:
        form = label_form(text.read(1 << 16)) or LabelForm()
    if form.table:
        reading.report.remarks.append(f"Labels in {file.name} are read without their {PREFIX}.")
        yield from map(_without_prefix, read_delimited(file, reading))
        return
    with open_text(file, decoding) as text:
        several = any(line.count(PREFIX) > 1 and len(parted(line, form.divider)[0]) > 1 for line in text)
    reading.report.remarks.append(
        f"{file.name} has fastText's form: the words with {PREFIX} at the ends of a line are its labels."
    )
    with open_text(file, decoding) as text:
        rows = _rows(text, file, reading, form, several=several, checked=decoding.checked)
        yield from reading.chunks(file.name, ("text", "label"), rows, text)


def _rows(
    lines: Text, file: SourceFile, reading: Reading, form: LabelForm, *, several: bool, checked: bool
) -> Iterator[_Row]:
    bare_lines: list[int] = []
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        if "\0" in line or (checked and undecoded(line)):
            fault = "it has a null byte" if "\0" in line else "it has bytes that are not valid in the file's encoding"
            reading.report.bad(file.name, number, fault)
            continue
        labels, text = parted(line, form.divider)
        if not labels:
            bare_lines.append(number)
        yield number, (text, labels if several else next(iter(labels), None))
    if bare_lines:
        shown = ", ".join(map(str, islice(bare_lines, 5))) + (" and more" if len(bare_lines) > 5 else "")
        count = (
            f"{len(bare_lines):,} lines of {file.name} have" if len(bare_lines) > 1 else f"1 line of {file.name} has"
        )
        reading.report.remarks.append(f"{count} no {PREFIX}: {shown}.")


def _without_prefix(chunk: Chunk) -> Chunk:
    columns = {
        name: [bare(cell) for cell in cells] if any(cell.lstrip().startswith(PREFIX) for cell in cells) else cells
        for name, cells in chunk.columns.items()
    }
    return Chunk(columns, chunk.file, chunk.numbers)
