"""A map of texts: those with similar vectors near each other, with what is known of each, and its hills named."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft import charts
from textgraft.analysis import layout as layouts
from textgraft.analysis.hills import hills, typical_words
from textgraft.analysis.layout import LAYOUTS, Floats, to_unit_square
from textgraft.analysis.rows import cut_to_fit, log_losses
from textgraft.analysis.text_vectors import TextVectors, own_vectors, text_vectors
from textgraft.charts import Picture
from textgraft.dataset import Dataset
from textgraft.decision import confidence
from textgraft.errors import DataError, SettingError, did_you_mean
from textgraft.evaluation.inputs import Predictions
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.evaluating import predictions_of
from textgraft.methods import TextClassifier
from textgraft.unicode import quoted, shown, whole
from textgraft.wording import counted

MOST_POINTS: Final = 20_000
LONGEST: Final = 200  # characters of a text
AUTO: Final = "auto"
MOST_CATEGORIES: Final = 30  # that are told apart; what is rarer is one
FEW_NUMBERS: Final = 12  # of which each is a category
NONE: Final = "(none)"
COLOURINGS: Final = ("label", "predicted", "right", "probability", "loss")


@dataclass(frozen=True, eq=False)
class Colouring:
    """What points can be coloured by.

    Attributes:
        values: (n,) numbers, NaN where there is none; or places in ``categories``.
        categories: the most frequent first; empty of numbers.
    """

    values: NDArray[Any]
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: Sequence[Any]) -> Colouring:
        """Numbers where all cells are numbers or missing and more than 12 differ, else categories."""
        missing = [cell is None or (isinstance(cell, float) and math.isnan(cell)) for cell in cells]
        try:
            numbers = np.array([math.nan if no else float(cell) for cell, no in zip(cells, missing, strict=True)])
            if len(set(cells)) > FEW_NUMBERS and not np.isinf(numbers).any():
                return cls(numbers)
        except (TypeError, ValueError):
            pass
        return cls.named([NONE if no else str(cell) for cell, no in zip(cells, missing, strict=True)])

    @classmethod
    def named(cls, names: Sequence[str]) -> Colouring:
        """Categories by name; the 30 most frequent are told apart."""
        kept = [name for name, _ in Counter(names).most_common(MOST_CATEGORIES)]
        more = len(set(names)) - len(kept)
        place = {name: i for i, name in enumerate(kept)}
        values = np.array([place.get(name, len(kept)) for name in names], np.int64)
        shown_names = [shown(whole(name)) for name in kept]
        return cls(values, (*shown_names, *([f"({more:,} others)"] if more else [])))


@dataclass(frozen=True)
class Hill:
    """A region where points are dense.

    Attributes:
        words: typical of its texts, the most typical first; none where none is measurably so.
        rows: how many points.
        x, y: the middle of them.
    """

    words: tuple[str, ...]
    rows: int
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class TextMap:
    """Texts in two dimensions.

    Attributes:
        points: (n, 2) float32 from 0 to 1.
        data: the n rows, those of the table or a sample of them.
        of: how many rows the table has.
        layout: ``"umap"`` or ``"pca"``.
        vectors: what they are laid out by.
        colourings: by name, ``"label"`` first.
        hill: (n,) the place of each point's hill in ``hills``, or -1.
        hills: the one with most points first.
        holds_texts: whether its plain data may hold texts.
        notes: sentences about how it came.
    """

    points: Floats
    data: Dataset
    of: int
    layout: str
    vectors: str
    colourings: Mapping[str, Colouring]
    hill: NDArray[np.int64]
    hills: tuple[Hill, ...]
    holds_texts: bool = True
    notes: tuple[str, ...] = field(default=())

    @property
    def about(self) -> str:
        """How it was made, in one sentence."""
        way = {"umap": "UMAP, which keeps neighbours together", "pca": "the two main directions (PCA)"}[self.layout]
        rows = counted(self.of, "row")
        drawn = f"a random sample of {len(self.points):,} of {rows}" if self.of > len(self.points) else rows
        return f"{drawn[0].upper()}{drawn[1:]}, laid out by {self.vectors} and {way}."

    def plot_map(self, by: str = "label") -> Picture:
        """Every point, coloured.

        Args:
            by: a name in ``colourings``.

        Raises:
            SettingError: there is no such name.
            MissingExtraError: the extra ``report`` is not installed.
        """
        colouring = self._colouring(by)
        names = [hill.words[:3] for hill in self.hills]
        places = [(", ".join(words), hill.x, hill.y) for words, hill in zip(names, self.hills, strict=True) if words]
        return charts.scatter(
            self.points.tolist(), colouring.values.tolist(), colouring.categories, by, self._texts(), places
        )

    def plot_density(self, by: str = "label") -> Picture:
        """How dense the points of each category lie, in hexagons, one picture beside the other.

        Raises:
            SettingError: there is no such name, or it is of numbers.
            MissingExtraError: the extra ``report`` is not installed.
        """
        colouring = self._categories(by)
        return charts.density(self.points, colouring.values, colouring.categories)

    def hexagons(self, by: str = "label") -> list[dict[str, Any]]:
        """The numbers behind ``plot_density``: the ``name`` of a category, the middle of a hexagon and its ``rows``.

        Raises:
            SettingError: there is no such name, or it is of numbers.
        """
        colouring = self._categories(by)
        found = charts.hexagon_counts(self.points, colouring.values, colouring.categories)
        return [{"name": name, "x": x, "y": y, "rows": rows} for name, x, y, rows in found]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and for a page; texts are cut to 200 characters."""
        rows = self.data.rows
        return {
            "about": self.about,
            "layout": self.layout,
            "vectors": self.vectors,
            "of": self.of,
            "notes": list(self.notes),
            "has_texts": self.holds_texts,
            "points": [[round(x, 4), round(y, 4)] for x, y in self.points.tolist()],
            "texts": self._texts(),
            "lengths": list(map(len, self.data.texts)),
            "files": list(map(shown, rows.files)),
            "file": rows.file.tolist(),
            "number": rows.number.tolist(),
            "colourings": [
                {
                    "name": name,
                    "categories": list(each.categories),
                    "values": each.values.tolist() if each.categories else list(map(_rounded, each.values.tolist())),
                }
                for name, each in self.colourings.items()
            ],
            "hill": self.hill.tolist(),
            "hills": [vars(each) | {"words": list(each.words)} for each in self.hills],
        }

    def _texts(self) -> list[str]:
        if not self.holds_texts:
            return [""] * len(self.points)
        return cut_to_fit([shown(whole(text)) for text in self.data.texts], longest=LONGEST)

    def _categories(self, by: str) -> Colouring:
        colouring = self._colouring(by)
        if not colouring.categories:
            raise SettingError(f"{quoted(by)} is numbers, and densities are of categories; take plot_map (map.png).")
        return colouring

    def _colouring(self, by: str) -> Colouring:
        if by not in self.colourings:
            raise SettingError(
                f"The map has no {quoted(by)} to colour by; it has {', '.join(map(quoted, self.colourings))}."
                f"{did_you_mean(by, self.colourings)}"
            )
        return self.colourings[by]

    def _repr_html_(self) -> str:
        """For notebooks: the picture, where pictures can be drawn."""
        return self.plot_map().svg() if charts.is_installed() else ""


def map_texts(
    data: Data,
    labels: Labels | None = None,
    *,
    model: TextClassifier | None = None,
    encoder: str | None = None,
    vectors: ArrayLike | None = None,
    layout: str = AUTO,
    columns: Mapping[str, Sequence[Any]] | None = None,
    texts: bool = True,
    seed: int = 0,
) -> TextMap:
    """Lays texts out so that similar ones are near each other. Of more than 20,000 a random sample is.

    Args:
        data: labelled texts, as ``evaluate`` takes them.
        labels: of the texts.
        model: a fitted classifier: texts are laid out by its own encoder, and can be coloured by what it predicts.
        encoder: see ``text_vectors``.
        vectors: (n, w) vectors of your own, by which texts are laid out in place of an encoder's.
        layout: ``"umap"``, ``"pca"``, or ``"auto"``: UMAP where it is installed and there are 45 rows.
        columns: n values each, by which points can be coloured too.
        texts: whether its plain data may hold texts, and words of them.
        seed: of the sample and the layout: the same seed gives the same map.

    Raises:
        DataError: fewer than three rows, columns of another length, or vectors that are no finite numbers for each row;
            or see ``evaluate``.
        SettingError: an unknown layout, or vectors and an encoder.
        EncoderError: the encoder is not there or is damaged.
        MissingExtraError: UMAP is asked for and not installed, or SciPy is not.
    """
    if layout not in (*LAYOUTS, AUTO):
        raise SettingError(f"layout (--layout) must be one of {', '.join((*LAYOUTS, AUTO))}; got {quoted(layout)}.")
    task, merged = (None, ()) if model is None else (model.task_, model.fitted_on_.merged)
    rows = as_dataset(data, labels, who="map_texts", task=task, merged=merged)
    if len(rows) < 3:
        raise DataError(f"A map is of at least three texts; got {counted(len(rows), 'text')}.")
    for name, values in (columns or {}).items():
        if len(values) != len(rows):
            raise DataError(f"Column {quoted(name)} has {len(values):,} values for {counted(len(rows), 'text')}.")
    given = None if vectors is None else _own_vectors(vectors, len(rows), encoder)
    of = len(rows)
    at = np.arange(of)
    if of > MOST_POINTS:
        at = np.sort(np.random.default_rng(seed).choice(of, MOST_POINTS, replace=False))
        rows = rows.select(at)
    found = text_vectors(rows.texts, model, encoder, seed) if given is None else own_vectors(given[at])
    known = {"label": Colouring.named(_names(rows, np.asarray(rows.targets)))}
    if model is not None:
        known |= _answers(rows, predictions_of(model, replace(rows, groups=None)))
    known |= {name: Colouring.of([values[i] for i in at.tolist()]) for name, values in (columns or {}).items()}
    return _mapped(rows, of, found, known, layout, texts=texts, seed=seed)


def _own_vectors(vectors: ArrayLike, rows: int, encoder: str | None) -> Floats:
    """The vectors of so many rows, checked."""
    if encoder is not None:
        raise SettingError("Texts are laid out by vectors or by an encoder; give one of vectors= and encoder=.")
    given = np.asarray(vectors)
    if given.shape[:1] != (rows,) or given.ndim != 2 or not given.shape[1] or given.dtype.kind not in "biuf":
        raise DataError(
            f"vectors must be a row of numbers for each of {counted(rows, 'text')}; got shape {given.shape} of "
            f"{given.dtype}."
        )
    if not np.isfinite(given).all():
        raise DataError("vectors hold numbers that are not finite (NaN or infinity); no text can be placed by these.")
    return given.astype(np.float32)


def map_answers(model: TextClassifier, data: Dataset, predictions: Predictions, *, texts: bool) -> TextMap:
    """As ``map_texts``, of n rows that a model has answered already.

    Raises:
        EncoderError, MissingExtraError: see ``map_texts``.
    """
    found = text_vectors(data.texts, model)
    known = {"label": Colouring.named(_names(data, np.asarray(data.targets)))} | _answers(data, predictions)
    return _mapped(data, len(data), found, known, AUTO, texts=texts, seed=0)


def _mapped(
    rows: Dataset, of: int, found: TextVectors, known: Mapping[str, Colouring], layout: str, *, texts: bool, seed: int
) -> TextMap:
    points, way, notes = _laid_out(found.values, layout, seed)
    hill = hills(points)
    names = typical_words(rows.texts, hill) if texts else [()] * (int(hill.max()) + 1)
    named = tuple(_hill(points[hill == i], words) for i, words in enumerate(names))
    return TextMap(points, rows, of, way, found.of, known, hill, named, texts, (*found.notes, *notes))


def _laid_out(vectors: Floats, layout: str, seed: int) -> tuple[Floats, str, tuple[str, ...]]:
    """The points, by which layout, and why by another than was asked for."""
    notes: tuple[str, ...] = ()
    if len(vectors) < layouts.FEWEST and layout != "pca":
        layout = "pca"
        notes = (f"UMAP is for {layouts.FEWEST} texts and more; these are laid out by PCA.",)
    elif layout == AUTO:
        layout = "umap" if importlib.util.find_spec("umap") else "pca"
        if layout == "pca":
            notes = ('Laid out by PCA; UMAP shows more, and comes with pip install "textgraft[map]".',)
    if layout == "umap" and np.ptp(vectors, axis=0).any():
        points = layouts.umap(vectors, seed)
    else:
        points = layouts.principal_components(vectors, 2)
    return to_unit_square(points), layout, notes


def _answers(data: Dataset, predictions: Predictions) -> dict[str, Colouring]:
    """What rows can be coloured by, of what a model says of them."""
    sure = confidence(predictions.probabilities, predictions.predicted)
    right = (predictions.predicted == predictions.targets).reshape(len(data), -1).all(axis=1)
    return {
        "predicted": Colouring.named(_names(data, predictions.predicted)),
        "right": Colouring.named(np.where(right, "right", "wrong").tolist()),
        "probability": Colouring(sure.astype(np.float64)),
        "loss": Colouring(log_losses(predictions)),
    }


def _names(data: Dataset, targets: NDArray[Any]) -> list[str]:
    """The label of each row; of several labels all, in one name."""
    labels = data.task.labels
    if not data.task.multi_label:
        return [labels[i] for i in targets.tolist()]
    return [" + ".join(labels[i] for i in np.flatnonzero(row)) or "no label" for row in targets]


def _hill(points: Floats, words: tuple[str, ...]) -> Hill:
    x, y = np.median(points, axis=0).tolist()
    return Hill(words, len(points), round(x, 4), round(y, 4))


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.4g}")
