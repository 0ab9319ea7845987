"""What a model directory wants to know of a method, so that this room knows none of them by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.dataset import Dataset, FittedOn
from textgraft.decision import Abstention
from textgraft.model_directory.seen import SeenTexts
from textgraft.model_directory.sketch import Sketch
from textgraft.runtimes import Runtime
from textgraft.task import Task


@dataclass(frozen=True)
class MethodFacts:
    """What is true of all models of a method; declared on its class.

    Attributes:
        summary: what such a model is, as in "It is a linear model on word n-grams".
        holds_of_texts: what of the training texts whoever has the files can read in them; empty if nothing.
        is_encoder: the directory is an encoder with a head, in the form that ``transformers`` reads. An encoder of
            any other method is named, and read besides.
    """

    summary: str
    holds_of_texts: str = ""
    is_encoder: bool = False


class Saveable(Protocol):
    """A fitted classifier, as far as writing it asks; see ``TextClassifier`` for what each of these is."""

    method: ClassVar[str]
    facts: ClassVar[MethodFacts]
    task_: Task
    classes_: NDArray[Any]
    thresholds_: NDArray[np.float32]
    costs_: NDArray[np.float64] | None
    abstention_: Abstention
    chosen_: dict[str, Any]
    fitted_on_: FittedOn
    label_form_: Literal["names", "indicator"]
    checked_on_: Dataset | None
    seen_: SeenTexts | None
    runtime_: Runtime | None
    export_: str | None

    @property
    def sketch_(self) -> Sketch | None: ...  # noqa: D102

    @property
    def kept_params(self) -> dict[str, Any]: ...  # noqa: D102

    def write_state(self, folder: Path) -> None: ...  # noqa: D102

    def saved(self) -> None: ...  # noqa: D102
