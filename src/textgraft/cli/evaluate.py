"""``textgraft evaluate``: a saved model on a labelled table."""

from __future__ import annotations

from textgraft.cli.options import Directory, EveryMetric, Html, Json, MainMetric, Runtime, Table, TableOptions
from textgraft.wording import counted


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
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.evaluation.metric import check_metric, read_metric
    from textgraft.extras import import_scipy
    from textgraft.ladder import evaluate
    from textgraft.report.evaluation import evaluation_report
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
    evaluation = evaluate(model, data, metric=None if metric is None else read_metric(metric))
    seen = data.with_task(model.task_, model.fitted_on_.merged).fingerprint == model.fitted_on_.fingerprint
    leaks = [f"{table} is what the model was trained on; these numbers are flattered."] if seen else []
    if as_json:
        content = {"model": str(directory), "method": model.method, "table": table, "leaks": leaks}
        print_json(content | evaluation.to_dict())
    title = f"{model.method} from {directory} on {counted(evaluation.n, 'row')} of {table}"
    present(evaluation_report(title, evaluation, leaks, every_metric=every_metric), html, quietly=as_json)
