"""Which labels of a table look wrong, by models that were not trained on them, by similar texts and by copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.analysis.confident import confident_joint, given_rates, right_chances, two_sided
from textgraft.analysis.nearest import SimilarTexts
from textgraft.data.duplicates import find_duplicates
from textgraft.data.folds import make_folds
from textgraft.dataset import Dataset
from textgraft.errors import SettingError
from textgraft.evaluation import Interval
from textgraft.evaluation.proportions import share_ends
from textgraft.given import Data, Labels, as_dataset
from textgraft.ladder.cross_validating import out_of_fold
from textgraft.methods import NgramClassifier, TextClassifier
from textgraft.task import Task
from textgraft.unicode import shortened

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

FOLDS = 5
NEIGHBOURS = 20
MOST_COSINES = 500_000_000  # which take about a minute; in larger tables only the likeliest errors are looked up
FEWEST_LOOKED_UP = 1_000
# Of several labels each is judged, and many hardly can be told: at one half, 65 % of the rows of SemEval are suspected.
DOUBTED = 0.2
PRIOR_VOTE = 0.05  # that neighbours begin with, shared by all labels: votes of texts that are hardly alike say nothing
MOST_OF_TEXT = 500
MOST_COPIES = 3


@dataclass(frozen=True)
class Suspect:
    """A row whose label looks wrong.

    Attributes:
        row: its place in the data.
        file: where it came from.
        number: its number there.
        text: of it.
        given: the labels that it carries.
        suggested: those that it is likelier to be of.
        chance: see ``right_chances``; of several labels that of the least likely one.
        similar: of its most similar texts, how many carry the given labels, and how many the suggested ones.
        compared: how many similar texts there were; 0 where none were looked up.
        copies: rows of the same text, but for case and blanks, with other labels, such as ``"reviews.csv row 12"``.
    """

    row: int
    file: str
    number: int
    text: str
    given: tuple[str, ...]
    suggested: tuple[str, ...]
    chance: float
    similar: tuple[int, int]
    compared: int
    copies: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; the text is cut to 500 characters."""
        lists = {name: list(getattr(self, name)) for name in ("given", "suggested", "similar", "copies")}
        return {**vars(self), **lists, "text": shortened(self.text, MOST_OF_TEXT)}


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """What ``find_label_errors`` found.

    Attributes:
        task: the labels.
        method: what predicted the rows out of fold.
        folds: how many; 0 where a model that was trained on other rows predicted these.
        rows: n.
        suspects: the likeliest errors first.
        share: of suspected rows, with its interval over rows.
        estimated: how many labels confident learning takes for wrong; texts that are hard to tell count among them.
        moves: how often which label is given in place of which, as suspected, the most frequent first.
        counts: (k,) how many rows are given each label.
        conflicts: how many rows have copies with other labels.
        chances: (n,) see ``right_chances``.
        order: (n,) all rows, the likeliest errors first.
    """

    task: Task
    method: str
    folds: int
    rows: int
    suspects: tuple[Suspect, ...]
    share: Interval
    estimated: float
    moves: tuple[tuple[str, str, int], ...]
    counts: tuple[int, ...]
    conflicts: int
    chances: Floats
    order: Places

    def to_dict(self, most: int = 1_000) -> dict[str, Any]:
        """Plain JSON data, of at most so many suspects."""
        by_label = Counter(name for suspect in self.suspects for name in suspect.given)
        labels = zip(self.task.labels, self.counts, strict=True)
        return {
            "task": {"labels": list(self.task.labels), "multi_label": self.task.multi_label},
            "method": self.method,
            "folds": self.folds,
            "rows": self.rows,
            "suspected": len(self.suspects),
            "share": self.share.to_dict(),
            "estimated": self.estimated,
            "conflicts": self.conflicts,
            "labels": [{"label": name, "rows": n, "suspected": by_label[name]} for name, n in labels],
            "moves": [{"given": given, "suggested": other, "rows": n} for given, other, n in self.moves],
            "suspects": [suspect.to_dict() for suspect in self.suspects[:most]],
        }


def find_label_errors(
    data: Data,
    labels: Labels | None = None,
    *,
    model: TextClassifier | None = None,
    probabilities: ArrayLike | None = None,
    folds: int | None = None,
    seed: int = 0,
) -> LabelErrors:
    """Ranks the rows of a table by how likely their labels are wrong.

    Each row is predicted by models that were trained on other rows; copies and near copies are left out of training
    together. A row is suspected where another label is likelier than the given one (``confident.right_chances``), or
    where a copy of its text carries a label that is likelier right. Several labels are judged one by one, each with a
    higher bar.

    Args:
        data: the table, or n texts.
        labels: of texts.
        model: what predicts, unfitted; None is n-grams, which are quick.
        probabilities: (n, k) of each text and label, by a model that was not trained on these texts, such as
            ``model.predict_proba(texts)``; labels in the order of the data's task. Nothing is trained then.
        folds: how many; None is 5, or fewer where there are fewer rows that may stand apart.
        seed: of the folds.

    Raises:
        DataError: there are too few rows or labels to learn from.
        SettingError: ``folds`` is not a whole number of at least 2; ``probabilities`` of another shape, not from 0 to
            1, or beside a model or folds that they make needless.
    """
    data = as_dataset(data, labels, who="find_label_errors")
    if probabilities is not None:
        if model is not None or folds is not None:
            raise SettingError("probabilities are predicted already; leave out model and folds, or probabilities.")
        return judge_labels(data, _checked(probabilities, data), method="given probabilities")
    model = NgramClassifier(seed=seed) if model is None else model
    divided = make_folds(data, folds, most=FOLDS, seed=seed)
    predictions = out_of_fold(model, data, divided)
    p = predictions.probabilities[: len(data)]
    return judge_labels(data, p, method=model.method, folds=divided.k)


def _checked(probabilities: ArrayLike, data: Dataset) -> Floats:
    """The probabilities as an array, if they go with the data."""
    p = np.asarray(probabilities, np.float32)
    wanted = (len(data), len(data.task))
    if p.shape != wanted:
        raise SettingError(f"probabilities must be {wanted[0]:,} texts by {wanted[1]:,} labels; got {p.shape}.")
    if not ((p >= 0) & (p <= 1)).all():
        raise SettingError("probabilities must be from 0 to 1, as predict_proba gives them.")
    return p


def judge_labels(
    data: Dataset, probabilities: Floats, *, method: str, folds: int = 0, most_compared: int | None = None
) -> LabelErrors:
    """As ``find_label_errors``, from (n, k) probabilities that ``method`` predicted of rows that it was not trained on.

    Args:
        data: n rows.
        probabilities: (n, k), out of fold or by a model that was trained on other rows.
        method: what predicted them.
        folds: how many; 0 where a model was trained on other rows.
        most_compared: how many of the likeliest errors are compared with similar texts; None is as many as take about a
            minute.
    """
    judged = _Judged(data, probabilities)
    order, compared = judged.ranked(most_compared)
    duplicates = find_duplicates(data.texts, near=False).folded
    copies = _in_conflict(duplicates, judged.carried)
    suggested = judged.carried ^ judged.doubted
    best = _best_copies(duplicates, copies, judged.chances)
    led = copies & ~judged.doubted.any(axis=1) & (judged.carried != judged.carried[best]).any(axis=1)
    suggested[led] = judged.carried[best[led]]
    wrong = (suggested != judged.carried).any(axis=1)
    suspects = tuple(_suspects(data, judged, suggested, order[wrong[order]], compared, duplicates, copies))
    ends = share_ends(len(suspects), len(data))
    moves = Counter((", ".join(s.given), ", ".join(s.suggested)) for s in suspects)
    if data.task.multi_label:
        moves = Counter(move for s in suspects for move in _changes(s))
    return LabelErrors(
        task=data.task,
        method=method,
        folds=folds,
        rows=len(data),
        suspects=suspects,
        share=Interval(len(suspects) / len(data), float(ends[0]), float(ends[1])),
        estimated=judged.estimated,
        moves=tuple((given, other, n) for (given, other), n in moves.most_common(50)),
        counts=tuple(data.counts.tolist()),
        conflicts=int(copies.sum()),
        chances=judged.chances,
        order=order,
    )


class _Judged:
    """What is thought of the labels of each row; of several labels each is one that is carried or not.

    Attributes:
        carried: (n, k) bool, which labels the rows carry.
        doubted: (n, k) bool, which of these entries should be turned.
        chances: (n,) how likely the labels are right, the least likely one of several.
        similar: (m, 20) places of texts that are similar to the m rows that were looked up.
        estimated: see ``LabelErrors``.
    """

    def __init__(self, data: Dataset, probabilities: Floats) -> None:
        self._data, self._p = data, probabilities
        self.carried: Flags = np.asarray(data.label_sets)
        self.doubted = np.zeros_like(self.carried)
        self.chances = np.ones(len(data), np.float32)
        self.similar = np.zeros((0, 0), np.int64)
        sides = list(self._sides(np.arange(len(data))))
        self.estimated = float(sum(confident_joint(p, given).wrong for _, p, given in sides))
        self._rates = [given_rates(p, given) for _, p, given in sides]
        self._judge(np.arange(len(data)), None)

    def ranked(self, most: int | None = None) -> tuple[Places, Places]:
        """Looks up what is similar to the likeliest errors, so many at ``most``, and judges these anew.

        Returns:
            (n,) all rows, the likeliest errors first; and (m,) the rows that were looked up, ascending.
        """
        n = len(self._data)
        order = np.argsort(self.chances, kind="stable")
        looked_up = np.sort(order[: most or max(FEWEST_LOOKED_UP, MOST_COSINES // n)])
        self.similar, cosines = SimilarTexts(self._data.texts).others(looked_up, NEIGHBOURS)
        self._judge(looked_up, self._votes(cosines))
        others = np.setdiff1d(order, looked_up)
        first = looked_up[np.argsort(self.chances[looked_up], kind="stable")]
        return np.concatenate((first, others[np.argsort(self.chances[others], kind="stable")])), looked_up

    def _votes(self, cosines: Floats) -> Floats:
        """(m, k) the shares of the labels among similar texts, by the squares of their cosines."""
        weights = np.maximum(cosines, 0) ** 2
        labels = 2 if self._data.task.multi_label else len(self._data.task)
        votes = np.empty((len(cosines), self.carried.shape[1]), np.float32)
        for j in range(votes.shape[1]):
            votes[:, j] = (weights * self.carried[:, j][self.similar]).sum(axis=1)
        total = weights.sum(axis=1, keepdims=True) + PRIOR_VOTE
        return np.asarray((votes + PRIOR_VOTE / labels) / total, np.float32)

    def _sides(self, rows: Places) -> Iterator[tuple[int, Floats, Places]]:
        """What is judged at once, with its place: the one label of each row, or each of several labels."""
        if not self._data.task.multi_label:
            yield 0, self._p[rows] if len(rows) < len(self._p) else self._p, np.asarray(self._data.targets)[rows]
            return
        for j in range(self.carried.shape[1]):
            yield j, two_sided(self._p[rows, j]), self.carried[rows, j].astype(np.int64)

    def _judge(self, rows: Places, votes: Floats | None) -> None:
        self.chances[rows] = 1
        self.doubted[rows] = False
        for (j, p, given), rates in zip(self._sides(rows), self._rates, strict=True):
            if not self._data.task.multi_label:
                right, likeliest = right_chances(p, given, rates, votes)
                wrong = np.flatnonzero(likeliest != given)
                self.doubted[rows[wrong], given[wrong]] = self.doubted[rows[wrong], likeliest[wrong]] = True
            else:
                of_label = None if votes is None else two_sided(votes[:, j])
                right, _ = right_chances(p, given, rates, of_label)
                self.doubted[rows, j] = right < DOUBTED
            self.chances[rows] = np.minimum(self.chances[rows], right)


def _in_conflict(copies: Places, carried: Flags) -> Flags:
    """(n,) which rows have a copy with other labels."""
    order = np.argsort(copies, kind="stable")
    same = copies[order[1:]] == copies[order[:-1]]
    differ = same & (carried[order[1:]] != carried[order[:-1]]).any(axis=1)
    return np.isin(copies, copies[order[1:][differ]])


def _best_copies(copies: Places, in_conflict: Flags, chances: Floats) -> Places:
    """(n,) the copy of each row in conflict whose labels are likeliest right; of the other rows the row itself."""
    best = np.arange(len(copies))
    rows = np.flatnonzero(in_conflict)
    order = rows[np.lexsort((-chances[rows], copies[rows]))]
    groups, first = np.unique(copies[order], return_index=True)
    best[order] = order[first][np.searchsorted(groups, copies[order])]
    return best


def _suspects(
    data: Dataset, judged: _Judged, suggested: Flags, rows: Places, compared: Places, copies: Places, conflicts: Flags
) -> Iterator[Suspect]:
    names = np.array(data.task.labels, dtype=object)
    place = {row: i for i, row in enumerate(compared.tolist())}
    others: dict[int, list[int]] = {}
    for row in np.flatnonzero(conflicts).tolist():
        others.setdefault(int(copies[row]), []).append(row)
    for row in rows.tolist():
        carried, new = judged.carried[row], suggested[row]
        similar = judged.similar[place[row]] if row in place else np.zeros(0, np.int64)
        counts = [int((judged.carried[similar] == flags).all(axis=1).sum()) for flags in (carried, new)]
        twins = [i for i in others.get(int(copies[row]), ()) if (judged.carried[i] != carried).any()]
        yield Suspect(
            row=row,
            file=data.rows.files[data.rows.file[row]],
            number=int(data.rows.number[row]),
            text=data.texts[row],
            given=tuple(names[carried].tolist()),
            suggested=tuple(names[new].tolist()),
            chance=float(judged.chances[row]),
            similar=(counts[0], counts[1]),
            compared=len(similar),
            copies=tuple(data.rows.name(i) for i in twins[:MOST_COPIES]),
        )


def _changes(suspect: Suspect) -> Iterator[tuple[str, str]]:
    """The labels of a row that should go, and those that should come, each on its own."""
    given, suggested = set(suspect.given), set(suspect.suggested)
    yield from ((name, "") for name in suspect.given if name not in suggested)
    yield from (("", name) for name in suspect.suggested if name not in given)
