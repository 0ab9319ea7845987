"""``textgraft compare``: several methods on the same splits, and which of them to take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Json, MethodOptions, SplitOptions, Table, TableOptions

NAME = "compare"


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas: majority, ngrams, recurrent, features, finetune.")
    ] = "majority,ngrams,features",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Keep each model in a folder of its name in DIR.")
    ] = None,
    as_json: Json = False,
) -> str:
    """Train several methods on the same rows of TABLE and compare them on the same test rows; name the one to take."""
    from textgraft.cli.console import print_json, remark
    from textgraft.cli.show import show_comparison
    from textgraft.extras import import_scipy
    from textgraft.ladder import compare

    import_scipy("Comparing methods")
    models = tuning.build([name.strip() for name in methods.split(",") if name.strip()], dividing.seed)
    splits = dividing.read(source, reading)
    comparison = compare(models, splits, directory=out, seed=dividing.seed)
    if as_json:
        print_json(comparison.to_dict())
    else:
        show_comparison(comparison)
    if out:
        remark(f"The models are in {out}. Predict with: textgraft predict {out / comparison.recommendation.name} TEXT")
    return comparison.recommendation.name
