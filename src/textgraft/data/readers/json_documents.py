"""One JSON value as a table: which of the ways in which programs write tables it is, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from textgraft.data.readers.names import is_known
from textgraft.data.sources.part_names import part_of
from textgraft.errors import listed
from textgraft.unicode import quoted
from textgraft.wording import counted

Rows = Sequence[Any]
_ROWS = "a table is an array of objects, an object of columns, or one object per line"


class Found(NamedTuple):
    """The rows of a value, objects or arrays, and what is to be said of how they stand there."""

    rows: Rows
    says: str


def find_rows(value: Any, expect: Sequence[str] = ()) -> Found:
    """The rows of an array or object.

    An array of objects or of arrays is its rows. An object is read in the forms that pandas, polars and the data sets
    server write, with columns of equal length, with rows by key, or with the one array of rows that it holds.

    Args:
        value: as JSON gives it.
        expect: names of columns, which tell an object of columns from one of rows.

    Raises:
        ValueError: it is none of these; the message says what it is, as a predicate.
    """
    if isinstance(value, list):
        return _array(value)
    if value == {}:
        return Found([], "")
    if not isinstance(value, dict):
        raise ValueError(f"is one JSON value, {_kind(value)}; {_ROWS}")
    forms: tuple[Callable[[dict[str, Any], Sequence[str]], Found | None], ...] = (
        _row,
        _split,
        _schema,
        _served,
        _nested,
        _columns,
        _held,
        _single,
    )
    found = next((found for form in forms if (found := form(value, expect)) is not None), None)
    if found is None:
        said = listed((f"{quoted(name)} is {_kind(item)}" for name, item in value.items()), 6)
        raise ValueError(f"is one object that holds no table: {said}; {_ROWS}")
    return found


def _array(value: list[Any]) -> Found:
    if value and not any(isinstance(item, (dict, list)) for item in value):
        raise ValueError(f"is one array of single values, the first {_kind(value[0])}; {_ROWS}")
    if value and all(is_series(item) for item in value):  # as polars wrote them once
        return _columns({item["name"]: item["values"] for item in value}, ()) or Found(value, "")
    return Found(value, "")


def is_series(item: Any) -> bool:
    """Whether an item of an array is a column of a table, as polars wrote them once."""
    named = isinstance(item, dict) and {"name", "values"} <= item.keys() <= {
        "name",
        "datatype",
        "bit_settings",
        "values",
    }
    return named and isinstance(item["values"], list) and isinstance(item["name"], str)


def _row(value: dict[str, Any], expect: Sequence[str]) -> Found | None:
    """One row, if it has its text where one is expected, and holds no array of rows."""
    named = any(isinstance(item, str) and (name in expect or name == "text") for name, item in value.items())
    return Found([value], "") if named and not any(map(_is_rows, value.values())) else None


def _split(value: dict[str, Any], _: Sequence[str]) -> Found | None:
    """pandas' orient="split": names, rows and their index apart."""
    names, rows = value.get("columns"), value.get("data")
    if not (isinstance(names, list) and isinstance(rows, list) and value.keys() <= {"columns", "data", "index"}):
        return None
    wrong = next((i for i, row in enumerate(rows, 1) if not isinstance(row, list) or len(row) != len(names)), None)
    if wrong:
        raise ValueError(f"is one object of columns and data, whose row {wrong} does not have {len(names)} values")
    named = [name if isinstance(name, str) else str(name) for name in names]
    if len(set(named)) < len(named):
        raise ValueError("has more than one column with the same name")
    return Found([dict(zip(named, row, strict=True)) for row in rows], "")


def _schema(value: dict[str, Any], _: Sequence[str]) -> Found | None:
    """pandas' orient="table": a schema and rows, which hold the index too."""
    schema, rows = value.get("schema"), value.get("data")
    if value.keys() != {"schema", "data"} or not (isinstance(schema, dict) and isinstance(rows, list)):
        return None
    unnamed = schema.get("primaryKey") == ["index"]
    return Found([_without(row, "index") if unnamed and isinstance(row, dict) else row for row in rows], "")


def _served(value: dict[str, Any], _: Sequence[str]) -> Found | None:
    """What the server of Hugging Face's data sets answers: rows with their place, and class numbers."""
    rows = value.get("rows")
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) and "row_idx" in row for row in rows)):
        return None
    if not all(isinstance(row.get("row"), dict) for row in rows):
        return None
    inner = [dict(row["row"]) for row in rows]
    features = value.get("features")
    for feature in features if isinstance(features, list) else ():
        names = _class_names(feature)
        for row in inner if names else ():
            number = row.get(feature["name"])
            if isinstance(number, int) and number >= 0:
                if number >= len(names):
                    raise ValueError(f"has class number {number} where the ClassLabel has {len(names)} names")
                row[feature["name"]] = names[number]
    total = value.get("num_rows_total")
    more = f" {len(inner):,} of {counted(total, 'row')}" if isinstance(total, int) and total > len(inner) else " rows"
    return Found(inner, f"holds{more} as the data sets server gives them")


def _class_names(feature: Any) -> list[str]:
    kind = feature.get("type") if isinstance(feature, dict) and "name" in feature else None
    names = kind.get("names") if isinstance(kind, dict) and kind.get("_type") == "ClassLabel" else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _nested(value: dict[str, Any], expect: Sequence[str]) -> Found | None:
    """An object of objects: columns of cells by row, as pandas writes them by default, or rows by key."""
    if not all(isinstance(item, dict) for item in value.values()):
        return None
    outer, inner = list(value), list(dict.fromkeys(name for item in value.values() for name in item))
    cells = [cell for item in value.values() for cell in item.values()]
    deep = bool(cells) and all(isinstance(cell, dict) for cell in cells)
    if deep or (len(value) == 1 and cells and all(isinstance(cell, list) for cell in cells)):
        return None  # the table is further in
    by_column = _columns_outside(outer, inner, expect)
    if by_column is None:
        raise ValueError(
            f"is one object of objects, whose columns may be {listed(map(quoted, outer), 3)} or "
            f"{listed(map(quoted, inner), 3)}; name the text column with --text (text=)"
        )
    if not by_column:
        return Found(
            list(value.values()), f"is one object of {counted(len(outer), 'row')} by key, the first {quoted(outer[0])}"
        )
    lacking = next((name for name in outer if value[name].keys() != value[outer[0]].keys()), None)
    if lacking is not None:
        raise ValueError(f"is one object of columns, of which {quoted(lacking)} has other rows than {quoted(outer[0])}")
    rows = [{name: value[name][key] for name in outer} for key in value[outer[0]]]
    return Found(rows, f"is one object of columns, {listed(map(quoted, outer), 6)}")


def _columns_outside(outer: Sequence[str], inner: Sequence[str], expect: Sequence[str]) -> bool | None:
    """Whether the outer keys name the columns; None if neither keys look like names of columns or of rows."""
    tests: tuple[Callable[[str], bool], ...] = (
        lambda name: name in expect,
        is_known,
        lambda name: not name.lstrip("-").isdigit(),
    )
    for test in tests:
        outside, inside = (sum(map(test, names)) / max(1, len(names)) for names in (outer, inner))
        if outside != inside:
            return outside > inside
    return None


def _columns(value: dict[str, Any], _: Sequence[str]) -> Found | None:
    """An object of columns."""
    if not all(isinstance(item, list) for item in value.values()):
        return None
    if any(isinstance(cell, dict) for item in value.values() for cell in item):
        return None
    lengths = {name: len(item) for name, item in value.items()}
    if len(set(lengths.values())) > 1:
        said = listed((f"{quoted(name)} has {length:,}" for name, length in lengths.items()), 6)
        raise ValueError(f"is one object of columns of different lengths: {said}")
    if len(value) == 1 and all(isinstance(cell, list) for item in value.values() for cell in item):
        return None  # the one array of rows that an object holds
    rows = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    return Found(rows, f"is one object of columns, {listed(map(quoted, value), 6)}")


def _held(value: Mapping[str, Any], expect: Sequence[str]) -> Found | None:
    """The one array of rows that an object holds, or that the one object in it holds."""
    tables = [name for name, item in value.items() if _is_rows(item)]
    named = listed(map(quoted, tables), 6)
    if len(tables) > 1 and all(part_of(name) and all(isinstance(row, dict) for row in value[name]) for name in tables):
        rows = [{**row, "split": name} for name in tables for row in value[name]]
        return Found(rows, f"is one object of splits, {named}; column 'split' says which")
    if len(tables) > 1:
        raise ValueError(f"is one object with {len(tables)} tables in it, {named}; save each in a file of its own")
    if tables:
        found = find_rows(value[tables[0]], expect)
        return Found(found.rows, f"is one object; its rows are those under {quoted(tables[0])}")
    objects = [name for name, item in value.items() if isinstance(item, dict)]
    if len(objects) == 1 and not any(isinstance(item, list) for item in value.values()):
        inner = value[objects[0]]
        further = _held(inner, expect) or _columns(inner, expect) or _nested(inner, expect)
        return further and Found(further.rows, f"is one object; its table is the one under {quoted(objects[0])}")
    return None


def _is_rows(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(row, (dict, list)) for row in item)


def _single(value: dict[str, Any], expect: Sequence[str]) -> Found | None:
    """One row, if a key is named as a column is."""
    named = any(name in expect or is_known(name) for name in value)
    plain = not any(isinstance(item, dict) for item in value.values())
    return Found([value], "") if named and plain else None


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if name != key}


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return f"the string {quoted(value[:20])}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f"an array of {len(value):,}" if isinstance(value, list) else f"an object of {len(value):,}"
