"""The floor: no learning at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textgraft.methods.base import TextClassifier
from textgraft.task import Dataset


class MajorityClassifier(TextClassifier):
    """Predicts the training share of every label, whatever the text: the floor under every comparison.

    A single-label task gets its most frequent label, a multi-label task the labels that more than half of the
    training texts carry.

    Attributes:
        shares_: (k,) float32 share of the training texts that carry each label.
    """

    method = "majority"
    rung = 0

    shares_: NDArray[np.float32]

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:  # noqa: ARG002 - nothing to choose
        self.shares_ = (train.counts / len(train)).astype(np.float32)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        return np.tile(self.shares_, (len(texts), 1))

    def _write(self, folder: Path) -> None:
        (folder / "majority.json").write_text(json.dumps({"shares": self.shares_.tolist()}), "utf-8")

    def _read(self, folder: Path) -> None:
        content = json.loads((folder / "majority.json").read_text("utf-8"))
        self.shares_ = np.array(content["shares"], np.float32)
