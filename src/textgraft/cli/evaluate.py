"""``textgraft evaluate``: a saved model on a labelled table."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.options import (
    Directory,
    EveryMetric,
    Html,
    InputOptions,
    Json,
    MainMetric,
    NoReport,
    Runtime,
    Table,
    TableOptions,
    column_names,
)
from textgraft.cli.report import origin_of, page_beside, present_story, write_beside

if TYPE_CHECKING:
    from textgraft.dataset import Columns


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    runtime: Runtime = "auto",
    metric: MainMetric = None,
    out_of_scope: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Texts of other kinds: how well they are told from those of TABLE."),
    ] = None,
    every_metric: EveryMetric = False,
    html: Html = None,
    no_report: NoReport = False,
    as_json: Json = False,
) -> None:
    """Evaluate the model in DIR on TABLE, which is read in the same way as its training data.

    DIR.evaluation.report.html is a report to read; --html says where else, --no-report leaves it out.
    """
    from textgraft.analysis.gathering import model_story
    from textgraft.artifact import load
    from textgraft.cli.console import print_json, remark
    from textgraft.evaluation.metric import check_metric, read_metric
    from textgraft.extras import import_scipy
    from textgraft.ladder.evaluating import evaluated
    from textgraft.report.evaluation import evaluation_report, seen_rows
    from textgraft.report.html import check_place
    from textgraft.wording import source_name

    import_scipy("Evaluating with intervals")
    check_place(html)
    if metric is not None:
        check_metric(metric)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    like = None if reading.text or reading.label else model.fitted_on_.columns
    data = reading.read(source, like=like)
    table = source_name(source)
    others = None if out_of_scope is None else _texts(out_of_scope, reading, like)
    main = None if metric is None else read_metric(metric)
    found = evaluated(model, data, metric=main, out_of_scope=others)
    evaluation = found.evaluation
    if as_json:
        content = {"model": str(directory), "method": model.method, "table": table}
        print_json(content | {"leaks": [*filter(None, [seen_rows(evaluation)])]} | evaluation.to_dict())
    report = evaluation_report(f"{model.method} from {directory} on {table}", evaluation, every_metric=every_metric)
    origin = origin_of(source, reading, directory=directory)
    story = functools.partial(model_story, model, found, origin=origin)
    present_story(report, html, story, quietly=as_json)
    if html is None and not no_report and Path(directory).is_dir():  # not so where it is on the Hub
        write_beside(page_beside(directory, "evaluation"), story)


def _texts(source: str, reading: InputOptions, like: Columns | None) -> list[str]:
    """The texts of a table whose labels play no part."""
    from textgraft.cli.console import remark
    from textgraft.data import read_texts
    from textgraft.wording import notes_about

    stream = read_texts(source, column_names(reading.text) or like, options=reading.format_options())
    texts = [text for part, _ in stream for text in part]
    remark(notes_about(source, stream.notes))
    return texts
