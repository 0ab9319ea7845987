"""Which of the evaluated rows a model had been given before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from textgraft.evaluation.bootstrap import Interval


@dataclass(frozen=True)
class SeenRows:
    """How many of the evaluated rows a model had been given when it was fitted, and how good it is on the others.

    Attributes:
        trained: rows whose text stands in the training data.
        chosen: other rows whose text stands in the validation data that the model was given for its choices.
        known: rows of which it is known whether they stand there: all of them but where the training data was so large
            that the model keeps a sample of it.
        unseen: the headline metric on the known rows that it had not been given; None where these are all rows or none.
    """

    trained: int
    chosen: int
    known: int
    unseen: Interval | None = None

    @property
    def others(self) -> int:
        """The known rows that it had not been given."""
        return self.known - self.trained - self.chosen

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return vars(self) | {"unseen": None if self.unseen is None else self.unseen.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What ``to_dict`` wrote."""
        unseen = data["unseen"]
        trained, chosen, known = (int(data[name]) for name in ("trained", "chosen", "known"))
        return cls(trained, chosen, known, None if unseen is None else Interval.from_dict(unseen))
