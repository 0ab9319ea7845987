"""Where a classifier is wrong: every text with its loss, what the wrong ones have in common, and what is near them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.analysis.nearest import SimilarTexts
from textgraft.analysis.one_word import find_pairs
from textgraft.analysis.phrases import Phrases, find_phrases
from textgraft.analysis.rows import log_losses
from textgraft.analysis.slices import Feature, Slices, error_rate, find_slices
from textgraft.analysis.tags import (
    Tag,
    column_features,
    label_features,
    language_feature,
    length_tags,
    rare_words,
)
from textgraft.data.duplicates import Duplicates, find_duplicates
from textgraft.dataset import Dataset
from textgraft.evaluation import Interval
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.evaluating import Evaluated, check_size, predictions_of
from textgraft.methods import FeatureClassifier, TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.task import Task
from textgraft.unicode import shortened
from textgraft.wording import counted

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

NEAR_BORDER = 0.1  # between the two most probable labels; of several labels, between a label and its threshold
NEIGHBOURS = 5
MOST_ROWS, LOWEST = 1_000, 20
MOST_OF_TEXT = 500


@dataclass(frozen=True)
class SimilarText:
    """A training text that is like another: where it stands, its labels, how similar it is (a cosine)."""

    where: str
    text: str
    labels: tuple[str, ...]
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**vars(self), "labels": list(self.labels), "text": shortened(self.text, MOST_OF_TEXT)}


@dataclass(frozen=True)
class RowResult:
    """One text and what became of it.

    Attributes:
        row: its place in the data.
        file: where it came from.
        number: its number there.
        text: of it.
        given: its labels.
        predicted: those that the model gives.
        probabilities: of these labels.
        loss: the log loss; of several labels their mean.
        wrong: whether any label is.
        tags: what holds for it.
        values: of the columns that were looked at.
        nearest: training texts, the most similar first; empty where no training table is given.
    """

    row: int
    file: str
    number: int
    text: str
    given: tuple[str, ...]
    predicted: tuple[str, ...]
    probabilities: Mapping[str, float]
    loss: float
    wrong: bool
    tags: tuple[str, ...]
    values: Mapping[str, str]
    nearest: tuple[SimilarText, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; the text is cut to 500 characters."""
        lists = {name: list(getattr(self, name)) for name in ("given", "predicted", "tags")}
        dicts = {"probabilities": dict(self.probabilities), "values": dict(self.values)}
        nearest = [text.to_dict() for text in self.nearest]
        return {**vars(self), **lists, **dicts, "text": shortened(self.text, MOST_OF_TEXT), "nearest": nearest}


@dataclass(frozen=True)
class Tagged:
    """How often rows with a tag are wrong, and the others: two rates, untested."""

    name: str
    meaning: str
    rows: int
    wrong: int
    rate: Interval
    elsewhere: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**vars(self), "rate": self.rate.to_dict(), "elsewhere": self.elsewhere.to_dict()}


@dataclass(frozen=True)
class OneWord:
    """Two rows that differ in one word and are given different labels."""

    first: RowResult
    second: RowResult
    word: str
    other: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {**vars(self), "first": self.first.to_dict(), "second": self.second.to_dict()}


@dataclass(frozen=True)
class Errors:
    """What ``find_errors`` found.

    Attributes:
        task: the labels.
        rows: n.
        wrong: how many are wrong in any label.
        rate: the share of these, with its interval.
        tags: how often rows with each tag are wrong.
        slices: where errors are measurably more frequent.
        phrases: words that errors have in common.
        pairs: texts that differ in one word and in their answer.
        highest: the rows with the highest losses, at most 1,000.
        lowest: those with the lowest.
        notes: sentences about what was looked at.
    """

    task: Task
    rows: int
    wrong: int
    rate: Interval
    tags: tuple[Tagged, ...]
    slices: Slices
    phrases: Phrases
    pairs: tuple[OneWord, ...]
    highest: tuple[RowResult, ...]
    lowest: tuple[RowResult, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        listed = {
            name: [each.to_dict() for each in getattr(self, name)] for name in ("tags", "pairs", "highest", "lowest")
        }
        return {
            "task": {"labels": list(self.task.labels), "multi_label": self.task.multi_label},
            "rows": self.rows,
            "wrong": self.wrong,
            "rate": self.rate.to_dict(),
            "slices": self.slices.to_dict(),
            "phrases": self.phrases.to_dict(),
            **listed,
            "notes": list(self.notes),
        }


def find_errors(
    model: TextClassifier,
    data: Data | Evaluated,
    labels: Labels | None = None,
    *,
    train: Dataset | None = None,
    by: Sequence[str] = (),
    most: int = MOST_ROWS,
    seed: int = 0,
    duplicates: Duplicates | None = None,
) -> Errors:
    """Looks at the rows that a model gets wrong.

    Slices and phrases are tested on one row of each text: near copies are right or wrong together, and would pass for
    evidence. What only a prediction tells, such as that a row is near the border, is a tag but makes no slices.

    Args:
        model: a fitted classifier.
        data: rows that it was not trained on, as for ``evaluate``, or what they came to already; a Dataset that was
            read with ``keep_cells`` has the columns that slices are looked for in.
        labels: of the texts.
        train: what the model was trained on, among which similar texts are looked up.
        by: columns that slices are looked for in; all that make groups of rows where none is named.
        most: how many rows of the highest losses to give.
        seed: of the tests.
        duplicates: of the texts, where they are known; None looks for them.

    Raises:
        DataError: ``data`` has a label that the model does not know, or a column of ``by`` makes no groups.
    """
    check_fitted(model)
    if isinstance(data, Evaluated):
        predictions, data = data.predictions, data.data
    else:
        data = as_dataset(data, labels, who="find_errors", task=model.task_, merged=model.fitted_on_.merged)
        check_size(len(data), len(data.task))
        predictions = predictions_of(model, data)
    p = predictions.probabilities
    truth, predicted = np.asarray(data.label_sets), _matrix(model.decision.targets(p, data.task), data.task)
    wrong = (truth != predicted).any(axis=1)
    losses = log_losses(predictions)
    copies = duplicates or find_duplicates(data.texts)
    columns = column_features(data, by)
    before, features = _before(model, data, train, copies.near)
    order = np.argsort(-losses, kind="stable")
    shown = np.concatenate((order[:most], order[most:][::-1][:LOWEST]))
    neighbours, disagree = _neighbours(model, data, train, shown, predicted)
    tags = [*before, *_after(model, data, p, copies.folded, truth), *([disagree] if disagree else [])]
    _, first = np.unique(copies.near, return_index=True)
    tested = [_at(feature, first) for feature in (*features, *columns)]
    strata = (
        np.zeros(len(first), np.int64)
        if data.task.multi_label
        else np.unique(truth[first].argmax(axis=1), return_inverse=True)[1]
    )
    rows = _Rows(data, p, truth, predicted, losses, wrong, tags, columns, neighbours)
    pairs = find_pairs(data.texts, np.unique(predicted, axis=0, return_inverse=True)[1].ravel())
    notes = []
    if len(first) < len(data):
        n = len(data) - len(first)
        notes.append(
            f"{counted(n, 'row')} {'is a copy or near copy' if n == 1 else 'are copies or near copies'} of others; "
            "slices and phrases are looked for in one row of each text."
        )
    return Errors(
        task=data.task,
        rows=len(data),
        wrong=int(wrong.sum()),
        rate=error_rate(wrong),
        tags=tuple(_tagged(tag, wrong) for tag in tags),
        slices=find_slices(wrong[first], tested, seed=seed),
        phrases=find_phrases([data.texts[i] for i in first.tolist()], wrong[first], strata, seed=seed),
        pairs=tuple(OneWord(rows(pair.first), rows(pair.second), pair.word, pair.other) for pair in pairs),
        highest=tuple(map(rows, order[:most].tolist())),
        lowest=tuple(map(rows, order[::-1][:LOWEST].tolist())),
        notes=tuple(notes),
    )


def _matrix(targets: NDArray[Any], task: Task) -> Flags:
    return targets if task.multi_label else targets[:, None] == np.arange(len(task))


def _before(
    model: TextClassifier, data: Dataset, train: Dataset | None, near: Places
) -> tuple[list[Tag], list[Feature]]:
    """What is known of rows before they are predicted: tags, and features to look for slices in."""
    tags, features = length_tags(data.texts)
    rare = rare_words(data.texts, model.known_words, None if train is None else train.texts)
    copied = np.bincount(near)[near] > 1
    more = [rare] if rare else []
    if copied.any():
        more.append(Tag("near copy", "another row has nearly the same text", copied))
    features += [Feature(tag.name, ("yes",), np.where(tag.rows, 0, -1)) for tag in more]
    language = language_feature(data.texts)
    if language is not None:
        features.append(language)
        for code, name in enumerate(language.values[1:], start=1):  # the first is what most are in
            more.append(Tag(f"language: {name}", f"the text is in {name}", language.codes == code))
    return [*tags, *more], [*features, *label_features(data)]


def _after(model: TextClassifier, data: Dataset, p: NDArray[np.float32], folded: Places, truth: Flags) -> list[Tag]:
    """What predictions, labels and the model's memory say of rows."""
    if data.task.multi_label:
        margin = np.abs(p - model.thresholds_).min(axis=1)
        meaning = f"a label is within {NEAR_BORDER:g} of its threshold"
    else:
        top = np.sort(p, axis=1)[:, -2:]
        margin = top[:, 1] - top[:, 0]
        meaning = f"the two most probable labels are within {NEAR_BORDER:g}"
    tags = [Tag("near the border", meaning, margin < NEAR_BORDER)]
    groups, first = np.unique(folded, return_index=True)
    other = (truth != truth[first[np.searchsorted(groups, folded)]]).any(axis=1)
    tags.append(
        Tag("label in conflict", "the same text stands here under other labels", np.isin(folded, folded[other]))
    )
    if model.seen_ is not None:
        trained, chosen, _ = model.seen_.find(data.texts)
        tags.append(Tag("seen in training", "the model was trained or chosen on this text", trained | chosen))
    return [tag for tag in tags if tag.rows.any()]


def _neighbours(
    model: TextClassifier, data: Dataset, train: Dataset | None, shown: Places, predicted: Flags
) -> tuple[dict[int, tuple[SimilarText, ...]], Tag | None]:
    """The nearest training texts of the rows that are shown, and where they speak against the prediction.

    By the model's own vectors where it keeps them, and then for all rows; else by the words that texts share.
    """
    labels = data.task.labels
    found: dict[int, tuple[SimilarText, ...]] = {}
    against = np.zeros(len(data), np.bool_)
    if isinstance(model, FeatureClassifier) and model.head_.kept is not None:
        same = train is not None and train.fingerprint == model.fitted_on_.fingerprint
        near = model.neighbours(data.texts, NEIGHBOURS)
        for row, each in enumerate(near):
            names = {labels[j] for j in np.flatnonzero(predicted[row]).tolist()}
            against[row] = 2 * sum(set(one.labels) == names for one in each) < len(each)
        if train is not None and same:
            for row in shown.tolist():
                found[row] = tuple(
                    SimilarText(train.rows.name(one.row), train.texts[one.row], one.labels, one.similarity)
                    for one in near[row]
                )
    if train is not None and not found:
        places, cosines = SimilarTexts(train.texts).nearest([data.texts[i] for i in shown.tolist()], NEIGHBOURS)
        for row, at, near_by in zip(shown.tolist(), places.tolist(), cosines.tolist(), strict=True):
            found[row] = tuple(_similar(train, i, cosine) for i, cosine in zip(at, near_by, strict=True) if cosine > 0)
    tag = Tag("neighbours disagree", f"most of the {NEIGHBOURS} nearest training texts have other labels", against)
    return found, tag if against.any() else None


def _similar(train: Dataset, i: int, cosine: float) -> SimilarText:
    names = tuple(train.task.labels[j] for j in train.label_sets.row(i).tolist())
    return SimilarText(train.rows.name(i), train.texts[i], names, min(1.0, cosine))


def _at(feature: Feature, rows: Places) -> Feature:
    return Feature(feature.name, feature.values, feature.codes[rows], feature.about)


def _tagged(tag: Tag, wrong: Flags) -> Tagged:
    held = wrong[tag.rows]
    return Tagged(tag.name, tag.meaning, len(held), int(held.sum()), error_rate(held), error_rate(wrong[~tag.rows]))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Makes a ``RowResult`` of a row."""

    data: Dataset
    p: NDArray[np.float32]
    truth: Flags
    predicted: Flags
    losses: NDArray[np.float64]
    wrong: Flags
    tags: Sequence[Tag]
    columns: Sequence[Feature]
    neighbours: Mapping[int, tuple[SimilarText, ...]]

    def __call__(self, i: int) -> RowResult:
        data, labels = self.data, self.data.task.labels
        given, predicted = np.flatnonzero(self.truth[i]).tolist(), np.flatnonzero(self.predicted[i]).tolist()
        return RowResult(
            row=i,
            file=data.rows.files[data.rows.file[i]],
            number=int(data.rows.number[i]),
            text=data.texts[i],
            given=tuple(labels[j] for j in given),
            predicted=tuple(labels[j] for j in predicted),
            probabilities={labels[j]: float(self.p[i, j]) for j in dict.fromkeys((*predicted, *given))},
            loss=float(self.losses[i]),
            wrong=bool(self.wrong[i]),
            tags=tuple(tag.name for tag in self.tags if tag.rows[i]),
            values={each.name: each.values[each.codes[i]] for each in self.columns if each.codes[i] >= 0},
            nearest=self.neighbours.get(i, ()),
        )
