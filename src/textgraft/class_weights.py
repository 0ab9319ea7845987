"""What labels count: in the loss that a method is fitted with, and therefore in decisions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.labels import alike, label_name
from textgraft.unicode import quoted

ClassWeight = str | Mapping[str, float] | None


def label_weights(data: Dataset, class_weight: ClassWeight) -> NDArray[np.float64] | None:
    """(k,) what a row of each label counts in the loss; in a multi-label task, what the label counts where it is right.

    ``"balanced"`` is n / (k * count) as in scikit-learn, counted by the rows' weights, and in a multi-label task rows
    without the label per row with it. A mapping gives weights by label name; labels that it does not name count 1.

    Raises:
        SettingError: a name is no label.
    """
    if class_weight is None:
        return None
    names = data.task.labels
    if not isinstance(class_weight, str):
        given = {alike(label_name(name) or "", names, ()) or str(name): float(w) for name, w in class_weight.items()}
        if unknown := [name for name in given if name not in names]:
            raise SettingError(
                f"class_weight names {listed(map(quoted, unknown))}, which is no label; labels are "
                f"{listed(map(quoted, names), 12)}.{did_you_mean(unknown[0], names)}"
            )
        if len(given) < len(class_weight):
            raise SettingError(f"class_weight names a label twice: {listed(map(quoted, class_weight), 12)}.")
        return np.array([given.get(name, 1.0) for name in names])
    total, counts = data.weight, data.weighed_counts
    counts = np.where(counts > 0, counts, total / max(1, len(data)))
    balance = (total - counts) / counts if data.task.multi_label else total / (len(counts) * counts)
    return np.maximum(balance, 1e-3)


def weighted_thresholds(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """(k,) thresholds of a ``Decision`` in which a label's probability counts as (k,) ``weights`` say."""
    thresholds = np.maximum(1 / weights / (1 / weights).sum(), np.finfo(np.float32).tiny)
    return np.asarray(thresholds, np.float32)
