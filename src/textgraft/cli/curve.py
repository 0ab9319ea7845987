"""``textgraft curve``: how good methods are with more and more rows, and what twice as many would bring."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Html, Json, MethodOptions, SplitOptions, Table, TableOptions


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas: majority, ngrams, recurrent, features, finetune, stack.")
    ] = "ngrams",
    points: Annotated[int, typer.Option("--points", help="Sizes at most, each twice the one before.")] = 6,
    repeats: Annotated[int, typer.Option("--repeats", help="Samples of each size, where there is a test part.")] = 3,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Train methods on more and more rows of TABLE, and forecast what twice as many labels would bring."""
    from textgraft.analysis.curve import MOST_FOLDS, learning_curve
    from textgraft.cli.console import present, print_json, remark
    from textgraft.extras import import_scipy
    from textgraft.report.curve import curve_report
    from textgraft.report.html import check_place
    from textgraft.wording import source_name

    import_scipy("Training")
    check_place(html)
    models = tuning.build([name.strip() for name in methods.split(",") if name.strip()], dividing.seed)
    splits = dividing.read(source, reading, learners=models, most_folds=MOST_FOLDS)
    found = learning_curve(models, splits, points=points, repeats=repeats, seed=dividing.seed)
    remark(found.notes)
    table = source_name(source)
    if as_json:
        print_json({"table": table} | found.to_dict())
    present(curve_report(f"Learning curve on {table}", found), html, quietly=as_json)
