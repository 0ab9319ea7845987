from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from textgraft.class_weights import label_weights
from textgraft.dataset import Dataset, Rows
from textgraft.errors import SettingError
from textgraft.task import Task
from textgraft.text.batches import Windows
from textgraft.training.objective import MOST_WINDOWS, ClassificationObjective

torch = pytest.importorskip("torch")

SINGLE = Task(("a", "b", "c"))
MULTI = Task(("a", "b", "c"), multi_label=True)


class Bags:
    """A classifier that adds up a row of logits for each token; remembers which windows it saw."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.step_tokens = 16384
        self.network = torch.nn.Embedding(100, 3)
        self.threads = 1
        self.seen: list[list[int]] = []

    def draw_from(self, key: Sequence[int]) -> None:
        self.key = tuple(key)

    def logits(self, windows: Windows, chosen: Any) -> torch.Tensor:
        self.seen.append(chosen.tolist())
        texts = np.unique(windows.text[chosen])
        ids = [np.concatenate([windows.ids[i] for i in chosen if windows.text[i] == text]) for text in texts]
        return torch.stack([self.network(torch.from_numpy(one.astype(np.int64))).sum(0) for one in ids])

    def logits_of_all(self, windows: Windows, *, shared: bool = False) -> Any:
        with torch.no_grad():
            logits = self.logits(windows, np.arange(len(windows.ids)))
        return logits.numpy()


def windows(counts: Sequence[int], tokens: int = 3) -> Windows:
    """Texts of so many windows each, all tokens different from text to text."""
    text = np.repeat(np.arange(len(counts)), counts)
    ids = [np.full(tokens, i % 100, np.int32) for i in text]
    weight = np.repeat(1 / np.array(counts), counts).astype(np.float32)
    return Windows(ids, text, weight, np.zeros(len(counts), np.bool_))


def dataset(task: Task, labels: Sequence[Any]) -> Dataset:
    return Dataset([f"text {i}" for i in range(len(labels))], task.encode(labels), task, Rows.numbered(len(labels)))


def objective(
    task: Task, labels: Sequence[Any], given: Windows | None = None, weights: Any = None, **settings: Any
) -> Any:
    data = replace(dataset(task, labels), weights=None if weights is None else np.array(weights, float))
    read = given or windows([1] * len(labels))
    usual = {"batch_size": 2, "label_smoothing": 0.0, "class_weight": None, "seed": 0, "finish": lambda _: None}
    return ClassificationObjective(Bags(), read, data, read, data, **(usual | settings))


def test_balanced_weights_make_each_label_count_the_same() -> None:
    data = dataset(SINGLE, ["a"] * 6 + ["b"] * 3 + ["c"])
    weights = label_weights(data, "balanced")
    assert weights is not None
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 10 / 3])
    np.testing.assert_allclose(weights * data.counts, 10 / 3)


def test_balanced_weights_of_a_multi_label_task_weigh_what_is_rarely_right() -> None:
    data = dataset(MULTI, [["a"], ["a", "b"], [], ["a"]])
    np.testing.assert_allclose(label_weights(data, "balanced"), [1 / 3, 3, 4 - 1])


def test_weights_by_name_and_names_that_are_no_label() -> None:
    data = dataset(SINGLE, ["a", "b", "c"])
    np.testing.assert_array_equal(label_weights(data, {"b": 2}), [1, 2, 1])
    assert label_weights(data, None) is None
    numbered = dataset(Task(("1", "a=b,c", "true")), ["1", "true", "a=b,c"])
    np.testing.assert_array_equal(label_weights(numbered, {1.0: 2, "TRUE": 3, " a=b,c": 4}), [2, 4, 3])
    with pytest.raises(SettingError, match=r"names a label twice: 1, '1\.0'"):
        label_weights(numbered, {1: 2, "1.0": 3})
    with pytest.raises(SettingError, match=r"'bb', which is no label; labels are 'a', 'b', 'c'\. Did you mean 'b'"):
        label_weights(data, {"bb": 2})


@pytest.mark.parametrize("class_weight", [None, "balanced", {"c": 4.0}])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_the_loss_over_the_weight_is_torchs_mean(class_weight: Any, label_smoothing: float) -> None:
    labels = ["a", "b", "c", "a", "a", "b"]
    ours = objective(SINGLE, labels, class_weight=class_weight, label_smoothing=label_smoothing)
    rows = np.array([4, 1, 2])  # in no order
    logits = ours.classifier.logits(ours.windows, np.sort(rows))
    weights = label_weights(dataset(SINGLE, labels), class_weight)
    expected = torch.nn.functional.cross_entropy(
        logits,
        torch.tensor([1, 2, 0]),
        None if weights is None else torch.from_numpy(weights).float(),
        label_smoothing=label_smoothing,
    )
    torch.testing.assert_close(ours.loss(rows) / ours.weight(rows), expected)
    # In parts it is the same sum.
    torch.testing.assert_close(ours.loss(rows[:1]) + ours.loss(rows[1:]), ours.loss(rows))


@pytest.mark.parametrize("class_weight", [None, {"b": 3.0}])
def test_the_loss_of_several_labels_is_the_mean_over_rows_and_labels(class_weight: Any) -> None:
    labels = [["a"], ["a", "b"], [], ["c"]]
    ours = objective(MULTI, labels, class_weight=class_weight, label_smoothing=0.1)
    rows = np.array([2, 0, 1])
    targets = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 0, 0]]) * 0.9 + 0.05
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        ours.classifier.logits(ours.windows, np.sort(rows)),
        targets,
        pos_weight=None if class_weight is None else torch.tensor([1.0, 3.0, 1.0]),
    )
    torch.testing.assert_close(ours.loss(rows) / ours.weight(rows), expected)


def gradient(ours: Any, rows: Sequence[int]) -> Any:
    """Of a step on ``rows``."""
    with torch.no_grad():
        ours.network.weight.copy_(torch.linspace(-1, 1, ours.network.weight.numel()).view_as(ours.network.weight))
    loss = ours.loss(np.array(rows)) / ours.weight(np.array(rows))
    return torch.autograd.grad(loss, ours.network.weight)[0]


@pytest.mark.parametrize("class_weight", [None, "balanced", {"b": 3.0}])
@pytest.mark.parametrize(("task", "labels"), [(SINGLE, ["a", "b", "c", "a"]), (MULTI, [["a"], ["a", "b"], [], ["c"]])])
def test_a_text_of_weight_3_is_that_text_three_times(task: Task, labels: Any, class_weight: Any) -> None:
    times = [3, 1, 2, 1]
    settings: Any = {"class_weight": class_weight, "label_smoothing": 0.1}
    repeated = np.repeat(np.arange(4), times)
    ids = [np.full(3, i, np.int32) for i in repeated]
    given = Windows(ids, np.arange(7), np.ones(7, np.float32), np.zeros(7, np.bool_))
    weighed = objective(task, labels, weights=times, **settings)
    whole = objective(task, [labels[i] for i in repeated], given, **settings)
    torch.testing.assert_close(gradient(weighed, range(4)), gradient(whole, range(7)))
    # In parts, as they fit into memory or in several processes, it is the same.
    parts = [weighed.loss(np.array(rows)) for rows in ([2, 0], [3], [1])]
    torch.testing.assert_close(sum(parts), weighed.loss(np.arange(4)))
    assert sum(weighed.weight(np.array([i])) for i in range(4)) == pytest.approx(weighed.weight(np.arange(4)))


def test_weights_that_are_alike_change_no_gradient() -> None:
    labels = ["a", "b", "c", "a"]
    plain = gradient(objective(SINGLE, labels), range(4))
    for weight in (1.0, 1e-90, 1e90):
        torch.testing.assert_close(gradient(objective(SINGLE, labels, weights=[weight] * 4), range(4)), plain)


def test_the_score_counts_texts_by_their_weight() -> None:
    ours = objective(SINGLE, ["a", "b", "c", "a"], weights=[1, 1, 1, 3])
    with torch.no_grad():
        ours.network.weight.zero_()
        ours.network.weight[torch.arange(4), torch.tensor([0, 1, 2, 1])] = 1.0
    assert ours.score().metric == pytest.approx(0.5)


def test_every_epoch_reads_every_text_once_in_another_order() -> None:
    ours = objective(SINGLE, ["a", "b", "c"] * 7, batch_size=4)
    epochs = [ours.epoch(number) for number in (0, 1, 0)]
    for epoch in epochs:
        assert len(epoch) == 6
        assert sorted(np.concatenate(epoch).tolist()) == list(range(21))
        assert max(map(len, epoch)) == 4
    assert [rows.tolist() for rows in epochs[0]] == [rows.tolist() for rows in epochs[2]]
    assert [rows.tolist() for rows in epochs[0]] != [rows.tolist() for rows in epochs[1]]


def test_several_processes_take_larger_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert len(objective(SINGLE, ["a", "b", "c"] * 8, batch_size=4).epoch(0)) == 2


def test_of_a_very_long_text_each_epoch_reads_another_part_and_resuming_the_same() -> None:
    given = windows([2, 3 * MOST_WINDOWS, 1])
    ours = objective(SINGLE, ["a", "b", "c"], given, batch_size=3)
    read = []
    for number in (0, 1, 0):
        rows = ours.epoch(number)[0]
        ours.classifier.seen.clear()
        ours.loss(rows)
        read.append(ours.classifier.seen[0])
    assert read[0] == read[2]
    assert read[0] != read[1]
    for chosen in read:
        assert chosen == sorted(set(chosen))
        assert np.bincount(given.text[chosen]).tolist() == [2, MOST_WINDOWS, 1]
    # Which windows they are does not depend on the other texts of the batch.
    ours.epoch(1)
    ours.loss(np.array([1]))
    assert [i for i in read[1] if given.text[i] == 1] == ours.classifier.seen[-1]


def test_parts_hold_all_rows_in_order_and_no_more_tokens_than_fit() -> None:
    ours = objective(SINGLE, ["a", "b", "c"] * 4, windows([1, 2, 1, 5, 1, 1, 2, 1, 1, 4, 1, 1]))
    ours.classifier.step_tokens = 10
    rows = np.random.RandomState(0).permutation(12)
    parts = ours.parts(rows)
    assert np.concatenate(parts).tolist() == rows.tolist()
    for part in parts:
        assert len(part) == 1 or ours.tokens[part].sum() <= 10 + ours.tokens[part].max()
    assert len(parts) >= ours.tokens.sum() // 20
    assert [len(part) for part in ours.parts(np.array([3]))] == [1]


def test_the_score_is_that_of_the_validation_texts() -> None:
    ours = objective(SINGLE, ["a", "b", "c", "a"])
    with torch.no_grad():
        ours.network.weight.zero_()
        ours.network.weight[torch.arange(4), torch.tensor([0, 1, 2, 1])] = 1.0
    assert ours.score().metric == pytest.approx(0.75)
    assert ours.score_cost == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", [-1, 2**40])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    ours = objective(SINGLE, ["a", "b"], windows([1, MOST_WINDOWS + 1]), seed=seed)
    for rows in ours.epoch(0):
        ours.loss(rows)
