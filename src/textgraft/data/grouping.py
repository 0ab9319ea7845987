"""Rows that must stay together when a table is divided, and the order in which chance takes them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.data.duplicates import connect, find_duplicates, repeats
from textgraft.dataset import Dataset
from textgraft.digests import text_number
from textgraft.errors import DataError
from textgraft.labels import is_missing


@dataclass(frozen=True)
class Groups:
    """Rows that must stay together.

    Attributes:
        of_row: (n,) number of the group of each row, from 0.
        sizes: (g,) rows per group.
        keys: (g,) pseudo-random numbers from the seed and the texts of each group.
        copies: how many rows repeat, or nearly repeat, the text of an earlier one.
    """

    of_row: NDArray[np.int64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.uint64]
    copies: int


def group_rows(data: Dataset, seed: int, *, by_column: bool, near: bool = True) -> Groups:
    """Groups the rows by their text and, ``by_column``, by the group column too; another seed gives other keys.

    ``near`` says whether near-duplicates stay together, not only texts that are equal after folding.

    Raises:
        DataError: there is no group column.
    """
    duplicates = find_duplicates(data.texts, near=near)
    joined = connect(duplicates.near, group_codes(data)) if by_column else duplicates.near
    _, of_row = np.unique(joined, return_inverse=True)
    sizes = np.bincount(of_row)
    keys = np.full(len(sizes), np.iinfo(np.uint64).max, np.uint64)
    start, distinct = f"{seed}\n".encode(), duplicates.distinct
    of_text = np.fromiter((text_number(text, start) for text in distinct), np.uint64, len(distinct))
    np.minimum.at(keys, of_row, of_text[duplicates.folded])
    return Groups(of_row, sizes, keys, repeats(duplicates.near))


def stay_together(data: Dataset, seed: int) -> Groups:
    """The groups of rows that stand on one side of any division: by their texts and, where there is one, the column."""
    return group_rows(data, seed, by_column=data.groups is not None)


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) where a column has no value: None, NaN, NaT or an empty string."""
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values))
    return np.fromiter(map(is_missing, values.tolist()), np.bool_, len(values))


def group_codes(data: Dataset) -> NDArray[np.int64]:
    """(n,) number of each row's group value; a row without a value is a group of its own."""
    if data.groups is None:
        raise DataError("There is no group column to divide by; name one when reading the table (group=...).")
    codes: dict[Hashable, int] = {}
    values = enumerate(zip(data.groups.tolist(), missing(data.groups), strict=True))
    keys = (("row", i) if alone else ("value", value) for i, (value, alone) in values)
    return np.fromiter((codes.setdefault(key, len(codes)) for key in keys), np.int64, len(data))
