"""What splits are made by: the groups, the times and the given parts of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.sources.part_names import part_of
from textgraft.dataset import Rows
from textgraft.errors import DataError, listed
from textgraft.labels import is_missing
from textgraft.unicode import quoted


def parse_parts(values: Sequence[Any], column: str, rows: Rows) -> NDArray[np.str_]:
    """(n,) parts of a split column.

    Raises:
        DataError: a value that does not name a part.
    """
    parts = [part_of(value) for value in values]
    wrong = [i for i, part in enumerate(parts) if part is None]
    if wrong:
        blank = {i for i in wrong if is_missing(values[i]) or not str(values[i]).strip()}
        named = dict.fromkeys(quoted(values[i]) for i in wrong if i not in blank)
        said = [f"the value{'s' * (len(named) > 1)} {listed(named)}"] * bool(named) + ["no value"] * bool(blank)
        raise DataError(
            f"Split column {quoted(column)} has {' and '.join(said)} in {len(wrong):,} row{'s' * (len(wrong) > 1)} "
            f"({rows.names(wrong, 3)}); allowed are train, valid (val, validation, dev) and test (eval). Mend these "
            f"rows or take them out; or leave the column aside, and divide anew, with --no-split (split=False)."
        )
    return np.array(parts, dtype="<U5")


def parse_groups(values: Sequence[Any]) -> NDArray[Any]:
    """(n,) groups as strings; None where there is none."""
    return np.array([None if is_missing(value) else str(value) for value in values], dtype=object)


def parse_times(values: Sequence[Any], column: str, rows: Rows) -> NDArray[Any]:
    """(n,) float64 if all values are numbers, else (n,) datetime64[us]; moments with a zone are in UTC.

    A missing value is NaN or NaT.

    Raises:
        DataError: a value that is neither a number nor an ISO 8601 date or time.
    """
    with suppress(TypeError, ValueError):
        return np.array([_number(value) for value in values], dtype=np.float64)
    times: list[datetime | None] = []
    for i, value in enumerate(values):
        try:
            times.append(None if is_missing(value) else _moment(value))
        except (TypeError, ValueError):
            raise DataError(
                f"Time column {quoted(column)} has the value {quoted(value)} ({rows.name(i)}); it must hold numbers "
                "only, or dates and times only as ISO 8601 writes them, such as 2024-05-31 or 2024-05-31T18:00:00."
            ) from None
    return np.array(times, dtype="datetime64[us]")


def _number(value: Any) -> float:
    if is_missing(value):
        return math.nan
    if isinstance(value, (bool, date)):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _moment(value: Any) -> datetime:
    if not isinstance(value, (date, str)):
        raise TypeError
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
