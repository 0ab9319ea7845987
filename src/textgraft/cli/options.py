"""Options that several commands share, each declared once.

A command takes a frozen dataclass of options as one keyword argument; ``expand`` shows its fields to Typer as if the
command had declared them one by one.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from textgraft.errors import SettingError, TextgraftError

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.dataset import Columns, Dataset, Splits
    from textgraft.methods import TextClassifier

READING = "Reading the table"
DIVIDING = "Dividing it"
METHOD = "The method (networks: recurrent and finetune)"


def _option(help_text: str, panel: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=panel, **more)


@dataclass(frozen=True)
class InputOptions:
    """How the texts of a table are read."""

    text: Annotated[str | None, _option("Text column; several, separated by commas, are joined.", READING)] = None
    format: Annotated[
        str | None,
        _option("csv, json, parquet, arrow, excel, sqlite, datasets or folder; found if not given.", READING),
    ] = None
    encoding: Annotated[str | None, _option("Text encoding, such as utf-16 or cp1252.", READING)] = None
    delimiter: Annotated[str | None, _option("Column delimiter of a CSV file.", READING)] = None
    quoting: Annotated[
        bool | None, _option("Whether quotes enclose fields of a CSV file.", READING, "--quoting/--no-quoting")
    ] = None
    header: Annotated[
        bool | None, _option("Whether the first row names the columns.", READING, "--header/--no-header")
    ] = None
    sheet: Annotated[str | None, _option("Sheet of an Excel workbook.", READING)] = None
    table: Annotated[str | None, _option("Table of an SQLite database.", READING)] = None
    skip_bad_rows: Annotated[
        bool, _option("Leave out rows that do not parse, and list them.", READING, "--skip-bad-rows")
    ] = False

    def format_options(self) -> ReadOptions:
        """The options about the file's format."""
        from textgraft.data import ReadOptions

        return ReadOptions(**{field.name: getattr(self, field.name) for field in fields(ReadOptions)})


@dataclass(frozen=True)
class TableOptions(InputOptions):
    """How labelled tables are read."""

    label: Annotated[
        str | None,
        _option("Label column; several, separated by commas, are 0/1 columns of a multi-label task.", READING),
    ] = None
    label_delimiter: Annotated[str | None, _option("What separates several labels in one column.", READING)] = None
    drop_empty: Annotated[bool, _option("Leave out rows with an empty text.", READING, "--drop-empty")] = False

    def read(
        self,
        source: str,
        *,
        like: Dataset | Columns | None = None,
        keep_empty: bool = False,
        keys: dict[str, str | None] | None = None,
        beside: Iterable[str] = (),
    ) -> Dataset:
        """Reads a labelled table, besides others, and says how."""
        from textgraft.cli.console import remark
        from textgraft.data import check_texts, read_table
        from textgraft.wording import notes_about

        data = read_table(
            source,
            text=column_names(self.text),
            label=column_names(self.label),
            label_delimiter=self.label_delimiter,
            like=like,
            options=self.format_options(),
            **(keys or {}),
        )
        if not keep_empty:
            data = check_texts(data, drop_empty=self.drop_empty)
        remark(notes_about(source, data.notes, beside))
        return data


@dataclass(frozen=True)
class SplitOptions:
    """How a table is divided, or which files are the parts."""

    valid: Annotated[str | None, _option("Table for choices (regularisation, epochs).", DIVIDING)] = None
    test: Annotated[str | None, _option("Table for the final numbers.", DIVIDING)] = None
    test_size: Annotated[
        float,
        _option("Share of the rows for the final numbers, where no test table is given.", DIVIDING, min=0, max=0.9),
    ] = 0.2
    group: Annotated[str | None, _option("Column whose values must not stand in two parts.", DIVIDING)] = None
    time: Annotated[str | None, _option("Column to divide by: train on the past, test on the future.", DIVIDING)] = None
    split: Annotated[str | None, _option("Column that says train, valid or test.", DIVIDING)] = None
    drop_leaks: Annotated[
        bool, _option("Take training texts that also stand in test out of training.", DIVIDING, "--drop-leaks")
    ] = False
    seed: Annotated[int, _option("Seed of the division and of training.", DIVIDING, min=0)] = 0

    def read(self, source: str, reading: TableOptions, *, for_audit: bool = False) -> Splits:
        """Reads all tables and divides the first one where that is needed; says what was done, and leaks.

        For an audit nothing is divided that was given in one piece, and empty texts stay in.
        """
        from textgraft.cli.console import remark
        from textgraft.data import given_splits, split

        if self.split and (self.valid or self.test):
            raise SettingError("--split says which rows are valid and test; leave out --valid and --test, or --split.")
        if self.test and (self.group or self.time):
            raise SettingError("--test is the division already; --group and --time divide a table without it.")
        keys = {"group": self.group, "time": self.time, "split": self.split}
        tables = [table for table in (source, self.valid, self.test) if table]
        data = reading.read(source, keep_empty=for_audit, keys=keys, beside=tables)
        valid, test = (
            reading.read(table, like=data, keep_empty=for_audit, beside=tables) if table else None
            for table in (self.valid, self.test)
        )
        share = 0.0 if for_audit else self.test_size
        if valid is None and test is None and (share > 0 or data.parts is not None):
            splits = split(data, seed=self.seed, valid=0, test=share, drop_leaks=self.drop_leaks)
        elif test is None and share > 0:
            divided = split(data, seed=self.seed, valid=0, test=share)
            splits = given_splits(divided.train, valid, divided.test, drop_leaks=self.drop_leaks)
            splits = replace(splits, notes=(*divided.notes, *splits.notes))
        else:
            splits = given_splits(data, valid, test, drop_leaks=self.drop_leaks)
        if for_audit:
            return splits
        remark(splits.notes)
        return splits


@dataclass(frozen=True)
class MethodOptions:
    """Hyperparameters by the names that the classes give them; a method takes those that it has."""

    encoder: Annotated[
        str | None,
        _option(
            "Encoder: an embedded one, a folder or a name on the Hub. In a comparison recurrent reads words.", METHOD
        ),
    ] = None
    pooling: Annotated[
        str | None, _option("features: mean, cls or max; recurrent: last, mean, max or attention.", METHOD)
    ] = None
    cell: Annotated[str | None, _option("recurrent: gru or lstm.", METHOD)] = None
    layers: Annotated[int | None, _option("recurrent: layers on top of each other.", METHOD)] = None
    hidden: Annotated[int | None, _option("recurrent: units of a layer in each direction.", METHOD)] = None
    bidirectional: Annotated[
        bool | None, _option("recurrent: read from both ends or not.", METHOD, "--bidirectional/--one-direction")
    ] = None
    vectors: Annotated[
        str | None, _option("recurrent: word vectors, such as glove.6B.50d, a file or URL#sha256=...", METHOD)
    ] = None
    train_vectors: Annotated[str | None, _option("recurrent: frozen, tuned or scratch.", METHOD)] = None
    width: Annotated[int | None, _option("recurrent: components of vectors learned from scratch.", METHOD)] = None
    unknown: Annotated[str | None, _option("recurrent: words without a vector get zero, mean or normal.", METHOD)] = (
        None
    )
    tokenizer: Annotated[str | None, _option("recurrent: treebank, unicode, basic_english or spacy:en.", METHOD)] = None
    max_size: Annotated[int | None, _option("recurrent: most words in the vocabulary.", METHOD)] = None
    min_count: Annotated[int | None, _option("recurrent, ngrams: how often a word must occur.", METHOD)] = None
    long: Annotated[
        str | None, _option("features, finetune: window reads long texts to the end; truncate.", METHOD)
    ] = None
    max_tokens: Annotated[
        int | None,
        _option("features, networks: length of a window or of a cut text.", METHOD),
    ] = None
    epochs: Annotated[int | None, _option("networks: passes over the data.", METHOD)] = None
    batch_size: Annotated[int | None, _option("networks: texts per step.", METHOD)] = None
    learning_rate: Annotated[float | None, _option("networks: the peak learning rate.", METHOD)] = None
    trained: Annotated[
        str | None, _option("finetune: all, head, lora, or how many of the last layers are trained.", METHOD)
    ] = None
    budget: Annotated[str | None, _option("networks: train at most so long, such as 10m.", METHOD)] = None
    patience: Annotated[
        int | None, _option("networks: stop after so many epochs without a better validation score.", METHOD)
    ] = None
    warmup: Annotated[float | None, _option("networks: share of the training with a rising rate.", METHOD)] = None
    decay: Annotated[str | None, _option("networks: how the rate falls: linear, cosine or none.", METHOD)] = None
    layer_decay: Annotated[float | None, _option("finetune: rate of each layer over that above.", METHOD)] = None
    weight_decay: Annotated[float | None, _option("networks: on weight matrices.", METHOD)] = None
    dropout: Annotated[float | None, _option("networks: share of the units that is dropped.", METHOD)] = None
    label_smoothing: Annotated[float | None, _option("networks: share of a target for all labels.", METHOD)] = None
    class_weight: Annotated[
        str | None, _option("balanced weighs rare labels up; networks: also label=2,other=0.5.", METHOD)
    ] = None
    thresholds: Annotated[
        str | None,
        _option("networks, multi-label: label and global are tuned; or a number such as 0.5.", METHOD),
    ] = None
    precision: Annotated[str | None, _option("features, networks: auto, fp32, bf16 or fp16.", METHOD)] = None

    def build(self, names: list[str], seed: int) -> list[TextClassifier]:
        """Unfitted classifiers of the named methods.

        Raises:
            SettingError: a method is unknown, or an option was given that none of them has.
        """
        from textgraft.errors import did_you_mean
        from textgraft.methods import METHODS

        given = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}
        given |= {name: parse(given[name]) for name, parse in PARSED.items() if name in given}
        unused = set(given)
        models = []
        for name in dict.fromkeys(names):
            if name not in METHODS:
                raise SettingError(
                    f"There is no method {name!r}; methods are {', '.join(METHODS)}.{did_you_mean(name, METHODS)}"
                )
            model = METHODS[name]()
            own = model.get_params(deep=False)
            mine = {key: value for key, value in given.items() if key in own}
            if name == "recurrent" and len(names) > 1:
                mine.pop("encoder", None)  # it is meant for the others; beside them this one reads words
            model.set_params(**mine)
            if "seed" in own:
                model.set_params(seed=seed)
            model.check_settings()
            unused -= own.keys()
            models.append(model)
        if unused:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unused))
            raise SettingError(f"{options} means nothing to {', '.join(names)}; leave it out or choose another method.")
        return models


def expand(command: Callable[..., object]) -> Callable[..., None]:
    """Shows the fields of every dataclass parameter of ``command`` to Typer as options of the command."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if kind in (InputOptions, TableOptions, SplitOptions, MethodOptions):
            own = get_type_hints(kind, include_extras=True, localns=vars(sys.modules[__name__]))
            groups[name] = (kind, [field.name for field in fields(kind)])
            for field in fields(kind):
                default = inspect.Parameter.empty if field.default is MISSING else field.default
                parameters.append(
                    inspect.Parameter(
                        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=own[field.name]
                    )
                )
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def collected(**given: Any) -> None:
        for name, (kind, names) in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in names})
        try:
            command(**given)
        except KeyboardInterrupt:
            raise TextgraftError("Stopped; no half-written file is left behind.") from None

    collected.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    collected.__annotations__ = {p.name: p.annotation for p in parameters}
    del collected.__wrapped__
    return collected


def _number_or_word(value: str) -> Any:
    """``"4"`` as 4, ``"0.5"`` as 0.5, any other word as it is."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value


def _weights(value: str) -> Any:
    """``"joy=2,anger=0.5"`` as a mapping; a word as it is.

    Raises:
        SettingError: a weight is no number.
    """
    if "=" not in value:
        return value
    try:
        return {name.strip(): float(weight) for name, weight in (part.rsplit("=", 1) for part in value.split(","))}
    except ValueError:
        raise SettingError(f"--class-weight must be like joy=2,anger=0.5 or balanced; got {value!r}.") from None


PARSED: dict[str, Callable[[str], Any]] = {
    "trained": _number_or_word,
    "thresholds": _number_or_word,
    "class_weight": _weights,
}


def column_names(columns: str | None) -> list[str] | None:
    """The column names in ``a,b``."""
    return None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]


Table = Annotated[str, typer.Argument(metavar="TABLE", help="A file, a folder or a pattern such as 'data/*.csv'.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The model directory to write.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page of HTML too.")]
EveryMetric = Annotated[bool, typer.Option("--all", help="Show every metric, not only those that matter most.")]
Runtime = Annotated[
    str,
    typer.Option("--runtime", help="Computes the network: auto, torch, onnx, openvino, or an export's name."),
]
