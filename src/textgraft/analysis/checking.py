"""Texts with what a model should say of them: a test suite that goes with a model."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from textgraft.errors import DataError, did_you_mean, listed
from textgraft.methods import TextClassifier
from textgraft.methods.estimator import check_fitted
from textgraft.task import Task
from textgraft.unicode import quoted, shortened
from textgraft.whole import whole_file

SAME: Final = "same"
DIFFERENT: Final = "different"
_TEXTS: Final = (("text", "changed"), ("text_a", "text_b"))
_EXPECT: Final = "expect"
_MOST_OF_A_TEXT: Final = 500


@dataclass(frozen=True)
class Pair:
    """A text, what it is changed to, and what is expected.

    Attributes:
        text: the text.
        changed: another one; empty where a label is expected of the text itself.
        expect: ``"same"`` or ``"different"`` answers; or a label of the changed text, one of its labels where there are
            several; of the text where there is no changed one.
        where: its place, for people.
    """

    text: str
    changed: str
    expect: str
    where: str

    @property
    def compares(self) -> bool:
        """Whether two answers are compared."""
        return self.expect in (SAME, DIFFERENT)


@dataclass(frozen=True)
class Checked:
    """A pair with the model's answers; ``after`` is empty where there is no changed text."""

    pair: Pair
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether the answers are as expected."""
        if self.pair.compares:
            return (self.before == self.after) == (self.pair.expect == SAME)
        return self.pair.expect in (self.after if self.pair.changed else self.before)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        text, changed = (shortened(each, _MOST_OF_A_TEXT) for each in (self.pair.text, self.pair.changed))
        answers = {"before": list(self.before), "after": list(self.after), "passes": self.passes}
        return {**vars(self.pair), "text": text, "changed": changed, **answers}


def check(model: TextClassifier, pairs: Sequence[Pair]) -> list[Checked]:
    """What a model says of pairs, in their order.

    Raises:
        DataError: there are none, or a label is expected that the model does not have.
    """
    check_fitted(model)
    if not pairs:
        raise DataError("There are no pairs to check; give rows with text, changed and expect.")
    for pair in pairs:
        _check_label(pair, model.task_)
    answers = _answers(model, [text for pair in pairs for text in (pair.text, pair.changed)])
    return [
        Checked(pair, before, after if pair.changed or pair.compares else ())
        for pair, before, after in zip(pairs, answers[::2], answers[1::2], strict=True)
    ]


def _answers(model: TextClassifier, texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The labels of each text by name; equal texts are predicted once."""
    distinct = list(dict.fromkeys(texts))
    decided = model.decision.targets(model.predict_proba(distinct), model.task_)
    names = [(name,) if isinstance(name, str) else name for name in model.task_.decode(np.asarray(decided))]
    of_text = dict(zip(distinct, names, strict=True))
    return [of_text[text] for text in texts]


def _check_label(pair: Pair, task: Task) -> None:
    if not pair.compares and pair.expect not in task.labels:
        known = (SAME, DIFFERENT, *task.labels)
        raise DataError(
            f"{pair.where} expects {quoted(pair.expect)}, which is neither {SAME} nor {DIFFERENT} nor a label of the "
            f"model ({listed(task.labels, 12)}).{did_you_mean(pair.expect, known)}"
        )


def read_pairs(source: str | Path, options: Any = None) -> list[Pair]:
    """The pairs of a table with the columns text, changed and expect, or text_a, text_b and expect.

    Args:
        source: a table of any format; see ``read_table``.
        options: how to read it: ``ReadOptions``.

    Raises:
        DataError: it has not these columns, or a row lacks what it should hold.
    """
    from textgraft.data.readers.chunk_stream import open_chunks
    from textgraft.data.tables.texts import TextCells

    cells, pairs = TextCells(), list[Pair]()
    for chunk in open_chunks(str(source), options, expect=(*_TEXTS[0], _EXPECT)):
        names = {name.strip().casefold(): name for name in chunk.columns}
        first, second = next((both for both in _TEXTS if both[0] in names), ("", ""))
        if not first or _EXPECT not in names:
            raise DataError(
                f"A file of pairs has the columns text, changed and expect (or text_a, text_b and expect); "
                f"{chunk.file} has {listed(map(quoted, chunk.columns), 10)}."
            )
        columns = [
            cells.join(chunk.columns, (names[name],), len(chunk), chunk.place) if name in names else [""] * len(chunk)
            for name in (first, second, _EXPECT)
        ]
        for i, (text, changed, expect) in enumerate(zip(*columns, strict=True)):
            pair = Pair(text, changed, expect.strip(), chunk.place(i))
            if not pair.expect or (pair.compares and not changed):
                lacks = f"{pair.expect}, which is about two texts, and has no {second}" if pair.expect else "nothing"
                raise DataError(f"{pair.where} expects {lacks}; write {SAME}, {DIFFERENT} or a label into each row.")
            pairs.append(pair)
    return pairs


def suite_of(directory: str | Path) -> Path:
    """Where the pairs of a model are kept: beside its directory, which holds what its hashes say and nothing else."""
    return Path(f"{Path(directory).absolute()}.checks.csv")


def save_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """Writes pairs as CSV, whole or not at all; those that are there are replaced."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow((*_TEXTS[0], _EXPECT))
    writer.writerows((pair.text, pair.changed, pair.expect) for pair in pairs)
    with whole_file(path) as part:
        part.write_text(written.getvalue(), "utf-8", newline="")
