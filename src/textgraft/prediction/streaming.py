"""Predicting a stream of texts in flat memory, in order, each row with where it came from."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.errors import SettingError, TextgraftError
from textgraft.hardware import cores
from textgraft.methods import TextClassifier
from textgraft.methods.answering import Answers, Label
from textgraft.prediction.counting import check_rows
from textgraft.prediction.processes import Processes, Reopen, scores_of
from textgraft.prediction.threads import ahead
from textgraft.unicode import quoted
from textgraft.wording import counted

TEXTS_AT_ONCE = 8192  # a window: enough texts that batches of similar length hold little padding


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predictions for some consecutive rows of one file.

    Attributes:
        texts: n texts.
        file: where they came from.
        numbers: (n,) their 1-based row numbers there; 0 where the file is the row.
        labels: n predicted labels; for a multi-label task a tuple of names each, the most probable first.
        probability: (n,) of the predicted label; for a multi-label task of the least probable predicted label, or,
            where none is predicted, one minus that of the most probable one.
        probabilities: (n, k) of all labels.
        kept: columns of the input that are handed on.
        reasons: why the model would rather not answer, such as ``"unsure"``; ``""`` where it would.
        sets: the labels that are possible, the most probable one first; None where no sets were chosen.
    """

    texts: list[str]
    file: str
    numbers: Sequence[int]
    labels: list[Label]
    probability: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    kept: dict[str, list[Any]]
    reasons: list[str]
    sets: list[tuple[str, ...]] | None = None

    def rows(self) -> Iterator[tuple[Label, float, list[float], str, tuple[str, ...], str]]:
        """Label or labels, its probability, that of each label, why it is unsure, what is possible, and text."""
        sets = self.sets or [()] * len(self.texts)
        figures = self.probability.tolist(), self.probabilities.tolist()
        return zip(self.labels, *figures, self.reasons, sets, self.texts, strict=True)


@dataclass(frozen=True)
class Texts:
    """Some consecutive texts of one file, their 1-based row numbers there, and columns to hand on."""

    texts: list[str]
    file: str
    numbers: Sequence[int]
    kept: dict[str, list[Any]] = field(default_factory=dict)


def numbered(texts: Iterable[str]) -> Iterator[Texts]:
    """Pieces of texts that come from no file and are numbered from 1."""
    remaining, start = iter(texts), 1
    while piece := list(islice(remaining, TEXTS_AT_ONCE)):
        yield Texts(piece, "", range(start, start + len(piece)))
        start += len(piece)


def predict_stream(
    model: TextClassifier, stream: Iterable[Texts], *, jobs: int = 1, reopen: Reopen | None = None, after: int = 0
) -> Generator[Prediction]:
    """Predicts a stream with no more than a few windows of some thousand texts in memory.

    A thread reads ahead while a window is predicted. Small pieces, such as files of one text each, are predicted
    together and yielded apart; a text that a window holds several times is computed once. Close the generator, or take
    it to its end, and no thread or process is left.

    Args:
        model: a fitted classifier.
        stream: the texts; it is read in another thread.
        jobs: how many processes predict, each with a model of its own and its share of the cores; 1 predicts here. On
            a GPU, one of two tokenises while the other computes. A script that asks for several needs
            ``if __name__ == "__main__":``, as ``multiprocessing`` does.
        reopen: loads the model in each of several processes, such as ``functools.partial(load, directory)``.
        after: so many rows were predicted before and are passed over. The others are predicted in the windows in which
            they would have been, so that not a bit of the result differs.

    Raises:
        SettingError: ``jobs`` is below 1, or above 1 without ``reopen``.
        TextgraftError: one of the processes was killed, or rows were lost on the way; while iterating.
    """
    check_jobs(jobs)
    if jobs > 1 and reopen is None:
        raise SettingError(
            f"Each of {jobs} jobs loads the model itself; give reopen=functools.partial(textgraft.load, directory)."
        )
    return _predictions(model, stream, jobs, reopen, after)


def check_jobs(jobs: int) -> None:
    """Raises SettingError where ``jobs`` is no number of processes."""
    if jobs < 1:
        raise SettingError(f"jobs must be a whole number from 1 on; got {quoted(jobs)}.")


def _predictions(
    model: TextClassifier, stream: Iterable[Texts], jobs: int, reopen: Reopen | None, after: int
) -> Generator[Prediction]:
    ends = _Ends()
    with ExitStack() as stack:
        windows = stack.enter_context(ahead(_windows(ends.read_from(stream), after)))
        if jobs > 1 and reopen is not None:
            if jobs > cores():
                progress.say(f"{jobs} jobs share {cores()} cores; more jobs than cores cost memory and win no time.")
            predicted = stack.enter_context(Processes(reopen, jobs)).predict(windows)
        else:
            predicted = ((window, scores_of(model, window.texts)) for window in windows)
        for window, (probabilities, familiarity) in progress.track(
            predicted, "predicting", amount=lambda done: len(done[0].texts)
        ):
            if len(probabilities) != len(window.texts):
                raise TextgraftError(
                    f"The model gave {len(probabilities):,} answers for {counted(len(window.texts), 'text')}; save it "
                    "anew, or report it."
                )
            for prediction in window.apart(model.answers_from(probabilities, familiarity)):
                ends.given += len(prediction.texts)
                yield prediction
    check_rows(ends.read, min(after, ends.read) + ends.given, "what was predicted")


@dataclass
class _Ends:
    """The rows at both ends of a stream: those read, and those given."""

    read: int = 0
    given: int = 0

    def read_from(self, stream: Iterable[Texts]) -> Iterator[Texts]:
        for part in stream:
            self.read += len(part.texts)
            yield part


@dataclass(frozen=True)
class _Window:
    """Pieces that are predicted together; the first ``done`` of their rows were written before."""

    parts: list[Texts]
    done: int

    @cached_property
    def texts(self) -> list[str]:
        return [text for part in self.parts for text in part.texts]

    def apart(self, answers: Answers) -> Iterator[Prediction]:
        """The predictions of each piece."""
        labels, probability, sets = answers.predicted, how_probable(answers), answers.sets
        start = 0
        for part in self.parts:
            rows = slice(max(start, self.done), start + len(part.texts))
            inside = slice(rows.start - start, None)
            start = rows.stop
            if rows.start < rows.stop:
                columns = {name: values[inside] for name, values in part.kept.items()}
                texts, numbers = part.texts[inside], part.numbers[inside]
                chosen = labels[rows], probability[rows], answers.probabilities[rows]
                besides = answers.reasons[rows], None if sets is None else sets[rows]
                yield Prediction(texts, part.file, numbers, *chosen, columns, *besides)


def _windows(stream: Iterable[Texts], after: int) -> Iterator[_Window]:
    """Consecutive pieces of together at least ``TEXTS_AT_ONCE`` texts, but for the last; not those done before."""
    parts: list[Texts] = []
    start = end = 0
    for part in stream:
        parts.append(part)
        end += len(part.texts)
        if end - start >= TEXTS_AT_ONCE:
            if end > after:
                yield _Window(parts, max(0, after - start))
            parts, start = [], end
    if parts and end > after:
        yield _Window(parts, max(0, after - start))


def how_probable(answers: Answers) -> NDArray[np.float32]:
    """(n,) of what is predicted; see ``Prediction``."""
    p, targets = answers.probabilities, answers.targets
    if not answers.task.multi_label:
        return np.asarray(p[np.arange(len(p)), targets])
    least = np.where(targets, p, np.inf).min(axis=1)
    return np.asarray(np.where(targets.any(axis=1), least, 1 - p.max(axis=1)), np.float32)
