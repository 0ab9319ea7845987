"""Random problems with ties, rare labels and absent labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.task import Task


def single_label(
    n: int, k: int, seed: int = 0, *, signal: float = 1.5, digits: int = 7
) -> tuple[Task, NDArray[np.float32], NDArray[np.int64]]:
    """A task, (n, k) probabilities and (n,) targets; few ``digits`` make ties."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(k, n, p=rng.dirichlet(np.full(k, 2.0)))
    logits = np.round(rng.normal(size=(n, k)), digits)
    logits[np.arange(n), targets] += signal
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return names(k), (e / e.sum(axis=1, keepdims=True)).astype(np.float32), targets


def multi_label(
    n: int, k: int, seed: int = 0, *, signal: float = 1.5, digits: int = 7
) -> tuple[Task, NDArray[np.float32], NDArray[np.bool_]]:
    """A task, (n, k) probabilities and (n, k) targets."""
    rng = np.random.default_rng(seed)
    targets = rng.random((n, k)) < rng.uniform(0.05, 0.6, k)
    logits = np.round(rng.normal(size=(n, k)), digits) + signal * (targets - 0.5)
    return names(k, multi=True), (1 / (1 + np.exp(-logits))).astype(np.float32), targets


def names(k: int, *, multi: bool = False) -> Task:
    return Task(tuple(f"label {j}" for j in range(k)), multi_label=multi)


def reference(task: Task, p: NDArray[Any], y: NDArray[Any], thresholds: Any = 0.5) -> dict[str, float]:
    """The metrics by scikit-learn, on labels that all have rows with and without them."""
    from sklearn import metrics as m

    predicted = (p >= np.asarray(thresholds, np.float32)).astype(int) if task.multi_label else p.argmax(axis=1)
    y = y.astype(int)
    found = {"accuracy": m.accuracy_score(y, predicted)}
    averages = ["macro", "micro", "weighted"] + ["samples"] * task.multi_label
    for name in ("precision", "recall", "f1"):
        score = getattr(m, f"{name}_score")
        for average in averages:
            found[f"{name}_{average}"] = score(y, predicted, average=average, zero_division=0)
    if task.multi_label:
        found["subset_accuracy"] = found["accuracy"]
        found["hamming_loss"] = m.hamming_loss(y, predicted)
        for average in ("samples", "macro", "micro"):
            found[f"jaccard_{average}"] = m.jaccard_score(y, predicted, average=average, zero_division=0)
        for average in ("micro", "macro"):
            found[f"roc_auc_{average}"] = m.roc_auc_score(y, p, average=average)
            found[f"average_precision_{average}"] = m.average_precision_score(y, p, average=average)
        columns = list(zip(y.T, p.T, strict=True))
        found["brier_score_loss"] = float(np.mean([np.mean((q - t) ** 2) for t, q in columns]))
        found["log_loss"] = float(np.mean([_log_loss(t, np.stack([1 - q, q], 1), [0, 1]) for t, q in columns]))
        return found
    found["balanced_accuracy"] = m.balanced_accuracy_score(y, predicted)
    found["matthews_corrcoef"] = m.matthews_corrcoef(y, predicted)
    found["log_loss"] = _log_loss(y, p, range(len(task)))
    found["brier_score_loss"] = float(np.sum((p - np.eye(len(task))[y]) ** 2) / len(y) / (2 if len(task) == 2 else 1))
    if len(task) == 2:
        found["roc_auc"] = m.roc_auc_score(y, p[:, 1])
        found["average_precision"] = m.average_precision_score(y, p[:, 1])
    else:
        truth = y[:, None] == np.arange(len(task))
        found["roc_auc"] = m.roc_auc_score(truth, p, average="macro")
        found["average_precision"] = m.average_precision_score(truth, p, average="macro")
    return found


def _log_loss(y: NDArray[Any], p: NDArray[Any], labels: Any) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(y, p, labels=list(labels)))
