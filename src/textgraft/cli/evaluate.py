"""``textgraft evaluate``: a saved model on a labelled table."""

from __future__ import annotations

from textgraft.cli.options import Directory, EveryMetric, Html, Json, MainMetric, Runtime, Table, TableOptions
from textgraft.cli.report import origin_of, present_story


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    runtime: Runtime = "auto",
    metric: MainMetric = None,
    every_metric: EveryMetric = False,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Evaluate the model in DIR on TABLE, which is read in the same way as its training data."""
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
    found = evaluated(model, data, metric=None if metric is None else read_metric(metric))
    evaluation = found.evaluation
    if as_json:
        content = {"model": str(directory), "method": model.method, "table": table}
        print_json(content | {"leaks": [*filter(None, [seen_rows(evaluation)])]} | evaluation.to_dict())
    report = evaluation_report(f"{model.method} from {directory} on {table}", evaluation, every_metric=every_metric)
    origin = origin_of(source, reading, directory=directory)
    present_story(report, html, lambda: model_story(model, found, origin=origin), quietly=as_json)
