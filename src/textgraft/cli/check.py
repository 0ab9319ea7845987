"""``textgraft check``: does a model answer as a file of pairs says, and is it no worse than the one in use?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textgraft.cli.options import Directory, Html, Json, MainMetric, Runtime, TableOptions

if TYPE_CHECKING:
    from textgraft.analysis.checking import Pair
    from textgraft.ladder import Replacement
    from textgraft.methods import TextClassifier


def run(
    directory: Directory,
    reading: TableOptions,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="PAIRS",
            help="A table with the columns text, changed and expect: same, different, or a label.",
            show_default="the pairs that --save kept",
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the pairs beside the model, in DIR.checks.csv, as its test suite.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The model in use: fail if the one in DIR is measurably worse on --data."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE", help="Labelled rows for --against; those that a model was trained on are left out."
        ),
    ] = None,
    metric: MainMetric = None,
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Check the answers of the model in DIR against PAIRS; the exit code is 1 if one is not as expected.

    With --against and --data it is 1, too, if the model is measurably worse than the one in use, by a paired test on
    the same rows. Options for reading are about --data where that is given, else about PAIRS.
    """
    from textgraft.analysis.checking import check, read_pairs, save_pairs, suite_of
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.report import Report
    from textgraft.report.checks import checks_report
    from textgraft.report.html import check_place
    from textgraft.report.replacing import replacement_report
    from textgraft.wording import counted, source_name

    check_place(html)
    kept = suite_of(directory)
    _check_options(source, kept, save=save, against=against, data=data, metric=metric)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    content: dict[str, Any] = {"model": str(directory), "method": model.method}
    reports, failed = list[Report](), False
    if source is not None or kept.is_file():
        pairs: list[Pair] = read_pairs(source or str(kept), None if data else reading.format_options())
        checked = check(model, pairs)
        if save:
            save_pairs(pairs, kept)
            remark(f"{counted(len(pairs), 'pair')} kept in {kept}. Check them with: textgraft check {directory}")
        wrong, table = sum(not each.passes for each in checked), source_name(source or str(kept))
        content |= {"pairs": table, "failed": wrong, "checked": [each.to_dict() for each in checked]}
        reports.append(checks_report(f"{model.method} from {directory} against {table}", checked))
        failed = wrong > 0
    if against is not None and data is not None:
        found = _compared(model, load(against, runtime=runtime), data, reading, metric)
        content |= {"against": str(against), "data": source_name(data), "replacement": found.to_dict()}
        reports.append(replacement_report(f"{directory} in place of {against}, on {source_name(data)}", found))
        failed = failed or found.is_worse
    if as_json:
        print_json(content)
    report = Report(reports[0].title, tuple(section for each in reports for section in each.sections))
    present(report, html, quietly=as_json)
    if failed:
        raise typer.Exit(1)


def _check_options(
    source: str | None, kept: Path, *, save: bool, against: str | None, data: str | None, metric: str | None
) -> None:
    """Raises SettingError where options do not go together, before a model is loaded."""
    from textgraft.errors import SettingError
    from textgraft.evaluation.metric import check_metric
    from textgraft.extras import import_scipy

    if (against is None) != (data is None):
        given, lacks = ("--against", "--data TABLE") if data is None else ("--data", "--against DIR")
        raise SettingError(
            f"{given} compares two models on labelled rows and needs {lacks} beside it: "
            "check NEW --against OLD --data TABLE."
        )
    if metric is not None and against is None:
        raise SettingError(
            "--metric says by which metric --against compares; give --against and --data, or leave it out."
        )
    if against is not None:
        import_scipy("Comparing models")
        if metric is not None:
            check_metric(metric)
    if source is None and save:
        raise SettingError("--save keeps the pairs of a table with the model; name the table: check DIR PAIRS --save.")
    if source is None and against is None and not kept.is_file():
        raise SettingError(
            f"{kept} is not there; give a table of pairs, and --save to keep it there; or the model in use and rows: "
            "--against DIR --data TABLE."
        )


def _compared(
    model: TextClassifier, old: TextClassifier, table: str, reading: TableOptions, metric: str | None
) -> Replacement:
    from textgraft.evaluation.metric import read_metric
    from textgraft.ladder import compare_with

    like = None if reading.text or reading.label else model.fitted_on_.columns
    rows = reading.read(table, like=like)
    return compare_with(model, old, rows, metric=None if metric is None else read_metric(metric))
