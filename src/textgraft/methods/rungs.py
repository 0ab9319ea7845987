"""The methods that stand alone, by name; ``stack`` is made of them."""

from __future__ import annotations

from textgraft.methods.base import TextClassifier
from textgraft.methods.features import FeatureClassifier
from textgraft.methods.finetune import FineTunedClassifier
from textgraft.methods.majority import MajorityClassifier
from textgraft.methods.ngrams import NgramClassifier
from textgraft.methods.recurrent import RecurrentClassifier

RUNGS: dict[str, type[TextClassifier]] = {
    cls.method: cls
    for cls in (MajorityClassifier, NgramClassifier, RecurrentClassifier, FeatureClassifier, FineTunedClassifier)
}
"""Cheapest first."""
