"""The floor: no learning at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset
from textgraft.errors import ArtifactError
from textgraft.json_files import is_number, read_object
from textgraft.methods.base import TextClassifier
from textgraft.methods.hyperparameters import fitted, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Runtime


@hyperparameters
class MajorityClassifier(TextClassifier):
    """Predicts the (weighted) training share of every label, whatever the text: the floor under every comparison.

    A single-label task gets its most frequent label, by costs the one that is cheapest on average; a multi-label task
    the labels that more than half of the training texts carry.

    Attributes:
        shares_: (k,) float32 share of the training texts, by weight, that carry each label.
    """

    method = "majority"
    rung = 0
    is_floor = True
    facts: ClassVar[MethodFacts] = MethodFacts(
        "the shares of the labels in the training data, whatever the text; a floor for other models"
    )

    shares_: NDArray[np.float32] = fitted()

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:  # noqa: ARG002 - nothing to choose
        self.shares_ = (train.weighed_counts / train.weight).astype(np.float32)

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        return np.tile(self.shares_, (len(texts), 1))

    def write_state(self, folder: Path) -> None:  # noqa: D102
        (folder / "majority.json").write_text(json.dumps({"shares": self.shares_.tolist()}), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: ARG002, D102 - it has no network
        path = folder / "majority.json"
        shares = read_object(path, {"shares"})["shares"]
        right = isinstance(shares, list) and all(is_number(share, 0, 1) for share in shares)
        if not right or len(shares) != len(self.task_) or not (self.task_.multi_label or abs(sum(shares) - 1) < 1e-3):
            raise ArtifactError(f"{path} is damaged: it does not hold the shares of {len(self.task_)} labels.")
        self.shares_ = np.array(shares, np.float32)
