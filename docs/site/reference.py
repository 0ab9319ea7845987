"""The reference of Python's interface, from signatures and docstrings.

``CHAPTERS`` says which name is on which page. A public name of textgraft that is on none
fails a test. A name that is linked here from prose is written in double backticks there.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from textwrap import dedent
from typing import Any

WIDTH = 88  # characters of a line in a signature
SHARED = "textgraft.methods.base.TextClassifier"  # what all classifiers have
OF_ALL = (
    *("fit", "predict", "predict_proba", "answers", "score", "encode", "neighbours"),
    *(
        "batches",
        "plot_training",
        "plot_probabilities",
        "save",
        "get_params",
        "set_params",
    ),
)


@dataclass(frozen=True)
class Chapter:
    """A page: its title, what it is about, and full names, or names in ``textgraft``."""

    title: str
    about: str
    names: tuple[str, ...]


CHAPTERS = {
    "data": Chapter(
        "Data",
        "From tables to labelled texts, and how they are divided.",
        (
            *("read_table", "ReadOptions", "inspect", "textgraft.data.audit.Audit", "split", "given_splits"),
            *("Dataset", "Splits", "Task"),
        ),
    ),
    "methods": Chapter(
        "Methods",
        "One class for each rung of the ladder, with scikit-learn's contract. What they share comes first.",
        (
            *(SHARED, "MajorityClassifier", "NgramClassifier", "RecurrentClassifier", "FeatureClassifier"),
            *("FineTunedClassifier", "StackedClassifier", "textgraft.training.batches.Batches"),
            "textgraft.training.batches.NetworkBatch",
        ),
    ),
    "evaluation": Chapter(
        "Evaluating and choosing",
        "Metrics with intervals, comparisons on the same rows, and when a model answers.",
        (
            *("evaluate", "Evaluation", "compare", "Comparison", "compare_with", "Replacement", "compare_paired"),
            *("textgraft.evaluation.paired.PairedTest", "search", "Search", "set_thresholds", "abstain"),
            "textgraft.decision.Abstention",
        ),
    ),
    "analysis": Chapter(
        "Looking closer",
        "What a model gets wrong, which labels look wrong, and why it answers as it does.",
        (
            *("find_errors", "textgraft.analysis.errors.Errors", "explain", "Explanation", "find_label_errors"),
            *("textgraft.analysis.label_errors.LabelErrors", "write_suspects", "apply_corrections", "robustness"),
            *("Robustness", "learning_curve", "LearningCurve", "map_texts", "textgraft.analysis.map.TextMap"),
            *("drift", "Drift", "write_report"),
        ),
    ),
    "encoders": Chapter(
        "Encoders and words",
        "Pretrained encoders and word vectors, and what they make of a text.",
        (
            *("open_encoder", "Encoder", "textgraft.encoders.tokenized.TokenizedText"),
            *("textgraft.encoders.hidden_states.HiddenStates", "tokenize", "Vocabulary", "open_vectors"),
            *("textgraft.text.vectors.vectors.WordVectors", "vector_coverage"),
            "textgraft.text.vectors.coverage.Coverage",
        ),
    ),
    "models": Chapter(
        "Saving and serving",
        "Models as files, on the Hub, on whole tables and over HTTP, and beside other tools.",
        (
            *("save", "load", "export", "textgraft.artifact.exporting.Outcome", "push", "predict_table", "Client"),
            *("AsyncClient", "track", "textgraft.interop.tracking.Tracker", "textgraft.interop.keras.as_keras"),
        ),
    ),
    "errors": Chapter(
        "Errors",
        "All errors that textgraft raises on purpose. Each message says what is wrong, what is allowed and what to do; "
        "the command line prints it on one line and exits with 1.",
        (
            "TextgraftError",
            *(
                f"textgraft.errors.{name}"
                for name in (
                    *("SettingError", "DataError", "BadRowsError", "BadRow", "EncoderError", "VectorsError"),
                    *("TrainingError", "ArtifactError", "ExportError", "MissingExtraError"),
                )
            ),
            "textgraft.methods.estimator.NotFittedError",
        ),
    ),
}
SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Example|Examples|References|Note):$")
CODE = re.compile(r"``(.+?)``")


def found(name: str) -> Any:
    """What a name of a chapter stands for; None where there is no such thing."""
    room, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(room or "textgraft"), last, None)
    except ImportError:  # it needs an extra
        return None


@cache
def places() -> dict[str, str]:
    """The page of each name."""
    every = ((name, page) for page, chapter in CHAPTERS.items() for name in chapter.names)
    return {name.rpartition(".")[-1]: page for name, page in every if found(name) is not None}


def pages() -> dict[str, str]:
    """The Markdown of all pages by their names, ``index`` among them."""
    written = {page: "\n".join(page_of(page, chapter)) for page, chapter in CHAPTERS.items()}
    return {"index": "\n".join(contents())} | written


def contents() -> Iterator[str]:
    """The lines of the first page: all names, and the first sentences on them."""
    yield "# Python\n"
    yield "Everything is reached as `import textgraft as tg`; parts are loaded when they are used.\n"
    for page, chapter in CHAPTERS.items():
        yield f"## [{chapter.title}]({page}.md)\n\n{chapter.about}\n"
        yield "| name | |\n|---|---|"
        for name in chapter.names:
            if (thing := found(name)) is not None:
                last = name.rpartition(".")[-1]
                said = prose(summary(thing), "index").replace("|", r"\|")
                yield f"| [`{last}`]({page}.md#{last}) | {said} |"
        yield ""


def page_of(page: str, chapter: Chapter) -> Iterator[str]:
    """The lines of a page."""
    yield f"# {chapter.title}\n\n{chapter.about}\n"
    for name in chapter.names:
        thing = found(name)
        if thing is None:
            continue
        last = name.rpartition(".")[-1]
        yield f"## `{last}` {{ #{last} }}\n"
        yield "" if inspect.isabstract(thing) else signature(last, thing)
        text = inspect.getdoc(thing) or ""
        if name == SHARED:  # what others set who add a method is in the code
            text = re.sub(r"^    \w+[^_\W]: .*\n(?:     .*\n)*", "", text, flags=re.MULTILINE)
        yield documented(text, page)
        if inspect.isclass(thing):
            for member, value in members(name, thing):
                kind = "property" if isinstance(value, property) else "method"
                yield f'### `{member}` {{ #{last}.{member} .{kind} data-toc-label="{member}" }}\n'
                bound = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
                yield "" if kind == "property" else signature(member, bound)
                yield documented(inspect.getdoc(bound) or "", page)


def members(name: str, kind: type) -> Iterator[tuple[str, Any]]:
    """The methods and properties of a class that its users call, with a docstring of their own."""
    shared = found(SHARED)
    if name == SHARED:
        chosen = [(member, inspect.getattr_static(kind, member, None)) for member in OF_ALL]
    elif issubclass(kind, shared):
        bases = [base for base in kind.__mro__[1:] if base is not object]
        chosen = [pair for pair in vars(kind).items() if not any(hasattr(base, pair[0]) for base in bases)]
        chosen += [(member, vars(kind)[member]) for member in OF_ALL if member in vars(kind)]
        internal = ("weighed_by",)
        chosen = [pair for pair in chosen if pair[0] not in internal]
    else:
        chosen = list(vars(kind).items())
    for member, value in chosen:
        inner = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if member.startswith("_") or not (inspect.isfunction(inner) or isinstance(value, property)):
            continue
        if inner.__doc__:
            yield member, value


def summary(thing: Any) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def signature(name: str, thing: Any) -> str:
    """How something is called, as a block of code: on one line, or one parameter a line."""
    try:
        shape = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    if inspect.isclass(thing):
        if issubclass(thing, Exception):
            return ""
        shape = shape.replace(return_annotation=inspect.Signature.empty)
    given = [each for each in shape.parameters.values() if each.name not in ("self", "cls")]
    shown = [*stars(given)]
    after = "" if shape.return_annotation is shape.empty else f" -> {plain(shape.return_annotation)}"
    line = f"{name}({', '.join(shown)}){after}"
    if len(line) > WIDTH:
        line = "\n".join([f"{name}(", *(f"    {each}," for each in shown), f"){after}"])
    return f"```python\n{line}\n```\n"


def stars(parameters: list[inspect.Parameter]) -> Iterator[str]:
    """Parameters as Python writes them, with the star before those that need their name."""
    starred = False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not starred:
            yield "*"
        starred = starred or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        kind = "" if each.annotation is each.empty else f": {plain(each.annotation)}"
        default = "" if each.default is each.empty else f"{' = ' if kind else '='}{default_of(each.default)}"
        yield f"{star}{each.name}{kind}{default}"


def plain(annotation: Any) -> str:
    """An annotation as it is written in the code."""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def default_of(value: Any) -> str:
    """A default value; objects without a short form are dots."""
    text = repr(value)
    return "..." if text.startswith("<") or len(text) > 60 else text


def documented(text: str, page: str) -> str:
    """A docstring of Google's style as Markdown."""
    lines, parts = text.splitlines(), []
    body: list[str] = []
    title = ""
    for line in [*lines, "End:"]:
        if SECTION.match(line) or line == "End:":
            parts.append(section(title, body, page))
            title, body = line[:-1], []
        else:
            body.append(line)
    return "\n".join(part for part in parts if part)


def section(title: str, body: list[str], page: str) -> str:
    """One section of a docstring; the one without a title is prose."""
    text = dedent("\n".join(body)).strip("\n") if title else "\n".join(body)
    if not text.strip():
        return ""
    if title in ("Args", "Attributes", "Raises"):
        entries = [entry(each, page, code=title != "Raises") for each in split_entries(text)]
        heading = {"Args": "Parameters"}.get(title, title)
        return f'<p class="panel">{heading}</p>\n\n' + "\n".join(entries)
    heading = f'<p class="panel">{title}</p>\n\n' if title else ""
    return f"{heading}{prose(literal(text), page)}\n"


def split_entries(text: str) -> list[str]:
    """The entries of a section: each starts at the margin."""
    return re.split(r"\n(?=\S)", text)


def entry(text: str, page: str, *, code: bool) -> str:
    """``name: what it is`` as an entry of a list of definitions."""
    name, _, said = text.partition(":")
    said = " ".join(said.split())
    shown = f"`{name.strip()}`" if code or name.isidentifier() else name
    return f"{shown}\n:   {prose(said, page)}\n"


def literal(text: str) -> str:
    """Blocks after a double colon as blocks of code."""

    def fenced(block: re.Match[str]) -> str:
        inner = inspect.cleandoc("\n" + block[2]).rstrip()
        return f"{block[1]}:\n\n```text\n{inner}\n```\n"

    return re.sub(r"^(.*)::\n\n((?:(?:[ ]{4}.*)?\n?)+)", fenced, text, flags=re.MULTILINE)


def prose(text: str, page: str) -> str:
    """Text with its code in Markdown's way, and links where a name has a place."""

    def code(found: re.Match[str]) -> str:
        name = found[1]
        last = name.removeprefix("textgraft.").removesuffix("()")
        owner = last.partition(".")[0]
        public = name.startswith("textgraft.") or last[:1].isupper()  # no ``fit`` of a method
        if public and last == owner and owner in places():
            there = places()[owner]
            address = "" if there == page else f"{there}.md"
            return f"[`{name}`]({address}#{owner})"
        return f"`{name}`"

    blocks = re.split(r"(```text\n.*?\n```)", text, flags=re.DOTALL)
    return "".join(
        block if block.startswith("```text") else CODE.sub(code, block).replace("<", "&lt;") for block in blocks
    )
