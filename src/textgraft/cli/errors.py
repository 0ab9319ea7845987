"""``textgraft errors``: where a saved model is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Directory, Html, Json, Runtime, Table, TableOptions


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    train: Annotated[
        str | None, typer.Option(metavar="TABLE", help="The training table: shows the nearest texts in it.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to look for slices in; may be given several times.", show_default="all that group rows"
        ),
    ] = None,
    most: Annotated[int, typer.Option("--rows", help="How many rows to show.", min=0)] = 20,
    lowest: Annotated[bool, typer.Option("--lowest", help="Show the rows with the lowest losses too.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the tests.", min=0)] = 0,
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Look at what the model in DIR gets wrong on TABLE: the worst rows, and where errors are more frequent."""
    from textgraft.analysis.errors import find_errors
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.cli.options import column_names
    from textgraft.data.tables.asked import asked, check_columns
    from textgraft.extras import import_scipy
    from textgraft.report.errors import errors_report
    from textgraft.report.html import check_place
    from textgraft.wording import source_name

    import_scipy("Looking at errors")
    check_place(html)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    like = None if reading.text or reading.label else model.fitted_on_.columns
    data = reading.read(source, like=like, keys={"keep_cells": True})
    wanted = asked(column_names(by) or (), data.cells or {})
    check_columns(wanted, data.cells or {}, purpose=" to look for slices in")
    trained = None if train is None else reading.read(train, like=like, beside=(source,))
    found = find_errors(model, data, train=trained, by=wanted, seed=seed).to_dict()
    table = source_name(source)
    if as_json:
        print_json({"model": str(directory), "method": model.method, "table": table} | found)
    title = f"Errors of {model.method} from {directory} on {table}"
    present(errors_report(title, found, most=most, lowest=lowest), html, quietly=as_json)
