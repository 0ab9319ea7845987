"""A recurrent classifier: padding and neighbours never matter, and NumPy says what torch says."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from textgraft.recurrent.network import SequenceClassifier, Shape
from textgraft.recurrent.numpy_network import Cell, Plain, Pooling
from textgraft.task import Task

WORDS = 20
ROWS = [np.array(row, np.int32) for row in ([3], [4, 5, 6, 7, 8, 9, 2], [2, 2], [19, 1, 3, 5, 7], [8, 8, 8, 3])]


def made(
    cell: Cell = "gru", pooling: Pooling = "max", *, bidirectional: bool = True, layers: int = 2, train: bool = True
) -> SequenceClassifier:
    table = np.random.default_rng(0).normal(size=(WORDS, 6)).astype(np.float32)
    shape = Shape(cell, layers, 8, bidirectional, 0.3, pooling)
    made = SequenceClassifier(shape, Task(("a", "b", "c")), table, train_table=train, precision="fp32", seed=1)
    made.network.eval()
    return made


def logits(network: SequenceClassifier, rows: list[NDArray[np.int32]]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return network.forward(rows).numpy()


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("cell", get_args(Cell))
def test_padding_and_neighbours_change_no_logit(cell: Cell, pooling: Pooling, bidirectional: bool) -> None:
    network = made(cell, pooling, bidirectional=bidirectional)
    together = logits(network, ROWS)
    alone = np.concatenate([logits(network, [row]) for row in ROWS])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("cell", get_args(Cell))
def test_padding_changes_no_gradient(cell: Cell, pooling: Pooling) -> None:
    def gradients(batches: list[list[NDArray[np.int32]]]) -> dict[str, torch.Tensor]:
        network = made(cell, pooling)
        for batch in batches:
            network.forward(batch).square().sum().backward()
        return {name: p.grad for name, p in network.network.named_parameters() if p.grad is not None}

    together, alone = gradients([ROWS]), gradients([[row] for row in ROWS])
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, alone[name], atol=1e-5, rtol=1e-4, msg=name)
    assert not together["embedding"][0].any(), "the row of padding"


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("pooling", get_args(Pooling))
@pytest.mark.parametrize("cell", get_args(Cell))
def test_numpy_gives_the_same_logits(cell: Cell, pooling: Pooling, bidirectional: bool) -> None:
    network = made(cell, pooling, bidirectional=bidirectional)
    plain = Plain(network.tensors(), cell=cell, layers=2, pooling=pooling)
    np.testing.assert_allclose(plain.logits(ROWS), logits(network, ROWS), atol=1e-5)


def test_frozen_vectors_are_no_weights() -> None:
    network = made(train=False)
    assert "embedding" not in network.tensors()
    np.testing.assert_array_equal(logits(network, ROWS), logits(made(train=True), ROWS))


def test_dropout_depends_on_the_key_alone() -> None:
    network = made()
    network.network.train()

    def drawn(key: tuple[int, ...]) -> NDArray[np.float32]:
        network.draw_from(key)
        found = network.forward(ROWS).detach().numpy()
        network.draw_from(None)
        return found

    first = drawn((0, 1))
    np.testing.assert_array_equal(first, drawn((0, 1)))
    assert (first != drawn((0, 2))).any()
