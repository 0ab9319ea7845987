"""Folds for cross-validation: every label has its share in each, and what must stay together does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from textgraft.data.grouping import group_rows
from textgraft.data.stratify import group_labels, stratify
from textgraft.dataset import Dataset
from textgraft.errors import DataError


def fold_of_row(data: Dataset, k: int, seed: int = 0) -> NDArray[np.int64]:
    """(n,) the fold of each row, from 0 to k - 1; duplicates and rows of one group stay together.

    Raises:
        DataError: there are fewer groups of rows than folds.
    """
    groups = group_rows(data, seed, by_column=data.groups is not None)
    if len(groups.sizes) < k:
        raise DataError(f"{k} folds cannot be made of {len(groups.sizes)} groups of rows.")
    labels = group_labels(data, groups.of_row)
    return stratify(labels, groups.sizes, groups.keys, [1 / k] * k)[groups.of_row]
