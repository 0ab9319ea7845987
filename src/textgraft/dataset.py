"""What is learnt from: labelled texts, where each of them came from, and how they are divided.

All of it is plain data. A ``Dataset`` is texts with their targets, and for each text the file and row it came from,
which stay with it to the end; ``Splits`` are its parts; ``FittedOn`` is what a model remembers of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import DataError, SettingError, listed
from textgraft.label_sets import LabelSets
from textgraft.labels import alike, label_name, likeness, look_alike, told_apart
from textgraft.task import Targets, Task, moved
from textgraft.unicode import quoted

Indices = NDArray[np.intp] | NDArray[np.int64] | Sequence[int]
WEIGHTS = (1e-100, 1e100)  # of a row that counts; sums of these, and what is divided by them, are finite
WEIGHTS_ALLOWED = f"0 or a number from {WEIGHTS[0]:g} to {WEIGHTS[1]:g}"
LabelShape = Literal["name", "list", "delimited", "vector", "indicator"]


@dataclass(frozen=True)
class Rows:
    """Where each row came from: ``files[file[i]]``, and its 1-based number there (0: the file is the row).

    A row number counts the data rows of a file, so the header of a CSV is not counted.
    """

    files: tuple[str, ...]
    file: NDArray[np.int32]
    number: NDArray[np.int64]

    @classmethod
    def numbered(cls, n: int, file: str = "the given texts") -> Rows:
        """Rows 1 to ``n`` of one source."""
        return cls((file,), np.zeros(n, np.int32), np.arange(1, n + 1))

    def __len__(self) -> int:
        return len(self.number)

    def name(self, i: int) -> str:
        """``"reviews.csv row 12"``, or the file's name alone where the file is the row."""
        file, number = self.files[self.file[i]], self.number[i]
        return f"{file} row {number}" if number else file

    def names(self, indices: Iterable[int], most: int = 5) -> str:
        """The names of some rows in one phrase, at most ``most`` of them written out."""
        return listed((self.name(int(i)) for i in indices), most)

    def select(self, indices: Indices) -> Rows:
        """The rows at ``indices``."""
        return Rows(self.files, self.file[indices], self.number[indices])

    @staticmethod
    def concatenate(parts: Sequence[Rows]) -> Rows:
        """The rows of all parts, one after the other."""
        files = list(dict.fromkeys(name for part in parts for name in part.files))
        place = {name: i for i, name in enumerate(files)}
        codes = [np.array([place[f] for f in part.files], np.int32)[part.file] for part in parts]
        return Rows(tuple(files), np.concatenate(codes), np.concatenate([part.number for part in parts]))


@dataclass(frozen=True)
class Columns:
    """Which columns of a table were read as what, so that another table can be read in the same way.

    ``shape`` says how labels stand in the table: one ``name`` per row, a ``list``, names ``delimited`` by
    ``delimiter`` in one column, a ``vector`` of 0 and 1 in each cell, or one 0/1 ``indicator`` column per label.
    ``merged`` says in what names may differ that are one label all the same (see ``labels.LIKENESSES``).
    """

    text: tuple[str, ...]
    label: tuple[str, ...] = ()
    shape: LabelShape = "name"
    delimiter: str = ""
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Labelled texts.

    Attributes:
        texts: n texts.
        targets: (n,) int64 indices into ``task.labels``, or n ``LabelSets`` for a multi-label task; an (n, k) 0/1 or
            bool matrix is taken too, and kept as such.
        task: the labels.
        rows: where each text came from.
        columns: which columns it was read from; None for texts given from Python.
        groups: (n,) values of the group column, or None.
        times: (n,) values of the time column, sortable, or None.
        parts: (n,) of ``"train"``, ``"valid"``, ``"test"`` from the split column, or None.
        weights: (n,) what each row counts when a method is fitted, see ``unusable_weights``; None is 1 each.
        notes: sentences about how it was read that a user should see.
        cells: the n cells of every column of the table as they were read, by its name, where they were asked for.
    """

    texts: list[str]
    targets: Targets
    task: Task
    rows: Rows
    columns: Columns | None = None
    groups: NDArray[Any] | None = None
    times: NDArray[Any] | None = None
    parts: NDArray[Any] | None = None
    weights: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    cells: Mapping[str, Sequence[Any]] | None = None

    def __post_init__(self) -> None:
        n = len(self.texts)
        if self.task.multi_label and not isinstance(self.targets, LabelSets) and np.ndim(self.targets) == 2:
            object.__setattr__(self, "targets", LabelSets.of(self.targets))
        expected = (n, len(self.task)) if self.task.multi_label else (n,)
        if self.targets.shape != expected or len(self.rows) != n:
            raise DataError(
                f"Texts, targets and rows must go together: {n:,} texts need targets of shape {expected} and "
                f"{n:,} rows; got targets of shape {self.targets.shape} and {len(self.rows):,} rows."
            )
        if self.weights is not None:
            if self.weights.shape != (n,):
                raise DataError(f"{n:,} texts need {n:,} weights; got weights of shape {self.weights.shape}.")
            if len(wrong := unusable_weights(self.weights)):
                raise DataError(
                    f"A row's weight must be {WEIGHTS_ALLOWED}; {self.rows.name(int(wrong[0]))} has "
                    f"{self.weights[wrong[0]]:g}."
                )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        labels = f"{len(self.task):,} labels: {listed(self.task.labels)}"
        return f"Dataset({len(self):,} rows of {listed(self.rows.files, 2)}; {self.task.kind}, {labels})"

    @property
    def label_sets(self) -> LabelSets:
        """The labels of each row, for both kinds of task."""
        return self.task.sets(self.targets)

    @cached_property
    def fingerprint(self) -> str:
        """sha256, in hex, of texts, labels, weights and their order: the same data has the same one anywhere."""
        digest = hashlib.sha256("\x1f".join((self.task.kind, *self.task.labels)).encode())
        for text in self.texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\x1e")
        sets = self.label_sets
        digest.update(sets.starts.astype("<i8").tobytes() + sets.labels.astype("<i4").tobytes())
        if self.weights is not None:
            digest.update(self.weights.astype("<f8").tobytes())
        return digest.hexdigest()

    @property
    def counts(self) -> NDArray[np.int64]:
        """(k,) rows per label."""
        return self.label_sets.counts

    @property
    def weight(self) -> float:
        """The sum of the rows' weights; their number where all count the same."""
        return float(len(self)) if self.weights is None else float(self.weights.sum())

    @property
    def weighed_counts(self) -> NDArray[np.float64]:
        """(k,) the sum of the weights of the rows of each label."""
        if self.weights is None:
            return self.counts.astype(np.float64)
        return self.label_sets.weighed(self.weights)

    def select(self, indices: Indices | NDArray[np.bool_]) -> Dataset:
        """The rows at ``indices`` (or where a bool mask is true), in that order."""
        at = np.asarray(indices)
        at = np.flatnonzero(at) if at.dtype == np.bool_ else at.astype(np.intp)
        keys: dict[str, Any] = {name: getattr(self, name) for name in ("groups", "times", "parts", "weights")}
        keys = {name: values[at] for name, values in keys.items() if values is not None}
        places = at.tolist()
        texts = [self.texts[i] for i in places]
        if self.cells is not None:
            keys["cells"] = {name: [values[i] for i in places] for name, values in self.cells.items()}
        return replace(self, texts=texts, targets=self.targets[at], rows=self.rows.select(at), **keys)

    def sample(self, rows: int, seed: int = 0) -> Dataset:
        """``rows`` rows drawn evenly, none twice, in the order in which they stand; all where there are no more.

        Fewer rows of the same seed are among the more.

        Raises:
            SettingError: ``rows`` is less than 1.
        """
        if rows < 1:
            raise SettingError(f"rows is {rows}; give how many rows to draw, 1 or more.")
        return self.select(np.sort(np.random.default_rng(seed).permutation(len(self))[:rows]))

    def with_task(self, task: Task, merged: Collection[str] = ()) -> Dataset:
        """The same rows with their targets counted in another task's labels.

        A label is the task's label of the same name, or else the only one of the same normal form, or the only one
        that differs from it in what is ``merged`` (see ``Columns``) alone. 0 and 1 are false and true where the task
        has these. Where every row has exactly one label, both kinds of task can take it.

        Raises:
            DataError: rows of a single-label task do not have one label each, or a row carries a label that ``task``
                does not have (the message names the label and the first rows that carry it).
        """
        if task == self.task:
            return self
        if task.multi_label != self.task.multi_label:
            return self._of_kind(task).with_task(task, merged)
        self._check_vectors(task)
        merged = {*merged, *(self.columns.merged if self.columns else ())}
        known = set(task.labels)
        names = [name if name in known else alike(name, task.labels, merged) for name in self.task.labels]
        said: tuple[str, ...] = ()
        if None in names and (flags := _as_flags(self.task.labels, task.labels)):
            names = flags
            said = (f"The labels {listed(self.task.labels)} are taken for {listed(map(str, flags))}.",)
        places = {name: i for i, name in enumerate(task.labels)}
        place = np.array([-1 if name is None else places[name] for name in names], np.int64)
        if self.counts[place < 0].any():
            self._refuse(np.flatnonzero(place < 0), task)
        return replace(self, task=task, targets=moved(self.targets, place, task), notes=(*self.notes, *said))

    def _of_kind(self, task: Task) -> Dataset:
        """The same labels, as a task of the other kind has them."""
        counts = self.label_sets.sizes
        if (counts != 1).any():
            i = int(np.flatnonzero(counts != 1)[0])
            raise DataError(
                f"{self.rows.name(i)} has {counts[i]} labels: it is read as {self.task.kind}, and the data it goes "
                f"with as {task.kind}. Give both the same label columns."
            )
        targets = self.label_sets if task.multi_label else self.label_sets.labels.astype(np.int64)
        return replace(self, task=replace(self.task, multi_label=task.multi_label), targets=targets)

    def _check_vectors(self, task: Task) -> None:
        """Refuses labels that are known by their place alone where there are fewer or more of them."""
        placed = self.columns is not None and self.columns.shape == "vector"
        if placed and self.task.labels == tuple(map(str, range(len(self.task)))) and len(task) != len(self.task):
            raise DataError(
                f"The 0/1 vectors in {self.rows.files[0]} are of {len(self.task)} labels, and the data it goes with "
                f"has {len(task)} ({listed(task.labels, 12)}). Give both the same labels, in the same order."
            )

    def _refuse(self, unknown: NDArray[np.intp], task: Task) -> None:
        """Raises DataError for labels that the other data does not have."""
        rows, labels = self.label_sets.pairs()
        carried = np.isin(labels, unknown)
        names = [self.task.labels[i] for i in np.unique(labels[carried])]
        verb = "labels were" if len(names) > 1 else "label was"
        near = next(((a, b) for a in names for b in task.labels if look_alike((a, b))), None)
        hint = ""
        if near is not None:
            first, other = (told_apart(name, near) for name in near)
            means = ",".join(likeness(near))
            hint = f" {first} differs from {other} only in {means}: train with --merge-labels {means} to have one."
        raise DataError(
            f"{len(names)} {verb} never seen in the training data: {listed(map(quoted, names))} "
            f"({self.rows.names(np.unique(rows[carried]), 3)}); the training data has "
            f"{listed(task.labels, 12)}. Add training rows that carry it, or take these rows out.{hint}"
        )


def _as_flags(labels: Sequence[str], wanted: Sequence[str]) -> list[str | None] | None:
    """false and true for 0 and 1, which formats without truth values hold in their place, or the other way round."""
    for numbers, words in ((("0", "1"), ("false", "true")), (("false", "true"), ("0", "1"))):
        if set(labels) <= set(numbers) and {label_name(name) for name in wanted} == set(words):
            return [alike(words[numbers.index(name)], wanted, ()) for name in labels]
    return None


def unusable_weights(weights: NDArray[np.float64]) -> NDArray[np.intp]:
    """The places of what cannot be a row's weight: what is neither 0 nor a number above it that can be summed."""
    least, most = WEIGHTS
    return np.flatnonzero(~((weights == 0) | ((weights >= least) & (weights <= most))))


@dataclass(frozen=True, eq=False)
class Folds:
    """A cross-validation: rows in folds, each of which is predicted by a model that was trained on the others.

    Attributes:
        of_row: (r, n) the fold of each of n rows, from 0 to k - 1, in each of r repetitions.
    """

    of_row: NDArray[np.int64]

    @property
    def k(self) -> int:
        """How many folds."""
        return int(self.of_row.max(initial=-1)) + 1

    @property
    def repeats(self) -> int:
        """How often all of it is done, each time with other folds."""
        return len(self.of_row)

    def __str__(self) -> str:
        often = {1: "", 2: ", twice"}.get(self.repeats, f", {self.repeats} times")
        return f"{self.k} folds{often}"


@dataclass(frozen=True)
class Splits:
    """One way of dividing a table; every method that is compared sees the same one.

    ``valid`` is for choices (regularisation, calibration, epochs), ``test`` for nothing but the final numbers; either
    may be missing. ``folds`` says that the rows of ``train`` are cross-validated, in place of a part that is missing.
    ``notes`` are sentences about how the division was made. ``leaks`` are sentences about texts that
    stand in more than one part; they are repeated with every result.
    """

    train: Dataset
    valid: Dataset | None = None
    test: Dataset | None = None
    notes: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    folds: Folds | None = None

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {len(part):,}" for name, part in self.parts().items())
        return f"Splits({parts} rows; {self.task.kind}, {len(self.task):,} labels: {listed(self.task.labels)})"

    @property
    def task(self) -> Task:
        """The task of the training part, which all parts share."""
        return self.train.task

    def parts(self) -> dict[str, Dataset]:
        """The parts that are there, by name: train, valid, test."""
        named = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


@dataclass(frozen=True)
class FittedOn:
    """What a classifier was trained on, without the texts.

    Attributes:
        rows: how many texts.
        counts: (k,) how many of them carry each label.
        fingerprint: see ``Dataset.fingerprint``.
        files: the names of the files that they came from.
        columns: how they were read, so that another table can be read in the same way; None for plain lists.
        weights: the smallest and the largest weight of a row; None where all count the same.
    """

    rows: int
    counts: tuple[int, ...]
    fingerprint: str
    files: tuple[str, ...]
    columns: Columns | None
    weights: tuple[float, float] | None = None

    @property
    def merged(self) -> tuple[str, ...]:
        """In what names may differ that are one label of the model."""
        return self.columns.merged if self.columns else ()

    @classmethod
    def of(cls, data: Dataset) -> FittedOn:
        """Describes ``data``."""
        weights = None if data.weights is None else (float(data.weights.min()), float(data.weights.max()))
        files = data.rows.files[:100]
        return cls(len(data), tuple(data.counts.tolist()), data.fingerprint, files, data.columns, weights)
