"""``textgraft vectors``: what word vectors know, before anything is trained on them."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import InputOptions, Json, Table, column_names, expand
from textgraft.unicode import quoted, said

HELP = "Look at word vectors: how much of a table they cover, and which words are near to one."
SOURCE = "Embedded vectors (glove.6B.50d), a file, or an address as https://...#sha256=HEX."

app = typer.Typer(name="vectors", help=HELP, no_args_is_help=True)


def coverage(
    source: Table,
    vectors: Annotated[str, typer.Argument(metavar="VECTORS", help=SOURCE)],
    reading: InputOptions,
    tokenizer: Annotated[
        str, typer.Option(help="How texts become words: treebank, unicode, basic_english or spacy:LANGUAGE.")
    ] = "treebank",
    as_json: Json = False,
) -> None:
    """Count which words of TABLE have a vector in VECTORS; labels are not needed."""
    from textgraft.cli.console import print_json, remark
    from textgraft.data import read_texts
    from textgraft.report import Report, Section, terminal
    from textgraft.text import tokenizers
    from textgraft.text.vectors import open_vectors, vector_coverage
    from textgraft.text.vocabulary import Vocabulary
    from textgraft.wording import notes_about, source_name

    tokenize = tokenizers.tokenizer(tokenizer)
    opened = open_vectors(vectors)
    remark(opened.notes)
    stream = read_texts(source, column_names(reading.text), options=reading.format_options())
    texts = [text for chunk, _ in stream for text in chunk]
    remark(notes_about(source, stream.notes))
    vocabulary = Vocabulary.count(texts, tokenize)
    covered = vector_coverage(vocabulary, opened)
    if as_json:
        print_json({"table": source_name(source), "tokenizer": tokenizer} | covered.to_dict())
        return
    print(said(str(covered)))
    if covered.missing:
        rows = tuple((word, f"{count:,}") for word, count in covered.missing)
        section = Section("", ("word", "times"), rows, numbers=(1,))
        terminal.show(Report("Most frequent words without a vector", (section,)))
    if covered.warning:
        remark(f"Warning: {covered.warning}")


def nearest(
    word: Annotated[str, typer.Argument(metavar="WORD", help="A word.")],
    vectors: Annotated[str, typer.Option(metavar="VECTORS", help=SOURCE)] = "glove.6B.50d",
    k: Annotated[int, typer.Option("-k", help="How many words.", min=1)] = 10,
    as_json: Json = False,
) -> None:
    """Show the words whose vectors have the greatest cosine similarity to that of WORD."""
    from textgraft.cli.console import print_json, remark
    from textgraft.report import Report, Section, terminal
    from textgraft.text.vectors import open_vectors

    opened = open_vectors(vectors)
    remark(opened.notes)
    neighbours = opened.nearest(word, k)
    if as_json:
        near = [{"word": other, "cosine": value} for other, value in neighbours]
        print_json({"word": word, "vectors": opened.name, "nearest": near})
        return
    rows = tuple((other, f"{value:.3f}") for other, value in neighbours)
    section = Section("", ("word", "cosine"), rows, numbers=(1,))
    terminal.show(Report(f"Nearest to {quoted(word)} in {opened.name}", (section,)))


for command in (coverage, nearest):
    app.command(command.__name__)(expand(command))
