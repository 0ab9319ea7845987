"""The files of a page: its own, onnxruntime-web where a network is computed, and what it must know of the model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from textgraft.web.characters import unassigned

FILE: Final = "web.json"


def write_page(folder: Path, facts: dict[str, Any], runtime: Sequence[Path]) -> None:
    """Writes a page into a folder, beside which the model stands in ``model/``.

    Args:
        folder: must be there.
        facts: see ``TextClassifier.for_web``.
        runtime: the files of ``onnxruntime_files``; none where the model has no network.
    """
    for path in files("textgraft.web").joinpath("page").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    for path in runtime:
        place = folder / "onnxruntime" / path.name
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, place)
    content = {"unassigned": unassigned(), "facts": facts}
    (folder / FILE).write_text(json.dumps(content), "utf-8")
