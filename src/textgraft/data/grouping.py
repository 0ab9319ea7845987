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
    """Groups the rows by their text and, on wish, by the group column too.

    Args:
        data: n rows.
        seed: another seed, other keys.
        by_column: whether rows with one value in the group column stay together.
        near: whether near-duplicates stay together, not only texts that are equal after folding.

    Raises:
        DataError: there is no group column.
    """
    duplicates = find_duplicates(data.texts, near=near)
    joined = connect(duplicates.near, _group_codes(data)) if by_column else duplicates.near
    _, of_row = np.unique(joined, return_inverse=True)
    sizes = np.bincount(of_row)
    keys = np.full(len(sizes), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(keys, of_row, _keys(duplicates.distinct, seed)[duplicates.folded])
    return Groups(of_row, sizes, keys, repeats(duplicates.near))


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) where a column has no value: None, NaN, NaT or an empty string."""
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values))
    # NaN and its like differ from themselves.
    empty = (v is None or v == "" or v != v for v in values.tolist())  # noqa: PLR0124
    return np.fromiter(empty, np.bool_, len(values))


def _keys(texts: list[str], seed: int) -> NDArray[np.uint64]:
    """(n,) a number for each text that has no pattern, yet is the same in every process."""
    start = f"{seed}\n".encode()
    return np.fromiter((text_number(text, start) for text in texts), np.uint64, len(texts))


def _group_codes(data: Dataset) -> NDArray[np.int64]:
    """(n,) number of each row's group value; a row without a value is a group of its own."""
    if data.groups is None:
        raise DataError("There is no group column to divide by; name one when reading the table (group=...).")
    codes: dict[Hashable, int] = {}
    alone = missing(data.groups)
    return np.fromiter(
        (
            codes.setdefault(("row", i) if alone[i] else ("value", value), len(codes))
            for i, value in enumerate(data.groups.tolist())
        ),
        np.int64,
        len(data),
    )
