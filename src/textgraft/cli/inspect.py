"""``textgraft inspect``: what is in a table before anything is trained on it."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from textgraft.cli.options import Html, Json, SplitOptions, Table, TableOptions, given_words


def run(
    source: Table,
    reading: TableOptions,
    dividing: SplitOptions,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder whose tokens are counted.", show_default="all-MiniLM-L6-v2")
    ] = None,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Look at TABLE: columns, balance, lengths, duplicates, leaks, conflicting labels and giveaways."""
    from textgraft.cli.console import present, print_json, remark
    from textgraft.data.inspecting import inspect
    from textgraft.encoders import TextTokenizer, resolve
    from textgraft.encoders.choosing import choose_encoder
    from textgraft.errors import EncoderError, MissingExtraError
    from textgraft.extras import import_scipy
    from textgraft.report.audit import audit_report
    from textgraft.report.html import check_place
    from textgraft.wording import source_name

    import_scipy("Inspecting a table")
    check_place(html)
    splits = dividing.read(source, reading, for_audit=True)
    parts = splits if len(splits.parts()) > 1 else splits.train
    words = (source, *given_words(reading, dividing))
    look = partial(inspect, parts, command=words, test=dividing.test_size, folds=dividing.folds)
    try:
        name, _ = choose_encoder(encoder or "all-MiniLM-L6-v2", splits.train.texts, with_network=True)
        files = resolve(name)
        audit = look(tokenizer=TextTokenizer(files).counts, max_tokens=files.default_tokens)
    except (EncoderError, MissingExtraError) as error:
        if encoder is not None:
            raise
        remark(f"Tokens are not counted: {error}")
        audit = look()
    if as_json:
        print_json({"table": source_name(source), "encoder": encoder} | audit.to_dict())
    present(audit_report(source_name(source), audit), html, quietly=as_json)
