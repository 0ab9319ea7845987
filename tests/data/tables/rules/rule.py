"""A rule of reading tables, and examples of it that are read for real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import textgraft as tg
from textgraft.dataset import Dataset


@dataclass(frozen=True)
class Example:
    """A table, and what is read from it.

    Attributes:
        table: what the file holds; or a function that writes the file, for what is not text.
        name: the file's name, whose ending says its format where nothing else does.
        source: what is read in place of the file's path, which stands in it as ``{file}``.
        code: in place of a file, Python that gives a Dataset; ``tg``, ``pd``, ``np``, ``pl`` and ``pa`` are there.
        gives: what the code gives, as text, where that is no Dataset but the answer of a model.
        options: arguments of ``read_table``, as they are given on the command line too.
        shown: what stands in the page for a table that is not text.
        rows: how many rows are read; None does not ask.
        labels: the labels that are read.
        texts: the first texts that are read.
        says: a part of what the reading says, for rules about what must be said.
        refused: a part of the refusal; the table is not read then.
    """

    table: str | bytes | Callable[[Path], object] = ""
    name: str = "reviews.csv"
    source: str = "{file}"
    code: str = ""
    gives: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""
    rows: int | None = None
    labels: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    says: str = ""
    refused: str = ""

    def read(self, folder: Path) -> Dataset:
        """The Dataset; raises what ``read_table`` raises."""
        if self.code:
            import numpy as np
            import pandas as pd
            import polars as pl
            import pyarrow as pa

            names = {"tg": tg, "np": np, "pd": pd, "pl": pl, "pa": pa}
            return eval(self.code, names)  # type: ignore[no-any-return]
        path = folder / self.name
        if callable(self.table):
            self.table(path)
        else:
            path.write_bytes(self.table.encode() if isinstance(self.table, str) else self.table)
        options = {name: value for name, value in self.options.items() if name in READ}
        rest = {name: value for name, value in self.options.items() if name not in READ}
        return tg.read_table(self.source.format(file=path), **options, options=tg.ReadOptions(**rest))


READ = frozenset(("text", "label", "group", "time", "split", "label_delimiter", "single_label", "merge_labels", "like"))


@dataclass(frozen=True)
class Rule:
    """One sentence that says what is done, and examples of it."""

    says: str
    examples: tuple[Example, ...]
