"""textgraft: from a table of labelled texts to a classifier you can trust, explain and ship."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textgraft.artifact import load, save
    from textgraft.artifact.exporting import export
    from textgraft.artifact.hub import push
    from textgraft.data import ReadOptions, inspect, read_table, split
    from textgraft.data.splits import given_splits
    from textgraft.dataset import Dataset, Splits
    from textgraft.encoders import Encoder
    from textgraft.errors import TextgraftError
    from textgraft.evaluation import Evaluation, compare_paired
    from textgraft.ladder import Comparison, compare, evaluate
    from textgraft.methods import (
        FeatureClassifier,
        FineTunedClassifier,
        MajorityClassifier,
        NgramClassifier,
        RecurrentClassifier,
    )
    from textgraft.prediction import predict_table
    from textgraft.task import Task

# Where each public name lives. Rooms are opened on first use, so that `import textgraft` stays instant.
_ROOMS = {
    "Comparison": "ladder",
    "Dataset": "dataset",
    "Encoder": "encoders",
    "Evaluation": "evaluation",
    "FeatureClassifier": "methods",
    "FineTunedClassifier": "methods",
    "MajorityClassifier": "methods",
    "NgramClassifier": "methods",
    "ReadOptions": "data",
    "RecurrentClassifier": "methods",
    "Splits": "dataset",
    "Task": "task",
    "TextgraftError": "errors",
    "compare": "ladder",
    "compare_paired": "evaluation",
    "evaluate": "ladder",
    "export": "artifact.exporting",
    "given_splits": "data",
    "inspect": "data",
    "load": "artifact",
    "predict_table": "prediction",
    "push": "artifact.hub",
    "read_table": "data",
    "save": "artifact",
    "split": "data",
}

__all__ = [
    "Comparison",
    "Dataset",
    "Encoder",
    "Evaluation",
    "FeatureClassifier",
    "FineTunedClassifier",
    "MajorityClassifier",
    "NgramClassifier",
    "ReadOptions",
    "RecurrentClassifier",
    "Splits",
    "Task",
    "TextgraftError",
    "compare",
    "compare_paired",
    "evaluate",
    "export",
    "given_splits",
    "inspect",
    "load",
    "predict_table",
    "push",
    "read_table",
    "save",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'textgraft' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"textgraft.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
