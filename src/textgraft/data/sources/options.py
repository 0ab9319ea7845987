"""How a table is to be read, as far as its user says."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from textgraft.errors import SettingError, did_you_mean
from textgraft.unicode import quoted

FORMATS = ("csv", "json", "fasttext", "parquet", "arrow", "excel", "sqlite", "datasets", "folder")
"""The formats by name; ``csv`` stands for everything delimited and ``json`` for JSON Lines and JSON arrays."""

_OTHER_NAMES = {"tsv": "csv", "txt": "csv", "jsonl": "json", "ndjson": "json", "feather": "arrow", "xlsx": "excel"}
_MEANT_FOR = {  # options of reading, and the formats that they say something about
    "encoding": ("csv", "json", "fasttext", "folder"),
    "delimiter": ("csv",),
    "quoting": ("csv",),
    "header": ("csv", "json", "excel"),
    "sheet": ("excel",),
    "table": ("sqlite",),
}


@dataclass(frozen=True)
class ReadOptions:
    """How a table is to be read; None means: find out.

    Attributes:
        format: one of ``FORMATS``.
        encoding: of text files, by its Python name, such as ``"utf-8"``, ``"utf-16"`` or ``"cp1252"``.
        delimiter: the character between two fields.
        quoting: whether ``"`` encloses fields (and is doubled inside them) or is a character like any other.
        header: whether the first row holds the column names; without them they are ``column1``, ``column2``, ...
        sheet: the sheet of a workbook.
        table: the table of a database.
        skip_bad_rows: leave out rows that do not parse, and say so, instead of raising.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: bool | None = None
    header: bool | None = None
    sheet: str | None = None
    table: str | None = None
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if self.format is not None:
            name = _OTHER_NAMES.get(self.format, self.format)
            if name not in FORMATS:
                hint = did_you_mean(self.format, FORMATS)
                raise SettingError(f"format must be one of {', '.join(FORMATS)}; got {quoted(self.format)}.{hint}")
            object.__setattr__(self, "format", name)
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise SettingError(
                    f"encoding must be the name of a text encoding such as utf-8, utf-16 or cp1252; "
                    f"got {quoted(self.encoding)}."
                ) from None
        if self.delimiter is not None:
            mark = {"tab": "\t", "\\t": "\t"}.get(self.delimiter, self.delimiter)
            if len(mark) != 1 or mark in '"\r\n':
                raise SettingError(
                    f"delimiter must be one character other than a quote or a line end; got {quoted(self.delimiter)}."
                )
            object.__setattr__(self, "delimiter", mark)

    def idle(self, form: str) -> list[str]:
        """The options that are given and say nothing about a table of the format, as a message names them.

        Args:
            form: one of ``FORMATS``; or empty for a Python object, about which none of them says anything.
        """
        meant = {name: forms for name, forms in _MEANT_FOR.items() if getattr(self, name) is not None}
        return [f"--{name} ({name}=)" for name, forms in meant.items() if form not in forms]
