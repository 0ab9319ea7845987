"""``textgraft compare``: several methods on the same splits, and which of them to take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import EveryMetric, Html, Json, MethodOptions, SplitOptions, Table, TableOptions


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas: majority, ngrams, recurrent, features, finetune, stack.")
    ] = "majority,ngrams,features",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Keep each model in a folder of its name in DIR.")
    ] = None,
    every_metric: EveryMetric = False,
    html: Html = None,
    as_json: Json = False,
) -> str:
    """Train several methods on the same rows of TABLE, choose among them on others, and say how good the choice is.

    A fifth of the rows is held out for the figures, and a fifth of the others for the choice; where that would be too
    few, the table is cross-validated instead.
    """
    from textgraft.cli.console import present, print_json, remark
    from textgraft.extras import import_scipy
    from textgraft.ladder import compare
    from textgraft.report.comparison import comparison_report
    from textgraft.report.html import check_place

    import_scipy("Comparing methods")
    check_place(html)
    models = tuning.build([name.strip() for name in methods.split(",") if name.strip()], dividing.seed)
    splits = dividing.read(source, reading, learners=models, choosing=True)
    comparison = compare(models, splits, directory=out, seed=dividing.seed)
    if as_json:
        print_json(comparison.to_dict())
    present(comparison_report(comparison, every_metric=every_metric), html, quietly=as_json)
    found = comparison.recommendation
    chosen = found.name or found.best or comparison.results[0].name
    if out:
        remark(f"The models are in {out}. Predict with: textgraft predict {out / chosen} TEXT")
    return chosen
