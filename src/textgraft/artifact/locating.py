"""The door: where a model is, and whether textgraft or ``transformers`` saved it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from textgraft import progress
from textgraft.model_directory.manifest import FILE
from textgraft.whole import recovered

HEAD = "ForSequenceClassification"


def locate(name: str | Path) -> Path:
    """The folder of a model: one here, else a model of the Hub of that name, which is downloaded.

    Raises:
        ArtifactError: the Hub has no such model, or cannot be reached.
        MissingExtraError: it would be on the Hub, and huggingface_hub is not installed.
    """
    folder = Path(name)
    if not (os.path.lexists(folder) or recovered(folder)):
        from textgraft.artifact.publication import is_name

        if is_name(name):
            from textgraft.artifact.hub import fetch

            progress.say(f"There is no folder {name} here; looking for the model {name} on the Hugging Face Hub.")
            return fetch(folder.as_posix())
    return folder


def is_foreign(folder: Path) -> bool:
    """Whether a folder holds a sequence classifier of ``transformers`` and no model of textgraft."""
    config = folder / "config.json"
    if (folder / FILE).exists() or not config.is_file():
        return False
    try:
        content = json.loads(config.read_text("utf-8"))
    except (ValueError, OSError, RecursionError):
        return False
    kinds = content.get("architectures") if isinstance(content, dict) else None
    return isinstance(kinds, list) and any(str(kind).endswith(HEAD) for kind in kinds)
