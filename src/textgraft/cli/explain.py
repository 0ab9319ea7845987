"""``textgraft explain``: which words a prediction rests on."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Directory, Html, Json, Runtime


def run(
    directory: Directory,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT", help="Texts, each of which is explained.")],
    label: Annotated[
        str | None, typer.Option("--label", help="The label to explain.", show_default="the predicted one")
    ] = None,
    how: Annotated[
        str, typer.Option("--how", help="auto, contributions (exact, of n-grams), gradients or occlusion.")
    ] = "auto",
    by: Annotated[str, typer.Option("--by", help="Weigh words or sentences.")] = "words",
    runtime: Runtime = "auto",
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Show which words of a text the model in DIR rests its prediction on, and what their weights are."""
    from textgraft.analysis.explaining import explain
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.report.explanation import explanation_report
    from textgraft.report.html import check_place

    check_place(html)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    explained = [explain(model, text, label=label, how=how, by=by) for text in texts]
    if as_json:
        content = {"model": str(directory), "method": model.method}
        print_json(content | {"explanations": [each.to_dict() for each in explained]})
    present(explanation_report(f"{model.method} from {directory}", explained), html, quietly=as_json)
