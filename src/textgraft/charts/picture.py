"""A picture: a specification, a sentence that says what it shows, and the forms in which it is seen."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from textgraft.errors import SettingError
from textgraft.extras import library
from textgraft.unicode import quoted, said, whole
from textgraft.whole import whole_file

# Colours are variables of the page, so that they follow the reader's setting; where there is no page, these stand.
LIGHT = {
    "paper": "#fdfdfc",
    "ink": "#1d1f23",
    "quiet": "#666b74",
    "rule": "#dcdee2",
    "hair": "#eceef0",
    "accent": "#1f6f5c",
    "second": "#b4561b",
    "third": "#5b5ea6",
}
INK, QUIET, RULE, HAIR, ACCENT, SECOND, THIRD = (f"var(--{name})" for name in list(LIGHT)[1:])
SERIES = (ACCENT, SECOND, THIRD)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
ENDINGS = (".svg", ".png", ".json")
MOST_IN_NAME = 40  # characters of a label in a picture
_VARIABLE = re.compile(r"var\(--(\w+)\)")
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)" ')
_numbers = count()


@dataclass(frozen=True, eq=False)
class Picture:
    """A chart with what is said of it.

    Attributes:
        chart: the Altair chart, to be altered or joined with others.
        about: what it shows, for those who do not see it.
    """

    chart: Any
    about: str

    def specification(self, *, on_page: bool = False) -> dict[str, Any]:
        """Vega-Lite, with the page's variables for colours or, without a page, with colours."""
        content = json.dumps(self.chart.to_dict(validate=False) | {"config": _looks()})
        if not on_page:
            content = _VARIABLE.sub(lambda match: LIGHT[match[1]], content)
        specification: dict[str, Any] = json.loads(content)
        if not on_page:
            specification["background"] = LIGHT["paper"]
            specification["padding"] = 12
        return specification

    def svg(self, *, on_page: bool = False) -> str:
        """An SVG element; of a page it takes the colours, and may shrink with it.

        Raises:
            MissingExtraError: vl-convert is not installed.
        """
        drawn: str = _converter().vegalite_to_svg(self.specification(on_page=on_page))
        number = next(_numbers)  # several stand in one page, and their parts are found by name
        drawn = re.sub(r'((?:id="|url\(#|href="#))', rf"\g<1>p{number}-", drawn)
        drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(self.about)}" ', 1)
        return drawn.replace(' version="1.1"', "", 1)

    def png(self, scale: float = 2.0) -> bytes:
        """A PNG of ``scale`` pixels for each point.

        Raises:
            MissingExtraError: vl-convert is not installed.
        """
        drawn: bytes = _converter().vegalite_to_png(self.specification(), scale=scale)
        return drawn

    def save(self, path: str | Path) -> Path:
        """Writes it as ``.svg``, ``.png`` or, for other tools of Vega-Lite, ``.json``.

        Raises:
            SettingError: another ending.
            OSError: it cannot be written.
        """
        place = Path(path)
        if place.suffix not in ENDINGS:
            raise SettingError(f"A picture is written as {', '.join(ENDINGS)}; {quoted(place.name)} ends otherwise.")
        if place.suffix == ".png":
            content = self.png()
        else:
            content = (self.svg() if place.suffix == ".svg" else json.dumps(self.specification(), indent=1)).encode()
        with whole_file(place) as part:
            part.write_bytes(content)
        return place

    def _repr_html_(self) -> str:
        """For notebooks: the picture itself, which needs no script and no network."""
        return self.svg()


def is_installed() -> bool:
    """Whether pictures can be drawn: the extra ``report`` is there."""
    return all(importlib.util.find_spec(name) is not None for name in ("altair", "vl_convert"))


def require() -> None:
    """Asks for what pictures are drawn with.

    Raises:
        MissingExtraError: it is not installed.
    """
    altair()
    _converter()


def altair() -> Any:
    """The library that specifications are written with; it checks them against their schema in our tests only.

    Raises:
        MissingExtraError: it is not installed.
    """
    return library("altair", "Drawing pictures", "report")


def unchecked() -> Any:
    """A context in which specifications are made without being checked, which takes a tenth of the time."""
    return altair().utils.schemapi.debug_mode(False)


def data(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as the data of a chart."""
    return altair().Data(values=[dict(row) for row in rows])


def field(name: str) -> str:
    """A name as it stands in a picture: what could act is escaped, and what is too long is cut."""
    return said(whole(name), MOST_IN_NAME).replace("\n", " ")


def names(labels: Sequence[str]) -> list[str]:
    """Names that can be told apart, in a picture; those that are cut to the same get their number."""
    short = [field(label) for label in labels]
    return [name if short.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(short)]


def _converter() -> Any:
    return library("vl_convert", "Drawing pictures", "report")


def _looks() -> dict[str, Any]:
    axis = {
        "labelColor": INK,
        "titleColor": QUIET,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": HAIR,
        "domainColor": RULE,
        "tickColor": RULE,
        "titlePadding": 8,
        "labelLimit": 0,  # names are cut by us, since Vega cuts characters in half
        "labelFlush": False,
    }
    legend = {
        "labelColor": INK,
        "titleColor": QUIET,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 0,
    }
    return {
        "background": None,
        "font": FONT,
        "padding": 2,
        "view": {"stroke": None},
        "axis": axis,
        "legend": legend | {"orient": "top", "symbolOpacity": 1, "offset": 6},
        "range": {"category": list(SERIES)},
    }
