"""``textgraft compare``: several methods on the same splits, and which of them to take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import (
    EveryMetric,
    Html,
    Json,
    MethodOptions,
    NoReport,
    Seeds,
    SplitOptions,
    Table,
    TableOptions,
)
from textgraft.cli.report import With, chapters_of, origin_of, page_beside, present_story, write_beside
from textgraft.cli.searching import searched
from textgraft.errors import SettingError

USUAL = ["majority", "ngrams", "features"]


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    tuning: MethodOptions,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Methods, separated by commas: majority, ngrams, recurrent, features, finetune, stack.",
            show_default="majority,ngrams,features; with a budget all",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Keep each model in a folder of its name in DIR.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --budget: go on with what was tried; it is kept in DIR.search.")
    ] = False,
    seeds: Seeds = None,
    every_metric: EveryMetric = False,
    html: Html = None,
    no_report: NoReport = False,
    more: With = None,
    as_json: Json = False,
) -> str:
    """Train several methods on the same rows of TABLE, choose among them on others, and say how good the choice is.

    A fifth of the rows is held out for the figures, and a fifth of the others for the choice; where that would be too
    few, the table is cross-validated instead. With --budget, the best classifier is searched for within that time,
    among variants of the methods and stacks of them. With --seeds each method is trained several times, and what
    that changes is told apart from what other test rows would. With --out, DIR.report.html is a report to read, with
    its figures as JSON beside it; --with adds chapters to it, --no-report leaves it out.
    """
    from textgraft.ladder.clock import Clock

    clock = Clock(of_process=True)
    from textgraft.analysis.gathering import comparison_story, search_story
    from textgraft.cli.console import print_json, remark
    from textgraft.extras import import_scipy
    from textgraft.ladder import compare
    from textgraft.ladder.seeding import check_seeds
    from textgraft.report.comparison import comparison_report
    from textgraft.report.html import check_place
    from textgraft.report.search import search_report

    import_scipy("Comparing methods")
    check_place(html)
    check_seeds(seeds, budget=tuning.given.get("budget"))
    further = chapters_of(more)
    origin = origin_of(source, reading, dividing, directory=out, seed=dividing.seed)
    names = None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]
    if "budget" in tuning.given:
        search = searched(source, reading, dividing, tuning, methods=names, out=out, resume=resume, clock=clock)
        if as_json:
            print_json(search.to_dict())
        report = search_report(search, every_metric=every_metric)
        present_story(report, html, lambda: search_story(search, further=further, origin=origin), quietly=as_json)
        if out and not no_report:
            write_beside(page_beside(out), lambda: search_story(search, further=further, origin=origin))
        if out:
            remark(f"The model is in {out}. Predict with: textgraft predict {out} TEXT")
        return search.name
    if resume:
        raise SettingError("--resume goes on with a search; give its --budget.")
    models = tuning.build(USUAL if names is None else names, dividing.seed)
    splits = dividing.read(source, reading, learners=models, choosing=True)
    comparison = compare(models, splits, directory=out, seeds=seeds, seed=dividing.seed)
    if as_json:
        print_json(comparison.to_dict())
    report = comparison_report(comparison, every_metric=every_metric)
    present_story(report, html, lambda: comparison_story(comparison, further=further, origin=origin), quietly=as_json)
    if out and not no_report:
        write_beside(page_beside(out), lambda: comparison_story(comparison, further=further, origin=origin))
    found = comparison.recommendation
    chosen = found.name or found.best or comparison.results[0].name
    if out:
        remark(f"The models are in {out}. Predict with: textgraft predict {out / chosen} TEXT")
    return chosen
