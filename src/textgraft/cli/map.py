"""``textgraft map``: texts laid out so that similar ones are near each other, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textgraft.cli.options import Json, Runtime, TableOptions
from textgraft.errors import SettingError

if TYPE_CHECKING:
    from textgraft.analysis.map import TextMap
    from textgraft.charts import Picture
    from textgraft.dataset import Dataset
    from textgraft.methods import TextClassifier

PICTURES = (".png", ".svg")
PAGES = (".html", ".htm")
FILE = Path("map.html")


def run(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="[DIR] TABLE", help="A model directory, if there is one, and the table of labelled texts."
        ),
    ],
    reading: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="What to write: .html, .png or .svg.", show_default="map.html"
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="A column to colour by, too, or a colouring of a picture.")
    ] = None,
    density: Annotated[
        bool, typer.Option("--density", help="Of a picture: how dense each label lies, in hexagons.")
    ] = False,
    layout: Annotated[str, typer.Option("--layout", help="umap, pca (faster), or auto.")] = "auto",
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Whose vectors to lay out by: a name, auto, or words for TF-IDF.",
            show_default="the model's own, or auto",
        ),
    ] = None,
    runtime: Runtime = "auto",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the layout, and of a sample.")] = 0,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Leave the texts out, so that the map can be given away.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Draw a map of TABLE by the encoder of the model in DIR, or by one for its language: similar texts are neighbours.

    The page needs nothing else and loads nothing. Points are coloured by label and, with a model, by prediction,
    probability and loss; places where they are dense are named by their typical words.
    """
    from textgraft.analysis.map import map_texts
    from textgraft.artifact import load
    from textgraft.cli.console import present, print_json, remark
    from textgraft.extras import import_scipy
    from textgraft.report.map import HOLDS_TEXTS, map_report, write_map
    from textgraft.wording import counted, source_name

    target = out or (None if as_json else FILE)
    _check(places, target, density)
    import_scipy("Drawing a map")
    model = load(places[0], runtime=runtime) if len(places) == 2 else None
    if model is not None:
        remark(model.notes_)
    data = _read(places[-1], reading, model, by)
    columns = None if by is None or data.groups is None else {by: data.groups.tolist()}
    drawn = map_texts(data, model=model, encoder=encoder, layout=layout, columns=columns, texts=not no_texts, seed=seed)
    content = drawn.to_dict()
    if as_json:
        print_json(content)
    present(map_report(content), quietly=as_json)
    if target is None:
        return
    if target.suffix in PICTURES:
        _picture(drawn, by or "label", density).save(target)
    else:
        write_map(content, f"Map of {counted(len(drawn.points), 'text')} of {source_name(places[-1])}", target)
    remark(f"The map is in {target}.{'' if no_texts else f' {HOLDS_TEXTS}'}")


def _check(places: list[str], target: Path | None, density: bool) -> None:
    """Raises SettingError for what cannot be, before anything is computed."""
    from textgraft.charts.picture import require
    from textgraft.report.html import check_place

    if len(places) > 2:
        raise SettingError(
            f"A map is of one table, after a model directory if there is one; got {len(places)} names: "
            f"{', '.join(places)}."
        )
    check_place(target, "--out")
    if target is not None and target.suffix not in (*PICTURES, *PAGES):
        raise SettingError(f"--out must end in .html, .png or .svg; got {target}.")
    is_picture = target is not None and target.suffix in PICTURES
    if density and not is_picture:
        raise SettingError("--density is for a picture; give --out map.png or map.svg.")
    if is_picture:
        require()


def _read(source: str, reading: TableOptions, model: TextClassifier | None, by: str | None) -> Dataset:
    """The table with the column to colour by, unless that is the name of a colouring."""
    from textgraft.analysis.map import COLOURINGS

    like = None if model is None or reading.text or reading.label else model.fitted_on_.columns
    return reading.read(source, like=like, keys={} if by is None or by in COLOURINGS else {"group": by})


def _picture(drawn: TextMap, by: str, density: bool) -> Picture:
    return drawn.plot_density(by) if density else drawn.plot_map(by)
