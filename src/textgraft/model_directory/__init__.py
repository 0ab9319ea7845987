"""The model directory: what is in it, how it is checked and written, and the card that describes it to people."""

from textgraft.model_directory.manifest import Export, Manifest, read_manifest
from textgraft.model_directory.method import MethodFacts
from textgraft.model_directory.saving import save

__all__ = ["Export", "Manifest", "MethodFacts", "read_manifest", "save"]
