"""``textgraft predict``: labels for new texts, from arguments, standard input or a table of any size."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from textgraft.cli.options import Directory, InputOptions, Runtime, column_names

Abstain = Annotated[
    bool, typer.Option("--abstain", help="Give no label where the model is too unsure (see textgraft abstain).")
]
AbstainLabel = Annotated[
    str | None, typer.Option(metavar="NAME", help="Write this in place of such a label; implies --abstain.")
]


def run(
    directory: Directory,
    reading: InputOptions,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts; without any, lines of standard input.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="TABLE", help="A table with a text column, of any size; - is standard input."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="CSV, TSV, JSON Lines or Parquet, by the name's ending."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Write the probability of every label.")] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Columns of the table to write too, such as an id; separated by commas or one by one."),
    ] = None,
    safe_csv: Annotated[
        bool,
        typer.Option("--safe-csv", help="Begin cells that spreadsheets would run as formulas with an apostrophe."),
    ] = False,
    abstain: Abstain = False,
    abstain_label: AbstainLabel = None,
    sets: Annotated[bool, typer.Option("--sets", help="Write all labels that are possible, too.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes that predict, each with a model of its own.")] = 1,
    runtime: Runtime = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what an interrupted run has written to --output, and go on with it.")
    ] = False,
) -> None:
    """Predict labels of texts with the model in DIR; rows keep their order and their numbers."""
    from textgraft.cli.console import remark
    from textgraft.prediction import Layout, numbered, opened, predict_stream, predict_table, write_predictions
    from textgraft.prediction.writing import check_output
    from textgraft.report import Report, terminal
    from textgraft.report.predictions import predictions_section

    _check(source, texts, jobs, resumed=resume, to_file=output is not None)
    if source is not None:
        predicted = predict_table(
            directory,
            source,
            output,
            text=column_names(reading.text),
            options=reading.format_options(),
            keep=column_names(keep) or (),
            every=every,
            safe_csv=safe_csv,
            abstain=abstain if abstain_label is None else abstain_label,
            sets=sets,
            jobs=jobs,
            runtime=runtime,
            resume=resume,
        )
    else:
        if output is not None:
            check_output(output)
        model, reopen = opened(directory, runtime)
        instead = abstain_label if abstain_label is not None else "" if abstain else None
        model.check_answering(abstain=instead is not None, sets=sets)
        if not texts and sys.stdin.isatty():
            remark("Reading texts from standard input, one per line; end with Ctrl-D.")
        stream = numbered(texts or lines(sys.stdin))
        if output is None and texts:
            with closing(predict_stream(model, stream, jobs=jobs, reopen=reopen)) as predictions:
                rows = (row for prediction in predictions for row in prediction.rows())
                shown = predictions_section(rows, model.task_, every_label=every, abstain=instead, sets=sets)
                terminal.show(Report("", (shown,)))
            return
        layout = Layout(model.task_, every=every, safe_csv=safe_csv, abstain=instead, sets=sets)
        predicted = write_predictions(model, stream, output, layout, jobs=jobs, reopen=reopen)
    remark(predicted.notes)
    if output is not None:
        remark(f"{predicted.rows:,} predictions written to {output}.")


def _check(source: str | None, texts: list[str] | None, jobs: int, *, resumed: bool, to_file: bool) -> None:
    """Raises SettingError where options do not go together."""
    from textgraft.errors import SettingError

    if source is not None and texts:
        raise SettingError(f"Give texts or --input {source}, not both.")
    if jobs < 1:
        raise SettingError(f"--jobs must be a whole number from 1 on; got {jobs}.")
    if resumed and (source is None or not to_file):
        raise SettingError("--resume goes on with the --output for a table; give --input and --output too.")


def lines(stream: TextIO) -> Iterator[str]:
    """The lines of standard input without their ends; blank ones are texts too, so that numbers stay right.

    Raises:
        DataError: a line is not UTF-8.
    """
    from textgraft.errors import DataError

    if isinstance(stream, TextIOWrapper):
        # A buffer of its own: a thread that waits for input holds it, and Python cannot end while sys.stdin's is held.
        stream = os.fdopen(stream.fileno(), encoding="utf-8", errors="strict", closefd=False)
    read = 0
    try:
        for read, line in enumerate(stream, 1):  # noqa: B007 - for when the next one fails
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"Standard input is not UTF-8 after line {read:,} ({error.reason}); convert it, or give it as a file with "
            "--input and --encoding."
        ) from None
