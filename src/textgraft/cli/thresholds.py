"""``textgraft thresholds``: thresholds of a saved model for a wanted precision or recall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Directory, Json, Table, TableOptions


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    precision: Annotated[
        float | None, typer.Option(help="Wanted share that carries the label of texts that are given it, as 0.9.")
    ] = None,
    recall: Annotated[
        float | None, typer.Option(help="Wanted share that is given the label of texts that carry it, as 0.9.")
    ] = None,
    of: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Of this label; can be repeated. All if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose on TABLE from where on the model in DIR gives a label, and keep it in DIR.

    TABLE has labels and is read as its training data; rows that the model was trained on are left out. Every export
    goes by these thresholds too.
    """
    import numpy as np

    from textgraft.cli.console import present, print_json
    from textgraft.cli.export import read_like_training
    from textgraft.decision import Decision
    from textgraft.extras import import_scipy
    from textgraft.ladder import set_thresholds
    from textgraft.ladder.thresholding import check_wanted
    from textgraft.model_directory.manifest import read_manifest
    from textgraft.report import Report
    from textgraft.report.goals import chosen_goals_section
    from textgraft.task import Task

    import_scipy("Choosing thresholds")
    check_wanted(precision, recall)
    data = read_like_training(Path(directory), source, reading)
    goals = set_thresholds(directory, data, precision=precision, recall=recall, of=of or None)
    manifest = read_manifest(Path(directory))
    task = Task(tuple(manifest.task["labels"]), manifest.task["multi_label"])
    if as_json:
        content = {"model": str(directory), "thresholds": dict(zip(task.labels, manifest.thresholds, strict=True))}
        print_json(content | {"goals": [goal.to_dict() for goal in goals]})
    section = chosen_goals_section(goals, Decision(np.array(manifest.thresholds, np.float32)), task)
    present(Report(f"{directory} has new thresholds", (section,)), quietly=as_json)
