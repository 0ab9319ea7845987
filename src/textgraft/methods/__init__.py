"""One file per rung of the ladder."""

from textgraft.methods.base import TextClassifier
from textgraft.methods.features import FeatureClassifier
from textgraft.methods.finetune import FineTunedClassifier
from textgraft.methods.majority import MajorityClassifier
from textgraft.methods.ngrams import NgramClassifier
from textgraft.methods.recurrent import RecurrentClassifier

METHODS: dict[str, type[TextClassifier]] = {
    cls.method: cls
    for cls in (MajorityClassifier, NgramClassifier, RecurrentClassifier, FeatureClassifier, FineTunedClassifier)
}
"""All methods by their name on the command line, cheapest first."""

__all__ = [
    "METHODS",
    "FeatureClassifier",
    "FineTunedClassifier",
    "MajorityClassifier",
    "NgramClassifier",
    "RecurrentClassifier",
    "TextClassifier",
]
