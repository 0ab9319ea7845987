"""Options that several commands share, each declared once.

A command takes an object of options as one keyword argument; ``expand`` shows what that object takes to Typer as if the
command had declared it one by one.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from textgraft.errors import SettingError
from textgraft.unicode import quoted

if TYPE_CHECKING:
    from textgraft.data import ReadOptions
    from textgraft.data.tables.asked import CommaNames
    from textgraft.dataset import Columns, Dataset, Splits
    from textgraft.methods import TextClassifier
    from textgraft.methods.hyperparameters import Hyperparameter


def _option(panel: str, help_text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=panel, **more)


_reading = functools.partial(_option, "Reading the table")
_dividing = functools.partial(_option, "Dividing it")


@dataclass(frozen=True)
class InputOptions:
    """How the texts of a table are read."""

    text: Annotated[
        list[str] | None,
        _reading("Text column; several are joined: separated by commas, or the option given several times."),
    ] = None
    format: Annotated[
        str | None,
        _reading("csv, json, fasttext, parquet, arrow, excel, sqlite, datasets or folder; found if not given."),
    ] = None
    encoding: Annotated[str | None, _reading("Text encoding, such as utf-16 or cp1252.")] = None
    delimiter: Annotated[str | None, _reading("Column delimiter of a CSV file.")] = None
    quoting: Annotated[bool | None, _reading("Whether quotes enclose fields of a CSV file.")] = None
    header: Annotated[bool | None, _reading("Whether the first row names the columns.")] = None
    sheet: Annotated[str | None, _reading("Sheet of an Excel workbook.")] = None
    table: Annotated[str | None, _reading("Table of an SQLite database.")] = None
    skip_bad_rows: Annotated[bool, _reading("Leave out rows that do not parse, and list them.", "--skip-bad-rows")] = (
        False
    )

    def format_options(self) -> ReadOptions:
        """The options about the file's format."""
        from textgraft.data import ReadOptions

        return ReadOptions(**{field.name: getattr(self, field.name) for field in fields(ReadOptions)})


@dataclass(frozen=True)
class TableOptions(InputOptions):
    """How labelled tables are read."""

    label: Annotated[
        list[str] | None,
        _reading(
            "Label column; several, separated by commas or given one by one, are 0/1 columns of a multi-label task."
        ),
    ] = None
    label_delimiter: Annotated[str | None, _reading("What separates several labels in one column.")] = None
    single_label: Annotated[
        bool, _reading("Each cell of the label column is one name, commas and brackets too.", "--single-label")
    ] = False
    merge_labels: Annotated[
        str | None, _reading("Labels that differ in nothing but these are one: some of case,space,unicode.")
    ] = None
    drop_empty: Annotated[bool, _reading("Leave out rows with an empty text.", "--drop-empty")] = False

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of ``read_table``."""
        return {
            "text": column_names(self.text),
            "label": column_names(self.label),
            "label_delimiter": self.label_delimiter,
            "single_label": self.single_label,
            "merge_labels": self.merge_labels,
            "options": self.format_options(),
        }

    def read(
        self,
        source: str,
        *,
        like: Dataset | Columns | None = None,
        keep_empty: bool = False,
        keys: dict[str, Any] | None = None,
        beside: Iterable[str] = (),
    ) -> Dataset:
        """Reads a labelled table, besides others, and says how."""
        from textgraft.cli.console import remark
        from textgraft.data import check_texts, read_table
        from textgraft.wording import notes_about

        data = read_table(source, like=like, **self.arguments(), **(keys or {}))
        if not keep_empty:
            data = check_texts(data, drop_empty=self.drop_empty)
        remark(notes_about(source, data.notes, beside))
        return data


@dataclass(frozen=True)
class SplitOptions:
    """How a table is divided, or which files are the parts."""

    valid: Annotated[str | None, _dividing("Table for choices (regularisation, epochs).")] = None
    test: Annotated[str | None, _dividing("Table for the final numbers.")] = None
    test_size: Annotated[
        float | None,
        _dividing(
            "Share of the rows for the final numbers, where no test table is given.",
            min=0,
            max=0.9,
            show_default="0.2, or folds where rows are few",
        ),
    ] = None
    folds: Annotated[
        int | None,
        _dividing("Folds of a cross-validation; 0 holds rows out once.", min=0, show_default="as the table wants"),
    ] = None
    group: Annotated[str | None, _dividing("Column whose values must not stand in two parts.")] = None
    time: Annotated[str | None, _dividing("Column to divide by: train on the past, test on the future.")] = None
    split: Annotated[str | None, _dividing("Column that says train, valid or test.")] = None
    no_split: Annotated[
        bool, _dividing("Leave a column that says train, valid or test aside, and divide anew.", "--no-split")
    ] = False
    drop_leaks: Annotated[
        bool, _dividing("Take training texts that also stand in test out of training.", "--drop-leaks")
    ] = False
    seed: Annotated[int, _dividing("Seed of the division and of training.", min=0)] = 0

    def read(
        self,
        source: str,
        reading: TableOptions,
        *,
        learners: Sequence[TextClassifier] = (),
        choosing: bool = False,
        for_audit: bool = False,
        most_folds: int | None = None,
    ) -> Splits:
        """Reads all tables and divides the first one where that is needed; says what was done, and leaks.

        For an audit nothing is divided that was given in one piece, and empty texts stay in. Where ``learners`` have a
        budget nothing is cross-validated unless that is asked for, since each fold would take it once more. There are
        ``most_folds`` folds at most, or as many as the learners have.
        """
        from textgraft.cli.console import remark
        from textgraft.data.dividing import divide
        from textgraft.data.folds import USUAL_FOLDS

        self._check()
        split_column = False if self.no_split else self.split
        keys: dict[str, Any] = {"group": self.group, "time": self.time, "split": split_column}
        tables = [table for table in (source, self.valid, self.test) if table]
        if tables.count("-") > 1:
            raise SettingError(
                "Standard input can be read once; give - for one of the tables, and files for the others."
            )
        data = reading.read(source, keep_empty=for_audit, keys=keys, beside=tables)
        valid, test = (
            reading.read(table, like=data, keep_empty=for_audit, beside=tables) if table else None
            for table in (self.valid, self.test)
        )
        if data.parts is not None:
            self._check_column(source)
        in_time = any(getattr(learner, "budget", None) is not None for learner in learners)
        splits = divide(
            data,
            valid,
            test,
            test_size=0.0 if for_audit else self.test_size,
            folds=0 if for_audit or (in_time and self.folds is None) else self.folds,
            most_folds=most_folds or min((learner.most_folds for learner in learners), default=USUAL_FOLDS),
            choosing=choosing,
            drop_leaks=self.drop_leaks,
            seed=self.seed,
        )
        if not for_audit:
            remark(splits.notes)
        return splits

    def _check(self) -> None:
        """Raises SettingError where one option excludes another."""
        if self.split and self.no_split:
            raise SettingError("--split names the column that --no-split leaves aside; leave one of them out.")
        if self.split and (self.valid or self.test):
            raise SettingError("--split says which rows are valid and test; leave out --valid and --test, or --split.")
        if self.split and self.time:
            raise SettingError("--split says which rows are test, and --time that they are the latest; leave one out.")
        if self.test and (self.group or self.time):
            raise SettingError("--test is the division already; --group and --time divide a table without it.")
        if self.test and self.test_size is not None:
            raise SettingError("--test is the table for the final numbers; --test-size is for where there is none.")
        if self.group and self.time:
            raise SettingError(
                "--group keeps the rows of a group in one part, and --time puts the latest rows in test; both cannot "
                "be where a group has early and late rows. Leave one of them out."
            )

    def _check_column(self, source: str) -> None:
        """Raises SettingError where options divide a table that a column of it divides already."""
        given = {"--valid": self.valid, "--test": self.test, "--test-size": self.test_size, "--folds": self.folds}
        beside = [option for option, value in given.items() if value is not None]
        if beside:
            raise SettingError(
                f"A column of {source} says which rows are train, valid and test, and {' and '.join(beside)} "
                f"{'ask' if len(beside) > 1 else 'asks'} for other parts. Leave {' and '.join(beside)} out, or leave "
                f"the column aside with --no-split."
            )


class MethodOptions:
    """Hyperparameters by the names that the classes give them; a method takes those that it has.

    Args:
        given: their values, as text where no type is declared; None is not given.
    """

    given: dict[str, Any]

    def __init__(self, **given: Any) -> None:
        self.given = {name: value for name, value in given.items() if value is not None}

    @staticmethod
    def parameters() -> list[inspect.Parameter]:
        """The hyperparameters as options, first those that most methods have; the help says which."""
        from textgraft.methods import METHODS

        families: dict[str, list[str]] = {}
        declared: dict[str, Hyperparameter] = {}
        clauses: dict[str, dict[str, list[str]]] = {}  # of each name, with the methods that they are about
        for method, cls in METHODS.items():
            if cls.family:
                families.setdefault(cls.family, []).append(method)
            for name, each in cls.hyperparameters.items():
                if each.help:
                    declared[name] = each
                    clause = f"{each.help} (not in a comparison)" if each.alone else each.help
                    clauses.setdefault(name, {}).setdefault(clause, []).append(method)

        def about(methods: list[str], clause: str) -> str:
            for family, members in families.items():
                if set(members) <= set(methods):
                    methods = [*(method for method in methods if method not in members), family]
            return f"{', '.join(methods)}: {clause}"

        known = [f"{family}: {' and '.join(members)}" for family, members in families.items()]
        panel = f"The method ({'; '.join(known)})"
        parameters = []
        for name in sorted(clauses, key=lambda name: -sum(map(len, clauses[name].values()))):
            text = "; ".join(about(methods, clause) for clause, methods in clauses[name].items())
            names = [f"--{name}/--{declared[name].off}"] if declared[name].off else []
            kind = declared[name].kind
            parameters.append(_parameter(name, None, Annotated[kind | None, _option(panel, f"{text}.", *names)]))
        return parameters

    def build(self, names: list[str], seed: int) -> list[TextClassifier]:
        """Unfitted classifiers of the named methods.

        Raises:
            SettingError: a method is unknown, or options that none of them has, or values that they cannot use.
        """
        from textgraft.errors import did_you_mean
        from textgraft.methods import METHODS
        from textgraft.methods.constraints import refuse

        models = []
        names = list(dict.fromkeys(names))
        for name in names:
            if name not in METHODS:
                raise SettingError(
                    f"There is no method {quoted(name)}; methods are {', '.join(METHODS)}.{did_you_mean(name, METHODS)}"
                )
            models.append(METHODS[name]().configure(self.given | {"seed": seed}, beside=len(names) > 1))
        faults = [fault for model in models for fault in model.faults()]
        unused = self.given.keys() - {key for model in models for key in model.configurable()}
        if unused:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unused))
            faults.append(f"{options} means nothing to {', '.join(names)}; leave it out or choose another method.")
        refuse(list(dict.fromkeys(faults)))
        return models


def given_words(*options: InputOptions | SplitOptions) -> list[str]:
    """What options were given, as the words of a command line."""
    words = []
    for each in options:
        for field in fields(each):
            value, option = getattr(each, field.name), f"--{field.name.replace('_', '-')}"
            if value is None or value == field.default:
                continue
            if isinstance(value, bool):
                words.append(option if value else f"--no-{option.removeprefix('--')}")
            else:
                for item in value if isinstance(value, (list, tuple)) else [value]:
                    words += [option, str(item)]
    return words


def _parameter(name: str, default: object, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _parameters(kind: type[Any]) -> list[inspect.Parameter]:
    """What an option class takes."""
    if issubclass(kind, MethodOptions):
        return kind.parameters()
    hints = get_type_hints(kind, include_extras=True, localns=globals())
    return [_parameter(field.name, field.default, hints[field.name]) for field in fields(kind)]


def expand(command: Callable[..., object]) -> Callable[..., None]:
    """Shows what every option class among the parameters of ``command`` takes to Typer as options of the command."""
    from textgraft.cli.console import remark
    from textgraft.cli.stopping import exit_code

    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and (is_dataclass(kind) or kind is MethodOptions):
            shown = _parameters(kind)
            groups[name] = (kind, [option.name for option in shown])
            parameters += shown
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def collected(**given: Any) -> None:
        for name, (kind, names) in groups.items():
            given[name] = kind(**{field: given.pop(field) for field in names})
        try:
            command(**given)
        except KeyboardInterrupt as interrupt:
            remark(f"Stopped; {interrupt}" if interrupt.args else "Stopped.")
            raise typer.Exit(exit_code()) from None

    collected.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    collected.__annotations__ = {p.name: p.annotation for p in parameters}
    del collected.__wrapped__
    return collected


def column_names(given: list[str] | None) -> CommaNames | None:
    """Names of columns as they were written; what the commas in them mean is decided where the table is known."""
    from textgraft.data.tables.asked import CommaNames

    return CommaNames(given) if given else None


Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A file, a folder, a pattern such as 'data/*.csv', an address such as https://... or s3://..., a data set "
        "of the Hub (hf://datasets/OWNER/NAME), or - for standard input.",
    ),
]
Directory = Annotated[str, typer.Argument(metavar="DIR", help="A model directory.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The model directory to write.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of tables.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the report as a page of HTML too.")]
NoReport = Annotated[
    bool, typer.Option("--no-report", help="Leave the report out, which is written beside what is saved.")
]
Seeds = Annotated[
    int | None,
    typer.Option(
        help="Train with so many seeds, from --seed on, on the same division of the rows, to see what the seed of a "
        "training changes; the first one's model is kept."
    ),
]
EveryMetric = Annotated[bool, typer.Option("--all", help="Show every metric, not only those that matter most.")]
MainMetric = Annotated[
    str | None,
    typer.Option(
        "--metric", help="The metric that stands for all, as train takes it; the model's own where it is not given."
    ),
]
Runtime = Annotated[
    str, typer.Option("--runtime", help="Computes the network: auto, torch, onnx, openvino, or an export's name.")
]
