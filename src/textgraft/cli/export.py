"""``textgraft export``: a model's network for a runtime without torch, kept only if it answers as the model does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from textgraft.cli.options import Directory, Json, TableOptions
from textgraft.unicode import quoted
from textgraft.wording import counted

if TYPE_CHECKING:
    from textgraft.artifact.attempts import Precision, Target
    from textgraft.artifact.exporting import Outcome
    from textgraft.dataset import Dataset

GATE = "How different its answers may be (usual for the precision if not given)"
_gate = partial(typer.Option, min=0, max=1, rich_help_panel=GATE)


def run(
    directory: Directory,
    reading: TableOptions,
    runtime: Annotated[
        str, typer.Option(help="What shall run it: openvino, onnx for ONNX Runtime, or web: a page.")
    ] = "openvino",
    precision: Annotated[
        str, typer.Option(help="int8, bf16 or fp32; auto is int8 where it passes, else the next better one that does.")
    ] = "auto",
    full_range: Annotated[
        bool,
        typer.Option("--full-range", help="int8 with all 8 bits: more accurate, alike only on processors with VNNI."),
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--data", metavar="TABLE", help="Labelled texts to compare on; the sample in the model if not given."
        ),
    ] = None,
    max_difference: Annotated[float | None, _gate(help="Largest difference of a probability.")] = None,
    min_equal: Annotated[float | None, _gate(help="Least share of texts that keep their labels, as 0.98.")] = None,
    max_drop: Annotated[float | None, _gate(help="Largest drop of accuracy or micro-F1, as 0.005.")] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a new directory for shipping: no weights for torch, nothing of texts. Of a page DIR.web.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Export the model in DIR, and compare the export with it on real texts before it is kept."""
    from textgraft.artifact.exporting import export
    from textgraft.cli.console import print_json, remark
    from textgraft.evaluation.parity import Tolerance

    bounds = Tolerance(max_difference, min_equal, max_drop)
    outcome = export(
        directory,
        runtime=cast("Target", runtime),  # what else it may be is refused there
        precision=cast("Precision", precision),
        full_range=full_range,
        data=None if source is None else read_like_training(Path(directory), source, reading),
        tolerance=None if bounds == Tolerance() else bounds,
        to=to,
    )
    remark(outcome.notes)
    if as_json:
        print_json({"model": str(directory), "directory": str(outcome.directory)} | outcome.to_dict())
    else:
        show_outcome(outcome)


def read_like_training(directory: Path, source: str, reading: TableOptions) -> Dataset:
    """A labelled table in the columns of the model's training data, unless others are given."""
    from textgraft.artifact.loading import fitted_on
    from textgraft.artifact.locating import is_foreign
    from textgraft.model_directory import read_manifest

    unknown = reading.text or reading.label or is_foreign(directory)
    return reading.read(source, like=None if unknown else fitted_on(read_manifest(directory)).columns)


def show_outcome(outcome: Outcome) -> None:
    """A row per recipe that was tried, and how to use the one that was taken."""
    from textgraft.model_directory.files import directory_bytes
    from textgraft.report import Report, terminal
    from textgraft.report.exports import attempts_section
    from textgraft.report.section import Section
    from textgraft.wording import megabytes

    size = megabytes(directory_bytes(outcome.directory))
    use = (
        f"{outcome.directory} ({size}) now holds {outcome.runtime} {outcome.precision}: textgraft predict and "
        f"textgraft.load take it where it is the fastest, with runtime={quoted(outcome.runtime)} always."
    )
    if outcome.runtime == "web":
        use = (
            f"{outcome.directory} ({size}) is a page that computes the model in a browser, {outcome.precision}, and "
            "asks nothing of any other place. Any web server will do: python -m http.server --directory "
            f"{outcome.directory}, then open http://localhost:8000."
        )
    if not outcome.attempts:
        terminal.show(Report("", (Section(sentences=(use,)),)))
        return
    compared = next(attempt.parity for attempt in reversed(outcome.attempts) if attempt.parity)
    texts = f"{counted(compared.texts, 'text')} ({outcome.compared_on})"
    title = f"{outcome.runtime}, compared with the model in fp32 on {texts}"
    terminal.show(Report(title, (attempts_section(outcome.attempts, use),)))
