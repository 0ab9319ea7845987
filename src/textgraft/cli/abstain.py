"""``textgraft abstain``: when a saved model gives no answer, chosen on a table that it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Directory, Json, Table, TableOptions


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    accuracy: Annotated[
        float | None, typer.Option(help="Wanted accuracy of answers, as 0.97; below a confidence none is given.")
    ] = None,
    false_alarms: Annotated[
        float | None, typer.Option(help="Share of texts like these that may be called out of scope, as 0.05.")
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Share of texts whose set of possible labels shall hold the true one, as 0.95.")
    ] = None,
    by_label: Annotated[
        bool, typer.Option("--by-label", help="That coverage for the texts of each label, not for all together.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Choose on TABLE when the model in DIR abstains, and keep it in DIR.

    TABLE has labels and is read as its training data; rows that the model was trained on are left out. What was chosen
    is what predict --abstain and --sets go by, with every export too.
    """
    from textgraft.cli.console import present, print_json
    from textgraft.cli.export import read_like_training
    from textgraft.extras import import_scipy
    from textgraft.ladder import abstain
    from textgraft.ladder.abstaining import Wanted
    from textgraft.report import Report
    from textgraft.report.abstaining import chosen_section

    import_scipy("Choosing when to abstain")
    Wanted(accuracy, coverage, by_label, false_alarms).check()
    data = read_like_training(Path(directory), source, reading)
    found = abstain(directory, data, accuracy=accuracy, coverage=coverage, by_label=by_label, false_alarms=false_alarms)
    if as_json:
        print_json({"model": str(directory)} | found.to_dict())
    present(Report(f"{directory} now abstains", (chosen_section(found),)), quietly=as_json)
