"""All methods by their name, on the command line and in model directories."""

from __future__ import annotations

from pathlib import Path

from textgraft.errors import ArtifactError
from textgraft.methods.base import TextClassifier
from textgraft.methods.rungs import RUNGS
from textgraft.methods.stacked import StackedClassifier
from textgraft.model_directory import Manifest
from textgraft.unicode import quoted

METHODS: dict[str, type[TextClassifier]] = {**RUNGS, StackedClassifier.method: StackedClassifier}
"""Cheapest first."""


def method_of(manifest: Manifest, folder: Path) -> type[TextClassifier]:
    """The class of the method that wrote a model.

    Raises:
        ArtifactError: this textgraft does not have it.
    """
    if manifest.method not in METHODS:
        raise ArtifactError(
            f"{folder} was written by the method {quoted(manifest.method)}; this textgraft knows {', '.join(METHODS)}. "
            "Install a newer textgraft."
        )
    return METHODS[manifest.method]
