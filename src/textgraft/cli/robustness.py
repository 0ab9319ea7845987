"""``textgraft robustness``: do answers stay the same where they should?"""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Directory, Html, Json, Runtime, Table, TableOptions


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    changes: Annotated[
        str | None,
        typer.Option(
            help="Separated by commas: lower, upper, typos, blanks, punctuation, accents, link, user, aside.",
            show_default="all",
        ),
    ] = None,
    negation: Annotated[
        bool | None,
        typer.Option(help="Negate sentences, too.", show_default="where labels look like opposite feelings"),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", help="Of more rows, so many are taken.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="Of the choice of rows, and of resamples.")] = 0,
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Change the texts of TABLE in ways that should not matter, and see how many answers of the model in DIR flip."""
    from textgraft.analysis.robustness import robustness
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.extras import import_scipy
    from textgraft.report.html import check_place
    from textgraft.report.robustness import robustness_report
    from textgraft.wording import source_name

    import_scipy("Evaluating with intervals")
    check_place(html)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    data = reading.read(source, like=None if reading.text or reading.label else model.fitted_on_.columns)
    names = None if changes is None else [name.strip() for name in changes.split(",") if name.strip()]
    found = robustness(model, data, changes=names, negation=negation, most_rows=rows, seed=seed)
    remark(found.notes)
    table = source_name(source)
    if as_json:
        print_json({"model": str(directory), "method": model.method, "table": table} | found.to_dict())
    report = robustness_report(f"{model.method} from {directory} on changed texts of {table}", found)
    present(report, html, quietly=as_json)
