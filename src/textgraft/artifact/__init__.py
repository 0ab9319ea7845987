"""Models as artefacts: loaded from wherever they are, exported to other runtimes, published."""

from textgraft.artifact.loading import load
from textgraft.model_directory import Manifest, read_manifest, save

__all__ = ["Manifest", "load", "read_manifest", "save"]
