"""Predictions of a quick model on real tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from textgraft.task import Task

Problem = tuple[Task, NDArray[np.float32], NDArray[Any], NDArray[np.int64], int]


@pytest.fixture(scope="session")
def emotion(shared_data: Path) -> Problem:
    """Task, probabilities and targets of the test file, training rows per label and in all."""
    parts = []
    for name in ("train", "test"):
        lines = (shared_data / "emotion" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        parts.append(list(zip(*(line.rsplit(";", 1) for line in lines), strict=True)))
    (train, labels), (test, truth) = parts
    task = Task(tuple(sorted(set(labels))))
    y = task.encode(labels)
    p = _fit(train, y).predict_proba(_features(test))
    return task, p.astype(np.float32), task.encode(truth), np.bincount(y), len(y)


@pytest.fixture(scope="session")
def semeval(shared_data: Path) -> Problem:
    """The same of the multi-label tweets, evaluated on the dev file."""
    parts = []
    for name in ("train", "dev"):
        file = next((shared_data / "semeval2018_ec").glob(f"*{name}*"))
        header, *lines = file.read_text(encoding="utf-8").splitlines()
        cells = [line.split("\t") for line in lines]
        parts.append(([row[1] for row in cells], np.array([row[2:] for row in cells]) == "1"))
    (train, y), (test, truth) = parts
    task = Task(tuple(header.split("\t")[2:]), multi_label=True)
    features = _features(test)
    p = np.stack([_fit(train, column).predict_proba(features)[:, 1] for column in y.T], axis=1)
    return task, p.astype(np.float32), truth, y.sum(axis=0), len(y)


def _features(texts: Any) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(n_features=2**16).transform(texts)


def _fit(texts: Any, targets: NDArray[Any]) -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=5, tol=None, random_state=0).fit(
        _features(texts), targets
    )
