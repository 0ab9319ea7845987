"""textgraft: from a table of labelled texts to a classifier you can trust, explain and ship."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textgraft.analysis.corrections import apply_corrections, write_suspects
    from textgraft.analysis.curve import LearningCurve, learning_curve
    from textgraft.analysis.drift import Drift, drift
    from textgraft.analysis.errors import find_errors
    from textgraft.analysis.explaining import Explanation, explain
    from textgraft.analysis.label_errors import find_label_errors
    from textgraft.analysis.map import map_texts
    from textgraft.analysis.robustness import Robustness, robustness
    from textgraft.analysis.writing import write_report
    from textgraft.artifact import load, save
    from textgraft.artifact.exporting import export
    from textgraft.artifact.hub import push
    from textgraft.client import AsyncClient, Client
    from textgraft.data import ReadOptions, inspect, read_table, split
    from textgraft.data.splits import given_splits
    from textgraft.dataset import Dataset, Splits
    from textgraft.encoders import Encoder, open_encoder
    from textgraft.errors import TextgraftError
    from textgraft.evaluation import Evaluation, compare_paired
    from textgraft.ladder import Comparison, Search, abstain, compare, evaluate, search, set_thresholds
    from textgraft.methods import (
        FeatureClassifier,
        FineTunedClassifier,
        MajorityClassifier,
        NgramClassifier,
        RecurrentClassifier,
        StackedClassifier,
    )
    from textgraft.prediction import predict_table
    from textgraft.task import Task
    from textgraft.text import Vocabulary, tokenize
    from textgraft.text.vectors import open_vectors, vector_coverage

# Where the public names live. Rooms are opened on first use, so that `import textgraft` stays instant.
_ROOMS = {
    "analysis.corrections": ("apply_corrections", "write_suspects"),
    "analysis.curve": ("LearningCurve", "learning_curve"),
    "analysis.drift": ("Drift", "drift"),
    "analysis.errors": ("find_errors",),
    "analysis.explaining": ("Explanation", "explain"),
    "analysis.label_errors": ("find_label_errors",),
    "analysis.map": ("map_texts",),
    "analysis.robustness": ("Robustness", "robustness"),
    "analysis.writing": ("write_report",),
    "artifact": ("load", "save"),
    "artifact.exporting": ("export",),
    "artifact.hub": ("push",),
    "client": ("AsyncClient", "Client"),
    "data": ("ReadOptions", "given_splits", "inspect", "read_table", "split"),
    "dataset": ("Dataset", "Splits"),
    "encoders": ("Encoder", "open_encoder"),
    "errors": ("TextgraftError",),
    "evaluation": ("Evaluation", "compare_paired"),
    "ladder": (
        "Comparison",
        "Search",
        "abstain",
        "compare",
        "evaluate",
        "search",
        "set_thresholds",
    ),
    "methods": (
        "FeatureClassifier",
        "FineTunedClassifier",
        "MajorityClassifier",
        "NgramClassifier",
        "RecurrentClassifier",
        "StackedClassifier",
    ),
    "prediction": ("predict_table",),
    "task": ("Task",),
    "text": ("Vocabulary", "tokenize"),
    "text.vectors": ("open_vectors", "vector_coverage"),
}

__all__ = [
    "AsyncClient",
    "Client",
    "Comparison",
    "Dataset",
    "Drift",
    "Encoder",
    "Evaluation",
    "Explanation",
    "FeatureClassifier",
    "FineTunedClassifier",
    "LearningCurve",
    "MajorityClassifier",
    "NgramClassifier",
    "ReadOptions",
    "RecurrentClassifier",
    "Robustness",
    "Search",
    "Splits",
    "StackedClassifier",
    "Task",
    "TextgraftError",
    "Vocabulary",
    "abstain",
    "apply_corrections",
    "compare",
    "compare_paired",
    "drift",
    "evaluate",
    "explain",
    "export",
    "find_errors",
    "find_label_errors",
    "given_splits",
    "inspect",
    "learning_curve",
    "load",
    "map_texts",
    "open_encoder",
    "open_vectors",
    "predict_table",
    "push",
    "read_table",
    "robustness",
    "save",
    "search",
    "set_thresholds",
    "split",
    "tokenize",
    "vector_coverage",
    "write_report",
    "write_suspects",
]


def __getattr__(name: str) -> Any:
    room = next((room for room, names in _ROOMS.items() if name in names), None)
    if room is None:
        raise AttributeError(f"module 'textgraft' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"textgraft.{room}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
