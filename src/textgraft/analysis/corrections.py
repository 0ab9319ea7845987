"""Labels corrected by hand: suspected rows go out as a CSV, and come back into a copy of their table."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textgraft.analysis.label_errors import LabelErrors
from textgraft.data import ReadOptions, open_chunks, read_table
from textgraft.data.readers.chunks import Reading
from textgraft.data.readers.dialect import find_dialect
from textgraft.data.readers.encodings import find_decoding, open_text
from textgraft.data.sources.files import SUFFIXES, SourceFile, files_of
from textgraft.data.tables.texts import is_headless
from textgraft.dataset import Columns, Dataset
from textgraft.digests import text_digest
from textgraft.errors import DataError, SettingError, did_you_mean, listed
from textgraft.labels import label_name
from textgraft.prediction.writing import inert
from textgraft.unicode import escaped_in_json, quoted, quoted_path
from textgraft.whole import whole_file
from textgraft.wording import counted

COLUMNS = ("file", "row", "given", "suggested", "corrected", "chance", "similar", "copies", "text", "digest")
NEEDED = ("row", "corrected", "digest")
SEPARATOR = ";"
NONE = "[]"  # no label at all, since an empty cell is one that nobody has filled in
_BIT = re.compile(r"[01](?:\.0+)?")


@dataclass(frozen=True)
class Applied:
    """What ``apply_corrections`` did.

    Attributes:
        rows: of the table, all of which are in the copy.
        corrected: how many got other labels.
        confirmed: how many were given the labels again that they have.
        open: rows of the corrections that nobody has filled in.
        added: labels that the table did not have.
    """

    rows: int
    corrected: int
    confirmed: int
    open: int
    added: tuple[str, ...] = ()


def write_suspects(path: str | Path, found: LabelErrors) -> None:
    """Writes suspected rows as a CSV with an empty column ``corrected``, the likeliest errors first.

    Cells that a spreadsheet would run as formulas begin with an apostrophe. A row is known again by its file, its
    number and a digest of its text.

    Raises:
        SettingError: see ``check_copy``.
        OSError: it cannot be written.
    """
    check_copy(path)
    with whole_file(path) as part, part.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for each in found.suspects:
            similar = f"{each.similar[0]} as given, {each.similar[1]} as suggested, of {each.compared}"
            labels = (_written(names, several=found.task.multi_label) for names in (each.given, each.suggested))
            cells = (each.file, each.number, *labels, "", f"{each.chance:.4f}", similar if each.compared else "")
            rows.writerow(map(inert, (*cells, SEPARATOR.join(each.copies), each.text, digest(each.text))))


def digest(text: str) -> str:
    """What a text is known by; it begins with a letter, so that no spreadsheet takes it for a number."""
    return f"t{text_digest(text, 8).hex()}"


def apply_corrections(
    source: Any,
    corrections: str | Path,
    output: str | Path,
    *,
    new_labels: bool = False,
    options: ReadOptions | None = None,
    **reading: Any,
) -> Applied:
    """Writes a copy of a table with corrected labels; the table itself is not touched.

    The copy is JSON Lines where its name ends so; else delimited text, by the delimiter of the table if that is
    delimited text. Its rows are those of the table in their order, with all columns.

    Args:
        source: the table, as for ``read_table``.
        corrections: what ``write_suspects`` wrote, with labels in its column ``corrected``, as CSV or in any other
            format that is read. Several labels are separated by semicolons, or a JSON list; no label is ``[]``.
        output: the copy.
        new_labels: take labels that the table does not have; without it they pass for typing errors.
        options: how to read the table.
        reading: text and label columns and what else ``read_table`` takes.

    Raises:
        DataError: a row of the corrections is none of the table or has another text there, or is there twice; a label
            cannot stand in the table; nothing is filled in.
        SettingError: ``output`` is a folder, the table itself, or a format that is not written.
        OSError: it cannot be written.
    """
    options = options or ReadOptions()
    check_copy(output)
    with files_of(source, options) as files:
        _check_apart(files, corrections, output)
        data = read_table(files, split=False, keep_cells=True, options=options, **reading)
        delimiter = _delimiter(files, options, Path(output).suffix.lower())
    filled, left = _read(corrections, data)
    corrected = {i: names for i, names in filled.items() if set(names) != set(_names(data, i))}
    added = _check_labels(data, corrected, new_labels=new_labels)
    cells = {name: list(values) for name, values in (data.cells or {}).items()}
    cell_of = _cell_writer(data)
    for i, names in corrected.items():
        for column, value in cell_of(i, names).items():
            cells[column][i] = value
    with whole_file(output) as part:
        _write(part, cells, delimiter)
    return Applied(len(data), len(corrected), len(filled) - len(corrected), left, added)


def check_copy(path: str | Path) -> None:
    """Before anything is computed: can such a file be written there?

    Raises:
        SettingError: it is a folder, or ends as a format that is not written.
    """
    path = Path(path)
    if path.is_dir():
        raise SettingError(f"--out {quoted_path(path)} (output=) is a folder; give the name of a file in it.")
    if SUFFIXES.get(path.suffix.lower(), "csv") not in ("csv", "json"):
        raise SettingError(
            f"--out (output=) is written as CSV or JSON Lines; a name that ends in {path.suffix} would mislead. Give "
            f"one such as {path.with_suffix('.csv').name}."
        )


def _check_apart(files: Sequence[SourceFile], corrections: str | Path, output: str | Path) -> None:
    taken = {file.path.resolve() for file in files} | {Path(corrections).resolve()}
    if Path(output).resolve() in taken:
        raise SettingError(
            f"--out {quoted_path(output)} (output=) is what is read; the table stays as it is, so give another name."
        )


def _delimiter(files: Sequence[SourceFile], options: ReadOptions, suffix: str) -> str:
    """What divides the cells of the copy; empty for JSON Lines."""
    if SUFFIXES.get(suffix) == "json":
        return ""
    if files[0].format != "csv":
        return "\t" if suffix in (".tsv", ".tab") else ","
    with open_text(files[0], find_decoding(files[0], Reading(options))) as text:
        dialect = find_dialect(text, suffix=files[0].suffix, delimiter=options.delimiter, quoting=options.quoting)
    return dialect.delimiter if dialect.delimiter.isprintable() or dialect.delimiter == "\t" else ","


def _read(corrections: str | Path, data: Dataset) -> tuple[dict[int, tuple[str, ...]], int]:
    """The labels that rows of the data are corrected to, and how many rows are not filled in."""
    one_file = len(data.rows.files) == 1
    names = data.rows.files
    places = {("" if one_file else names[f], n): i for i, (f, n) in enumerate(_pairs(data))}
    filled: dict[int, tuple[str, ...]] = {}
    wrong: list[str] = []
    seen = left = 0
    for chunk in open_chunks(str(corrections), expect=COLUMNS):
        lacking = [name for name in (*NEEDED, *(() if one_file else ("file",))) if name not in chunk.columns]
        if lacking:
            raise DataError(
                f"{chunk.file} lacks {listed(map(quoted, lacking))}: corrections are the file that label-errors --out "
                "writes, with labels filled in. Keep its columns as they are."
            )
        for k in range(len(chunk)):
            cell = {name: chunk.columns[name][k] for name in COLUMNS if name in chunk.columns}
            seen += 1
            value = str(label_name(cell["corrected"]) or "").strip()
            if not value:
                left += 1
                continue
            i = places.get(("" if one_file else str(cell["file"]), _number(cell["row"])))
            if i is None:
                wrong.append(f"{chunk.place(k)} (row {cell['row']} is not in the table)")
            elif digest(data.texts[i]) != str(cell["digest"]).strip():
                wrong.append(f"{chunk.place(k)} ({data.rows.name(i)} has another text)")
            elif i in filled and filled[i] != _parsed(value, data):
                wrong.append(f"{chunk.place(k)} ({data.rows.name(i)} was corrected otherwise above)")
            else:
                filled[i] = _parsed(value, data)
    if wrong:
        raise DataError(
            f"{counted(len(wrong), 'correction')} {'does' if len(wrong) == 1 else 'do'} not match the table: "
            f"{listed(wrong, 3)}. Nothing was written. Give the table that label-errors looked at, with the same text "
            "columns."
        )
    if not filled:
        raise DataError(
            f"None of the {counted(seen, 'row')} of {quoted_path(corrections)} has a label in its column 'corrected', "
            "so there is nothing to apply."
        )
    return filled, left


def _pairs(data: Dataset) -> Iterable[tuple[int, int]]:
    return zip(data.rows.file.tolist(), data.rows.number.tolist(), strict=True)


def _number(cell: Any) -> int:
    """A row's number, which a spreadsheet may have made 12.0 of; -1 for what is none."""
    try:
        return int(float(str(cell).replace(",", "").strip()))
    except (ValueError, OverflowError):
        return -1


def _written(names: Sequence[str], *, several: bool) -> str:
    """Labels in one cell."""
    if not several:
        return names[0]
    plain = all(SEPARATOR not in name and name.strip() == name and not name.startswith("[") for name in names)
    return SEPARATOR.join(names) if names and plain else json.dumps(list(names), ensure_ascii=False)


def _parsed(cell: str, data: Dataset) -> tuple[str, ...]:
    """The labels of a cell that is filled in; without the apostrophe that a formula was given."""
    if cell.startswith("'") and inert(cell[1:]) == cell:
        cell = cell[1:]
    if not data.task.multi_label:
        return (cell,)
    if cell.startswith("["):
        try:
            names = json.loads(cell)
        except ValueError:
            names = None
        if not isinstance(names, list):
            raise DataError(f'The corrected labels {quoted(cell)} are no list, as in ["joy", "love"].')
        return tuple(str(label_name(name)) for name in names)
    return tuple(name for part in cell.split(SEPARATOR) if (name := part.strip()))


def _names(data: Dataset, i: int) -> tuple[str, ...]:
    return tuple(data.task.labels[j] for j in data.label_sets.row(i).tolist())


def _check_labels(data: Dataset, corrected: dict[int, tuple[str, ...]], *, new_labels: bool) -> tuple[str, ...]:
    """The labels that the table did not have.

    Raises:
        DataError: there are some, and they are not wanted or have no place.
    """
    known = data.task.labels
    added = tuple(dict.fromkeys(name for names in corrected.values() for name in names if name not in known))
    assert data.columns is not None
    placed = data.columns.shape in ("vector", "indicator")
    if added and (placed or not new_labels):
        more = "" if placed else " Correct it, or allow such labels with --new-labels (new_labels=True)."
        raise DataError(
            f"The corrected label {quoted(added[0])} is none of the table's, which are "
            f"{listed(map(quoted, known), 12)}.{did_you_mean(added[0], known)}{more}"
        )
    return added


def _cell_writer(data: Dataset) -> Callable[[int, tuple[str, ...]], dict[str, Any]]:
    """What gives the cells of labels in the form of the table, by the columns that they stand in."""
    assert data.columns is not None
    assert data.cells is not None
    columns: Columns = data.columns
    cells = {name: data.cells.get(name) for name in columns.label}
    if inside := [name for name, values in cells.items() if values is None]:
        raise DataError(
            f"The labels stand within objects ({listed(map(quoted, inside))}), where they are not corrected; write "
            "them into a column of their own first."
        )
    (first, values), *_ = cells.items()
    if columns.shape == "indicator":
        flags = {name: _flags(data, j, cells[name] or ()) for j, name in enumerate(columns.label)}
        labels = dict(zip(columns.label, data.task.labels, strict=True))
        return lambda _, names: {column: flags[column][labels[column] in names] for column in columns.label}
    assert values is not None
    if columns.shape == "vector":
        return lambda i, names: {first: _vector(values[i], names, data.task.labels)}
    if columns.shape == "delimited":
        return lambda _, names: {first: columns.delimiter.join(names)}
    spelt = _spelt(values)
    if columns.shape == "list":
        return lambda i, names: {first: _list_like(values[i], [spelt.get(name, name) for name in names])}
    return lambda _, names: {first: spelt.get(names[0], names[0])}


def _flags(data: Dataset, j: int, values: Sequence[Any]) -> tuple[Any, Any]:
    """How the column of a label writes that a row does not carry it, and that it does."""
    carried = {int(i) for i in data.label_sets.rows_of()(j)}
    on = next((values[i] for i in carried), None)
    off = next((values[i] for i in range(len(values)) if i not in carried), None)
    off = off if off is not None else type(on)(0) if on is not None else "0"
    return off, on if on is not None else type(off)(1)


def _vector(cell: Any, names: Sequence[str], labels: Sequence[str]) -> Any:
    flags = [label in names for label in labels]
    if isinstance(cell, Mapping):
        return {key: type(value)(label_name(key) in names) for key, value in cell.items()}
    if not isinstance(cell, str):
        return [type(value)(flag) for value, flag in zip(cell, flags, strict=True)]
    bits = iter(flags)
    return _BIT.sub(lambda match: str(int(next(bits))) + match[0][1:], cell)


def _spelt(values: Sequence[Any]) -> dict[str, Any]:
    """How each label is written in the cells, alone or within lists."""
    spelt: dict[str, Any] = {}
    for value in values:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, (str, int, float, bool)):
                spelt.setdefault(label_name(item) or "", item)
    return spelt


def _list_like(cell: Any, names: list[Any]) -> Any:
    return json.dumps(names, ensure_ascii=False) if isinstance(cell, str) else names


def _write(path: Path, cells: dict[str, list[Any]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = zip(*cells.values(), strict=True)
        if not delimiter:
            for row in rows:
                item = {name: None if v != v else v for name, v in zip(cells, row, strict=True)}  # noqa: PLR0124 - NaN
                file.write(escaped_in_json(json.dumps(item, ensure_ascii=False, default=str)) + "\n")
            return
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        if not is_headless(cells):
            writer.writerow(cells)
        writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else value
