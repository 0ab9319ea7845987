"""What a classifier keeps of its training data as counts, made when they are first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from textgraft.heads.distances import evenly
from textgraft.methods.answering import Answering, Familiarity
from textgraft.model_directory.sketch import MOST_ROWS, Quantity, Sketch, of_predictions


class Sketching(Answering):
    """A classifier that keeps a ``Sketch``; a base of ``TextClassifier``."""

    _sketch: Sketch | None = None
    _to_sketch: list[str] | None = None  # texts, until they are counted
    _answered: Sequence[Quantity] = ()

    @property
    def sketch_(self) -> Sketch | None:
        """Counts of the training data, and of predictions of rows that it was not fitted to; None of earlier models."""
        if self._sketch is None and self._to_sketch is not None:
            self._sketch = Sketch.of(self._to_sketch, self._answered, self._familiarity_left_out())
            self._to_sketch = None
        return self._sketch

    @sketch_.setter
    def sketch_(self, sketch: Sketch | None) -> None:
        self._sketch, self._to_sketch = sketch, None

    def _sketch_predictions(self, texts: Sequence[str], probabilities: NDArray[Any]) -> None:
        """Counts what is predicted of n texts that it was not fitted to, once its decision is made."""
        self._answered = of_predictions(texts, probabilities, self.task_, self.decision)

    def _sketch_later(self, texts: Sequence[str], rows: NDArray[Any]) -> None:
        """Keeps what is to be counted of the training texts, which stand at some places of all."""
        self._sketch = None
        self._to_sketch = [texts[i] for i in rows[evenly(len(rows), MOST_ROWS)].tolist()]

    def _familiarity_left_out(self) -> Familiarity:
        """(m,) the familiarity of some training texts, as if each were not among them; None where it is not known.

        Also of methods whose familiarity is nothing but known words, which a sketch counts itself.
        """
        return None
