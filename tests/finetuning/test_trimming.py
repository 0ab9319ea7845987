from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft.encoders import TextTokenizer, resolve
from textgraft.finetuning.loading import load_with_head
from textgraft.task import Task
from textgraft.text.batches import pad
from textgraft.training import TrainingSettings

from ..encoders.families import FAMILIES, save_family

torch = pytest.importorskip("torch")

from textgraft.finetuning.trimming import TrimmedVocabulary  # noqa: E402
from textgraft.training.optimizer import MasterAdamW  # noqa: E402

TASK = Task(("bad", "good", "neither"))
# "film" and "goal" are in no text; rows are of three lengths, so that there is padding.
TEXTS = ["the book was good", "a bad bad book and a not so good game", "of the game", ""]
SETTINGS = TrainingSettings(epochs=1, learning_rate=0.01, weight_decay=0.2)


@pytest.fixture(scope="module", params=[name for name in FAMILIES if name not in ("mt5", "umt5")])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_family(request.param, tmp_path_factory.mktemp(request.param))


def loaded(encoder: Path) -> tuple[Any, Any, int]:
    """A network, the windows of the texts, and the padding id."""
    files = resolve(str(encoder))
    tokenizer = TextTokenizer(files)
    network = load_with_head(files, TASK, 0, dropout=0.0).train()
    return network, tokenizer.windows(TEXTS, 64, "truncate"), tokenizer.pad_id


def logits(network: Any, windows: Any, pad_id: int) -> Any:
    ids, mask = pad(windows.ids, pad_id)
    return network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits


def trained(network: Any, windows: Any, pad_id: int, steps: int = 3) -> float:
    """Trains in fp32; gives what a row without gradients shrinks by."""
    optimizer = MasterAdamW(network, SETTINGS, torch.float32)
    targets = torch.arange(len(TEXTS)) % 3
    for step in range(steps):
        loss = torch.nn.functional.cross_entropy(logits(network, windows, pad_id), targets)
        optimizer.gather(optimizer.gradients(loss))
        optimizer.step(1 - step / steps, 1.0, optimizer.norm(1.0))
    optimizer.put_back(optimizer.weights)
    return optimizer.decay


def test_the_trimmed_table_computes_the_same(encoder: Path) -> None:
    network, windows, pad_id = loaded(encoder)
    with torch.no_grad():
        before = logits(network, windows, pad_id)
        vocabulary = TrimmedVocabulary(network, windows.ids, pad_id)
        after = logits(network, vocabulary.trimmed(windows), pad_id)
    assert torch.equal(before, after)
    assert network.get_input_embeddings().num_embeddings < vocabulary.full.num_embeddings


def test_training_on_it_is_training_on_the_full_table(encoder: Path) -> None:
    full, windows, pad_id = loaded(encoder)
    trained(full, windows, pad_id)
    network, _, _ = loaded(encoder)
    start = network.get_input_embeddings().weight.detach().clone()
    vocabulary = TrimmedVocabulary(network, windows.ids, pad_id)
    decay = trained(network, vocabulary.trimmed(windows), pad_id)
    vocabulary.restore(decay)
    assert network.get_input_embeddings().weight.shape == start.shape
    ours, theirs = network.state_dict(), full.state_dict()
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, rtol=0, atol=2e-5, msg=lambda m, n=name: f"{n}: {m}")
    # Rows of words that no text has are as they were but for weight decay.
    unused = np.setdiff1d(np.arange(len(start)), np.concatenate([*windows.ids, [pad_id]]))
    assert len(unused)
    torch.testing.assert_close(ours_rows(network)[unused], start[unused] * decay, rtol=1e-5, atol=1e-7)
    assert decay < 0.999


def ours_rows(network: Any) -> Any:
    return network.get_input_embeddings().weight.detach()


def test_a_frozen_table_comes_back_as_it_was(encoder: Path) -> None:
    network, windows, pad_id = loaded(encoder)
    table = network.get_input_embeddings()
    table.weight.requires_grad_(False)
    before = table.weight.detach().clone()
    vocabulary = TrimmedVocabulary(network, windows.ids, pad_id)
    assert not network.get_input_embeddings().weight.requires_grad
    trained(network, vocabulary.trimmed(windows), pad_id)
    vocabulary.restore(0.5)
    assert network.get_input_embeddings() is table
    assert torch.equal(table.weight, before)


class Tabled(torch.nn.Module):
    """Nothing but an embedding table."""

    def __init__(self, rows: int, padding: int | None = None) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(rows, 4, padding)

    def get_input_embeddings(self) -> Any:
        return self.table

    def set_input_embeddings(self, table: Any) -> None:
        self.table = table


@pytest.mark.parametrize(
    ("pad_id", "used", "size"),
    [
        (0, [5, 9, 50], 4),
        (1, [0, 2, 77], 4),
        (1, [5, 9], 3),  # comes second although the ids below it are not used
        (3, [1, 2], 3),  # its own number would lie outside of the table
        (90, [5, 9, 50, 99], 5),
        (90, [5, 90, 99], 3),
        (99, [7], 2),
    ],
)
def test_the_padding_id_stays_and_the_table_holds_little_else_than_what_is_used(
    pad_id: int, used: list[int], size: int
) -> None:
    network = Tabled(100, pad_id)
    full = network.table
    ids = np.array(used, np.int32)
    vocabulary = TrimmedVocabulary(network, [ids[:1], ids], pad_id)
    assert network.table.num_embeddings == size
    numbers = torch.from_numpy(np.append(vocabulary.place[ids], pad_id))
    assert len(set(numbers.tolist())) == len({*used, pad_id})
    assert torch.equal(network.table(numbers), full(torch.tensor([*used, pad_id])))
    # Each row comes back to where it was, and the padding token's has no gradient, as before.
    before = full.weight.detach().clone()
    network.table(numbers).sum().backward()
    assert network.table.weight.grad is not None
    with torch.no_grad():
        network.table.weight += network.table.weight.grad
    vocabulary.restore(1.0)
    assert set(np.flatnonzero((full.weight != before).any(1).numpy())) == {*used} - {pad_id}


def test_a_padding_row_other_than_the_tokenizers_stays_untrained() -> None:
    network = Tabled(100, 40)
    vocabulary = TrimmedVocabulary(network, [np.array([5, 9], np.int32)], 0)
    network.table(torch.arange(4)).sum().backward()
    assert network.table.weight.grad is not None
    still = [int(vocabulary.used[i]) for i in range(4) if not network.table.weight.grad[i].any()]
    assert still == [40]
