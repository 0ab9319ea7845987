"""What is to be learnt: the ordered label names, and whether a text carries exactly one of them or any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import DataError, did_you_mean, listed
from textgraft.label_sets import LabelSets
from textgraft.unicode import quoted

Targets = NDArray[np.int64] | LabelSets


@dataclass(frozen=True)
class Task:
    """The label names, in order, and whether a text carries one of them or any number of them."""

    labels: tuple[str, ...]
    multi_label: bool = False

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels):
            raise DataError(f"Label names must differ from each other; got {listed(self.labels, 20)}.")

    def __len__(self) -> int:
        return len(self.labels)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, k) float32 probabilities of (n, k) logits: softmax, or the sigmoid of each for a multi-label task."""
        if self.multi_label:
            # Both forms are the sigmoid; each is exact where the other overflows.
            small = np.exp(-np.abs(logits))
            return np.asarray(np.where(logits >= 0, 1, small) / (1 + small), np.float32)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

    @property
    def kind(self) -> str:
        """``"multi-label"`` or ``"single-label"``, for people."""
        return "multi-label" if self.multi_label else "single-label"

    def encode(self, labels: Sequence[Any]) -> Targets:
        """Targets of label names.

        Args:
            labels: for a single-label task one name per row; for a multi-label task a collection of names per row.

        Returns:
            (n,) int64 indices into ``labels``, or the n ``LabelSets`` of a multi-label task.

        Raises:
            DataError: a name that the task does not have.
        """
        index = {name: i for i, name in enumerate(self.labels)}
        try:
            if not self.multi_label:
                return np.fromiter((index[name] for name in labels), np.int64, len(labels))
            return LabelSets.of_rows(([index[name] for name in names] for names in labels), len(self))
        except KeyError as error:
            name = str(error.args[0])
            raise DataError(
                f"Label {quoted(name)} is not one of the task's {len(self)} labels ({listed(self.labels, 12)})."
                + did_you_mean(name, self.labels)
            ) from None

    def sets(self, targets: Targets) -> LabelSets:
        """The labels of each row, for both kinds of task; targets of several labels may be an (n, k) matrix too."""
        if isinstance(targets, LabelSets):
            return targets
        return LabelSets.of(targets) if self.multi_label else LabelSets.single(targets, len(self))

    def decode(self, targets: Targets | NDArray[np.bool_]) -> list[str] | list[tuple[str, ...]]:
        """Label names of targets: a name per row, or a tuple of names per row of a multi-label task."""
        if isinstance(targets, LabelSets) or self.multi_label:
            return [tuple(self.labels[i] for i in row.tolist()) for row in LabelSets.of(targets)]
        return [self.labels[i] for i in targets.tolist()]


def moved(targets: Targets, place: NDArray[np.int64], task: Task) -> Targets:
    """Targets of other labels as targets of ``task``, of the same kind.

    Args:
        targets: of n rows and m labels.
        place: (m,) where each of the m labels stands in ``task``; -1 for one that no row carries. Several may stand at
            one place.
        task: the labels.
    """
    if isinstance(targets, LabelSets):
        return targets.moved(place, len(task))
    return np.asarray(place[targets], np.int64)
