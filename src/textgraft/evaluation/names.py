"""Metrics by their names: scikit-learn's, under which they are kept, and those that are shown to people."""

from __future__ import annotations

from collections.abc import Iterable

from textgraft.unicode import MOST_QUOTED, quoted

NAMES = {
    "f1": "F1", "ece": "calibration error", "jaccard": "Jaccard", "roc_auc": "ROC-AUC", "hamming_loss": "Hamming loss",
    "matthews_corrcoef": "Matthews correlation", "brier_score_loss": "Brier score",
}  # fmt: skip
AVERAGES = {"macro": "macro", "micro": "micro", "weighted": "weighted", "samples": "per text"}
OF_LABELS = ("precision", "recall", "f1", "roc_auc", "average_precision")
COST = "mean_cost"


def metric_name(name: str) -> str:
    """The name of a metric for people: ``"macro-F1"`` for ``"f1_macro"``, ``"F1 of spam"`` for ``"f1:spam"``."""
    kind, _, label = name.partition(":")
    if label and kind in OF_LABELS:
        return _of_label(kind, label)
    start, _, average = name.rpartition("_")
    if name in ("f1_macro", "f1_micro"):
        return f"{average}-F1"
    if average in AVERAGES:
        return f"{metric_name(start)} ({AVERAGES[average]})"
    return NAMES.get(name, name.replace("_", " "))


def named(written: str, names: Iterable[str]) -> str | None:
    """The metric that is meant, written as it is kept or as it is shown, whatever the case, blanks and hyphens."""
    return next((name for name in names if folded(written) in (folded(name), folded(metric_name(name)))), None)


def folded(name: str) -> str:
    """The letters and digits of a name, in one case."""
    return "".join(filter(str.isalnum, name.casefold()))


def _of_label(kind: str, label: str) -> str:
    label, precision = split_precision(label) if kind == "recall" else (label, None)
    words = label.replace("_", "").replace(" ", "").isalnum() and len(label) <= MOST_QUOTED
    at = "" if precision is None else f" (at a precision of {precision:g})"
    return f"{metric_name(kind)} of {label if words else quoted(label)}{at}"


def split_precision(label: str) -> tuple[str, float | None]:
    """``"spam@0.9"`` as ``("spam", 0.9)``, and a label with no number behind its last ``@`` as it is."""
    name, at, number = label.rpartition("@")
    try:
        return (name, float(number)) if at else (label, None)
    except ValueError:
        return label, None
