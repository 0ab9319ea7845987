"""``textgraft label-errors``: rows of a table whose labels look wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textgraft.cli.options import Html, Json, Table, TableOptions, given_words


def run(
    source: Table,
    reading: TableOptions,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write all suspected rows as a CSV to correct.")
    ] = None,
    method: Annotated[str, typer.Option(help="Predicts each row from the others; ngrams is quick.")] = "ngrams",
    folds: Annotated[
        int | None, typer.Option(help="Folds of the cross-validation.", min=2, show_default="5, or fewer for few rows")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the folds and of training.", min=0)] = 0,
    most: Annotated[int, typer.Option("--rows", help="How many suspected rows to show.", min=0)] = 20,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Find rows of TABLE whose labels look wrong, the likeliest errors first.

    With --out they are written as a CSV: fill in its column "corrected", and give it to apply-corrections.
    """
    from textgraft.analysis.corrections import check_copy, write_suspects
    from textgraft.analysis.label_errors import find_label_errors
    from textgraft.cli.console import present, print_json, remark
    from textgraft.cli.options import MethodOptions
    from textgraft.extras import import_scipy
    from textgraft.report.html import check_place
    from textgraft.report.label_errors import label_errors_report
    from textgraft.wording import source_name

    import_scipy("Looking for label errors")
    check_place(html)
    if out is not None:
        check_copy(out)
    model = MethodOptions().build([method], seed)[0]
    data = reading.read(source, keys={"split": False})
    found = find_label_errors(data, model=model, folds=folds, seed=seed)
    table = source_name(source)
    if as_json:
        print_json({"table": table} | found.to_dict())
    report = label_errors_report(f"Labels of {table}", found, most=most, next_commands=_next(source, reading, out))
    present(report, html, quietly=as_json)
    if out is not None:
        write_suspects(out, found)
        remark(f"{len(found.suspects):,} suspected rows are in {out}.")


def _next(source: str, reading: TableOptions, out: Path | None) -> tuple[str, ...]:
    from textgraft.data.next_steps import shell_word

    table = " ".join(map(shell_word, (source, *given_words(reading))))
    if out is None:
        return (f"textgraft label-errors {table} --out suspects.csv",)
    return (
        f"# fill in the column 'corrected' of {shell_word(str(out))}, then:",
        f"textgraft apply-corrections {table} {shell_word(str(out))} --out corrected.csv",
    )
