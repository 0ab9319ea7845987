"""``textgraft predict``: labels for new texts, from arguments, standard input or a table of any size."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.options import TableOptions

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.methods import TextClassifier

NAME = "predict"
TEXTS_AT_ONCE = 8192

Source = Iterator[tuple[list[str], str, Sequence[int]]]


def run(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT ...]", help="Texts; without any, lines of standard input.")
    ] = None,
    reading: TableOptions = TableOptions(),  # noqa: B008 - frozen
    table: Annotated[
        str | None, typer.Option("--input", "-i", metavar="TABLE", help="A table with a text column, of any size.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="CSV, JSON Lines or Parquet, by the name's ending."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Write the probability of every label.")] = False,
) -> None:
    """Predict labels of texts with the model in DIR; rows keep their order and their numbers."""
    from textgraft.artifact import load
    from textgraft.cli.console import remark
    from textgraft.cli.show import show_predictions
    from textgraft.errors import SettingError
    from textgraft.ladder import predict_chunks
    from textgraft.ladder.writing import Writer, writing

    if table is not None and texts:
        raise SettingError(f"Give texts or --input {table}, not both.")
    model = load(directory)
    source = from_table(table, model, reading) if table is not None else from_texts(texts or lines(sys.stdin))
    predictions = predict_chunks(model, source)
    if output is None and texts and sys.stdout.isatty():
        show_predictions(predictions, model.task_, every=every)
        return
    named = table is not None and reading.many_files(table)
    rows = 0
    with writing(output, model.task_, every=every, with_file=named) as writer:
        assert isinstance(writer, Writer)
        for prediction in predictions:
            writer.write(prediction)
            rows += len(prediction.texts)
    if output is not None:
        remark(f"{rows:,} predictions written to {output}.")


def from_texts(texts: Iterable[str]) -> Source:
    """Chunks of texts that are numbered from 1."""
    chunk: list[str] = []
    start = 1
    for text in texts:
        chunk.append(text)
        if len(chunk) == TEXTS_AT_ONCE:
            yield chunk, "", range(start, start + len(chunk))
            start += len(chunk)
            chunk = []
    if chunk:
        yield chunk, "", range(start, start + len(chunk))


def lines(stream: Iterable[str]) -> Iterator[str]:
    """The lines of standard input without their ends; blank ones are texts too, so that numbers stay right."""
    return (line.rstrip("\r\n") for line in stream)
