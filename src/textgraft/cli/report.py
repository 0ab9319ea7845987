"""``textgraft report``: all that is known of a model on a table, as one page to read and to pass on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.options import Directory, InputOptions, Runtime, SplitOptions, Table, TableOptions, given_words
from textgraft.errors import TextgraftError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textgraft.analysis.gathering import Origin
    from textgraft.report import Report
    from textgraft.report.story import Story

With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="CHAPTERS",
        help="Chapters of the report that take longer, separated by commas: slices, robustness, label-errors (of the "
        "training rows), curve, map; or all.",
    ),
]
INSTALL = 'pip install "textgraft[report]"'


def run(
    directory: Directory,
    source: Table,
    reading: TableOptions,
    runtime: Runtime = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The page to write.", show_default="DIR.report.html"),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="The training table, for the learning curve and for its label errors."),
    ] = None,
    more: With = None,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Leave the texts out, so that the report can be given away.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out slices and changed texts, for which slow models take minutes.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", metavar="DIR", help="Write its pictures as PNG and SVG files too.")
    ] = None,
) -> None:
    """Report on the model in DIR and the rows of TABLE: a page of HTML, and its figures as JSON beside it.

    The page needs nothing else and loads nothing: the verdict, what to do next, figures with intervals, what is taken
    for what with the texts behind it, calibration, slices, labels that look wrong, answers under changes, and how it
    was made. What takes longer is added by --with.
    """
    from textgraft.analysis.gathering import model_story
    from textgraft.artifact import load
    from textgraft.charts.picture import require
    from textgraft.cli.console import remark
    from textgraft.extras import import_scipy
    from textgraft.report.html import check_place
    from textgraft.report.story_page import write_story

    import_scipy("Evaluating with intervals")
    require()
    page = out or page_beside(directory)
    check_place(page, "--out")
    further = chapters_of(more)
    model = load(directory, runtime=runtime)
    remark(model.notes_)
    like = None if reading.text or reading.label else model.fitted_on_.columns
    data = reading.read(source, like=like, keys={"keep_cells": True})
    origin = origin_of(source, reading, directory=directory, train=train)
    trained = None if train is None else reading.read(train, like=like, beside=(source,))
    story = model_story(
        model, data, train=trained, texts=not no_texts, closely=not quick, further=further, origin=origin
    )
    figures = write_story(story, page)
    remark(f"The report is in {page}, its figures in {figures.name} beside it. {story.notice}")
    if pictures is not None:
        for name, picture in story.pictures.items():
            for ending in ("png", "svg"):
                picture.save(pictures / f"{name}.{ending}")
        remark(f"The pictures are in {pictures}.")


def origin_of(
    source: str,
    *options: InputOptions | SplitOptions,
    directory: object = None,
    seed: int | None = None,
    train: str | None = None,
) -> Origin:
    """Where a report comes from: this command line, without what is secret in it."""
    from textgraft.analysis.gathering import Origin
    from textgraft.wording import source_name

    reading = given_words(*(each for each in options if isinstance(each, InputOptions)))
    dividing = next((each for each in options if isinstance(each, SplitOptions)), None)
    rows, trained = (source, train) if dividing is None else (dividing.test or source, source)
    lines = (sys.argv[1:], (source, *given_words(*options)), (rows, *reading), (trained, *reading) if trained else ())
    command, table, of_rows, of_training = (
        tuple(source_name(word) if word != "-" else word for word in line) for line in lines
    )
    return Origin(command, table, of_rows, of_training, None if directory is None else str(directory), seed)


def chapters_of(names: str | None) -> tuple[str, ...]:
    """The chapters that ``--with`` asks for.

    Raises:
        SettingError: there is no such chapter.
    """
    from textgraft.analysis.closer import check_further

    return check_further([name.strip() for name in (names or "").split(",") if name.strip()], "--with")


def page_beside(directory: str | Path, of: str = "") -> Path:
    """Where the report on a model is, where nobody says where: beside its directory, named for what it is of."""
    path = Path(directory)
    path = path.resolve() if path.name in ("", "..") else path
    return Path(f"{path}.{of and f'{of}.'}report.html")


def present_story(report: Report, page: Path | None, story: Callable[[], Story], *, quietly: bool) -> None:
    """Shows a report on standard output, unless ``quietly``; where a page is wanted, it is the whole story.

    Without the library that pictures are drawn with it is the same report as a page.
    """
    from textgraft import charts
    from textgraft.cli.console import present, remark
    from textgraft.report.story_page import write_story

    if page is None or not charts.is_installed():
        present(report, page, quietly=quietly)
        if page is not None:
            remark(f"It has no pictures and no texts; for these, {INSTALL}.")
        return
    present(report, quietly=quietly)
    write_story(story(), page)
    remark(f"The report is in {page}. It holds texts of the data.")


def write_beside(page: Path, story: Callable[[], Story]) -> None:
    """Writes the report that comes with another result, which is there without it; a remark says what became of it."""
    from textgraft import charts
    from textgraft.cli.console import remark
    from textgraft.report.story_page import write_story
    from textgraft.training import processes

    if processes.rank() > 0:
        return
    if not charts.is_installed():
        remark(f"No report is written; for one, {INSTALL}.")
        return
    try:
        write_story(story(), page)
    except OSError as error:
        remark(f"The report could not be written to {page}: {error.strerror or error}.")
    except TextgraftError as error:
        remark(f"No report is written: {error}")
    else:
        remark(f"The report is in {page}. It holds texts of the data.")
