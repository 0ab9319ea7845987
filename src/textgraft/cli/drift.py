"""``textgraft drift``: are new texts like those that the model was trained on?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from textgraft.cli.options import Directory, Html, Json, Runtime, Table, TableOptions


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    against: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Hold the texts against those of this table, not of the training data."),
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(help="How probable a change may be that is found where there is none.")
    ] = 0.01,
    seed: Annotated[int, typer.Option("--seed", help="Of random draws.", min=0)] = 0,
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Look whether the texts of TABLE, and the answers to them, are like those that the model in DIR was trained on.

    TABLE needs no labels; where it has those of the model, its accuracy is held against the one that its confidences
    promise.
    """
    from textgraft.analysis.drift import drift
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.data.tables.new_rows import read_new_rows
    from textgraft.report.drift import drift_report
    from textgraft.report.html import check_place
    from textgraft.wording import notes_about, source_name

    check_place(html)
    model = load(directory, runtime=runtime)
    remark(model.notes_)

    def read(table: str) -> Any:
        rows = read_new_rows(table, model.fitted_on_.columns, **reading.arguments())
        remark(notes_about(table, rows.notes, (source,)))
        return rows.data

    other = None if against is None else read(against)
    found = drift(model, read(source), against=other, false_alarms=false_alarms, seed=seed).to_dict()
    table = source_name(source)
    if as_json:
        print_json({"model": str(directory), "method": model.method, "table": table} | found)
    present(drift_report(f"{table} held against {directory}", found), html, quietly=as_json)
