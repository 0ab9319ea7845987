"""Methods with a network that another runtime can compute.

All that stands before and after the graph (tokenising, windows, pooling, calibration, thresholds) is the same for every
runtime, so they answer alike.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from textgraft import progress
from textgraft.dataset import Dataset
from textgraft.encoders.choosing import choose_encoder
from textgraft.methods.base import TextClassifier
from textgraft.runtimes import Batch, Runtime

if TYPE_CHECKING:
    from textgraft.runtimes.conversion import Graph


class GraphClassifier(TextClassifier):
    """Base of the methods whose predictions go through a graph: token ids in, one array out.

    One that is not such a method computes with NumPy alone, and has nothing to export.
    """

    resolved_: dict[str, Any]

    @property
    def has_graph(self) -> bool:  # noqa: D102
        return True

    def through(self, runtime: Runtime) -> Self:
        """A copy of the fitted classifier whose network is computed by ``runtime``; all else is shared."""
        twin = copy.copy(self)
        twin.runtime_ = runtime
        twin._use(runtime)
        return twin

    def _choose_encoder(self, name: str, train: Dataset, *, with_network: bool = True) -> str:
        """The encoder that the hyperparameter names, or that is chosen for the texts; see ``choose_encoder``."""
        chosen, said = choose_encoder(name, train.texts, with_network=with_network)
        if chosen != name:
            self.resolved_ = {**self.resolved_, "encoder": chosen}
        elif said:
            progress.say(said)  # before any work is done
        self.notes_: tuple[str, ...] = (*self.notes_, *filter(None, [said]))
        return chosen

    @abstractmethod
    def graph(self) -> Graph:
        """The network as an exporter takes it; of a classifier that holds its own weights."""

    @abstractmethod
    def graph_inputs(self, texts: list[str]) -> Iterator[Batch]:
        """Texts as (ids, mask), the inputs of the graph."""

    def write_for_runtime(self, folder: Path) -> None:
        """Writes what predictions through a runtime need besides the graph and what ``write_state`` writes."""

    @abstractmethod
    def _use(self, runtime: Runtime) -> None:
        """Lets ``runtime`` compute the graph from now on."""
