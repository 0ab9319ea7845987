"""The model directory: what is in it, how it is written and how it is read."""

from textgraft.artifact.directory import load, save
from textgraft.artifact.manifest import Manifest, read_manifest

__all__ = ["Manifest", "load", "read_manifest", "save"]
