"""One file per rung of the ladder."""

from textgraft.methods.base import TextClassifier
from textgraft.methods.features import FeatureClassifier
from textgraft.methods.finetune import FineTunedClassifier
from textgraft.methods.graphs import GraphClassifier
from textgraft.methods.majority import MajorityClassifier
from textgraft.methods.ngrams import NgramClassifier
from textgraft.methods.recurrent import RecurrentClassifier
from textgraft.methods.registry import METHODS
from textgraft.methods.stacked import StackedClassifier

__all__ = [
    "METHODS",
    "FeatureClassifier",
    "FineTunedClassifier",
    "GraphClassifier",
    "MajorityClassifier",
    "NgramClassifier",
    "RecurrentClassifier",
    "StackedClassifier",
    "TextClassifier",
]
