"""What each row counts, as ``fit`` is given it (``sample_weight``)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from textgraft.dataset import WEIGHTS_ALLOWED, Dataset, unusable_weights
from textgraft.errors import DataError
from textgraft.unicode import quoted


def with_weights(data: Dataset, weights: Any) -> Dataset:
    """The data with what each row counts, (n,), as ``fit`` was given it; weights of 1 are none.

    Raises:
        DataError: they are not one number for each row, 0 or above, or the data has weights already.
    """
    if weights is not None:
        if data.weights is not None:
            raise DataError("This Dataset carries its weights; give fit either those or sample_weight.")
        items = weights.tolist() if hasattr(weights, "tolist") else weights
        items = list(items) if isinstance(items, Iterable) and not isinstance(items, (str, bytes)) else items
        if not isinstance(items, list) or len(items) != len(data):
            given = f"{len(items):,}" if isinstance(items, list) else quoted(items)
            raise DataError(f"sample_weight must be {len(data):,} numbers, one for each text; got {given}.")
        numbers = np.array([_number(item) for item in items], np.float64)
        if len(wrong := unusable_weights(numbers)):
            raise DataError(
                f"What a text counts must be {WEIGHTS_ALLOWED}; item {wrong[0]} of sample_weight is "
                f"{quoted(items[wrong[0]])}. 0 leaves a text out."
            )
        data = replace(data, weights=numbers)
    return replace(data, weights=None) if data.weights is not None and (data.weights == 1).all() else data


def _number(item: Any) -> float:
    """A number as it was given; not a number for anything else."""
    return float(item) if isinstance(item, Real) else math.nan
