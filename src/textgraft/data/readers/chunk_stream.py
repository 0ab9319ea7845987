"""The one way in for tables of every kind: chunks of rows, in order and in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from textgraft.data.readers.chunks import GIVEN, Chunk, Reading, check_size
from textgraft.data.readers.delimited import read_delimited
from textgraft.data.readers.header import without_names
from textgraft.data.sources.files import SourceFile, damage_named, files_of, is_source
from textgraft.data.sources.options import ReadOptions
from textgraft.errors import BadRow, DataError, listed
from textgraft.unicode import quoted, whole, whole_values

Reader = Callable[[SourceFile, Reading], Iterator[Chunk]]


class ChunkStream(Iterator[Chunk]):
    """The chunks of a source, to be iterated once.

    A row that does not parse raises BadRowsError as soon as the rest has been searched for more of them, or is left
    out with ``skip_bad_rows``; ``bad_rows`` holds those met so far and ``notes`` what a user should be told.
    """

    rows: int

    def __init__(self, source: Any, reading: Reading) -> None:
        self._reading = reading
        self.rows = 0
        self._chunks = self._read(source)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the reading so far."""
        return self._reading.report.sentences()

    @property
    def twins(self) -> dict[str, tuple[str, list[str]]]:
        """The names met so far that several columns share (see ``Report``)."""
        return self._reading.report.twins

    @property
    def bad_rows(self) -> tuple[BadRow, ...]:
        """The rows met so far that do not parse (the first 10,000)."""
        return tuple(self._reading.report.bad_rows)

    def __next__(self) -> Chunk:
        return next(self._chunks)

    def _parts(self, source: Any) -> Iterator[Chunk]:
        if is_source(source):
            return _file_chunks(source, self._reading)
        from textgraft.data.readers.objects import object_chunks

        _say_idle(self._reading, "", GIVEN)
        return map(_whole, object_chunks(source, self._reading.rows_per_chunk))

    def _read(self, source: Any) -> Iterator[Chunk]:
        report, skips = self._reading.report, self._reading.options.skip_bad_rows
        for chunk in (without_names(chunk, report) for chunk in self._parts(source)):
            if report.bad_count and not skips:
                continue  # the rest is read only to count
            check_size(chunk.file, len(chunk.columns))
            self.rows += len(chunk)
            if len(chunk):
                yield chunk
        if not skips:
            report.check()
        if not self.rows:
            raise DataError(" ".join(("There are no rows to read.", *report.sentences())))


def open_chunks(
    source: Any, options: ReadOptions | None = None, *, rows_per_chunk: int = 4096, expect: Sequence[str] = ()
) -> ChunkStream:
    """Reads a table of any format, chunk by chunk; memory does not grow with its length.

    Args:
        source: a path, a glob, a folder, ``"-"`` for standard input, an address, a list of these, or a Python object
            (see ``object_chunks``). What is no file of this disk is copied to a temporary folder first. An array in a
            ``.json`` file and a workbook are held in memory as a whole.
        options: how to read.
        rows_per_chunk: the most rows of a chunk.
        expect: names of columns that the caller will ask for, which help to tell a header from a first row.

    Raises:
        DataError: there is no such file, it cannot be read, files that are read together have different columns, or
            there are no rows.
        BadRowsError: a row does not parse and ``options.skip_bad_rows`` is not set.
        MissingExtraError: the format needs a package that is not installed.
    """
    return ChunkStream(source, Reading(options or ReadOptions(), rows_per_chunk, tuple(expect)))


def _file_chunks(source: Any, reading: Reading) -> Iterator[Chunk]:
    first: tuple[str, set[str]] | None = None
    with files_of(source, reading.options) as files:
        for form in dict.fromkeys(file.format for file in files):
            _say_idle(reading, form, listed((file.name for file in files if file.format == form), 3))
        for file in files:
            reading.report.remarks += [file.note] if file.note else []
            for read in _translated(_reader(file.format), file, reading):
                # A decoder gives no half characters; the escapes of JSON do, and some rare encodings.
                strict = file.format != "json" and reading.options.encoding is None
                chunk = read if strict else _whole(read)
                if file.format != "json" and len(files) > 1:
                    first = first or (file.name, set(chunk.columns))
                    _check_same(first, file.name, set(chunk.columns))
                yield chunk.of_part(file.split) if file.split else chunk


def _say_idle(reading: Reading, form: str, what: str) -> None:
    """Says which options mean nothing to a table."""
    if idle := reading.options.idle(form):
        kind = f"which is read as {form}" if form else "which is no file"
        verb = "mean" if len(idle) > 1 else "means"
        reading.report.remarks.append(f"{' and '.join(idle)} {verb} nothing to {what}, {kind}.")


def _reader(kind: str) -> Reader:
    """The reader of a format; each is imported when it is needed, for most tables are CSV."""
    if kind == "csv":
        return read_delimited
    if kind in ("json", "fasttext", "folder"):
        from textgraft.data.readers import fasttext, folders, json_lines

        readers: dict[str, Reader] = {"json": json_lines.read_json, "fasttext": fasttext.read_fasttext}
        return readers.get(kind, folders.read_folder)
    if kind in ("excel", "sqlite"):
        from textgraft.data.readers import workbooks

        return workbooks.read_excel if kind == "excel" else workbooks.read_sqlite
    from textgraft.data.readers import columnar  # PyArrow takes a while to import

    return {"parquet": columnar.read_parquet, "arrow": columnar.read_arrow, "datasets": columnar.read_saved}[kind]


def _translated(read: Reader, file: SourceFile, reading: Reading) -> Iterator[Chunk]:
    """Another library's error about a file as ours."""
    try:
        with damage_named(file):
            yield from read(file, reading)
    except UnicodeError as error:
        raise DataError(
            f"{file.name} cannot be read as {getattr(error, 'encoding', 'text')}: {getattr(error, 'reason', error)}. "
            f"Say another with --encoding (encoding=)."
        ) from error


def _whole(chunk: Chunk) -> Chunk:
    """The chunk without half characters, whether in names or in cells."""
    columns = {whole(name): whole_values(values) for name, values in chunk.columns.items()}
    if len(columns) < len(chunk.columns):
        raise DataError(f"{chunk.file} has columns whose names differ in half characters only; rename them.")
    return Chunk(columns, chunk.file, chunk.numbers)


def _check_same(first: tuple[str, set[str]], file: str, columns: set[str]) -> None:
    if columns != first[1]:
        differing = {"lacks": sorted(first[1] - columns), "has": sorted(columns - first[1])}
        said = " and ".join(f"{verb} {', '.join(map(quoted, names))}" for verb, names in differing.items() if names)
        raise DataError(f"Files that are read together must have the same columns; {file} {said} unlike {first[0]}.")
