"""``textgraft inspect``: what is in a table before anything is trained on it."""

from __future__ import annotations

from typing import Annotated

import typer

from textgraft.cli.options import Json, SplitOptions, Table, TableOptions

NAME = "inspect"


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder whose tokens are counted.", show_default="all-MiniLM-L6-v2")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at TABLE: columns, balance, lengths, duplicates, leaks, conflicting labels and giveaways."""
    from textgraft.cli.console import print_json, remark
    from textgraft.cli.show import show_audit
    from textgraft.data.inspecting import inspect
    from textgraft.encoders import TextTokenizer, resolve
    from textgraft.errors import EncoderError, MissingExtraError
    from textgraft.extras import import_scipy

    import_scipy("Inspecting a table")
    splits = dividing.read(source, reading, for_audit=True)
    parts = splits if len(splits.parts()) > 1 else splits.train
    try:
        files = resolve(encoder or "all-MiniLM-L6-v2")
        counts = TextTokenizer(files).counts
        audit = inspect(parts, tokenizer=lambda texts: counts(texts).tolist(), max_tokens=files.default_tokens)
    except (EncoderError, MissingExtraError) as error:
        if encoder is not None:
            raise
        remark(f"Tokens are not counted: {error}")
        audit = inspect(parts)
    if as_json:
        print_json({"table": source, "encoder": encoder} | audit.to_dict())
    else:
        show_audit(source, audit)
