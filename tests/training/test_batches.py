"""What a network sees, as tensors: the very batches of a training, before ``fit`` and after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft import FineTunedClassifier, RecurrentClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import DataError, SettingError
from textgraft.task import Task

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
WORDS = ["the", "a", "film", "book", "was", "good", "bad", "great", "awful", "not"]
TEXTS = [" ".join(RNG.choice(WORDS, n)) for n in RNG.integers(1, 30, 50)]
LABELS = ["up" if "good" in text or "great" in text else "down" for text in TEXTS]
SINGLE = Task(("down", "up"))
DATA = Dataset(TEXTS, SINGLE.encode(LABELS), SINGLE, Rows.numbered(len(TEXTS)))
SMALL: dict[str, Any] = {"hidden": 4, "layers": 1, "width": 4, "epochs": 1, "batch_size": 8, "precision": "fp32"}


def recurrent(**settings: Any) -> RecurrentClassifier:
    return RecurrentClassifier(**(SMALL | settings))


def tuned(encoder: Path, **settings: Any) -> FineTunedClassifier:
    return FineTunedClassifier(str(encoder), **({"epochs": 1, "batch_size": 8, "precision": "fp32"} | settings))


@pytest.fixture(params=["words", "states", "finetune", "windows"])
def model(request: pytest.FixtureRequest, tiny_encoder: Path) -> RecurrentClassifier | FineTunedClassifier:
    return {
        "words": recurrent(),
        "states": recurrent(encoder=str(tiny_encoder)),
        "finetune": tuned(tiny_encoder),
        "windows": tuned(tiny_encoder, max_tokens=10),
    }[request.param]


@pytest.mark.parametrize("order", ["training", "evaluation", "rows"])
def test_batches_hold_every_text_once_with_its_label_and_padding_behind(model: Any, order: Any) -> None:
    batches = model.batches(DATA, order=order)
    assert np.sort(np.concatenate([batch.rows for batch in batches])).tolist() == list(range(len(TEXTS)))
    places = tokens = 0
    for batch in batches:
        assert batch.ids.shape == batch.mask.shape == (len(batch.tokens), int(batch.lengths.max()))
        assert batch.labels.tolist() == DATA.targets[batch.rows].tolist()
        assert [len(row) for row in batch.tokens] == batch.lengths.tolist() == batch.mask.sum(dim=1).tolist()
        assert (batch.mask.diff(dim=1) <= 0).all()  # padding is behind
        assert set(batch.text_of.tolist()) == set(range(len(batch)))
        assert {batch.ids.dtype, batch.mask.dtype, batch.lengths.dtype, batch.labels.dtype} == {torch.int64}
        places, tokens = places + batch.ids.numel(), tokens + int(batch.lengths.sum())
        assert f"{batch.padding:.1%} of {batch.ids.numel():,} places are padding" in str(batch)
    assert batches.padding == pytest.approx(1 - tokens / places)
    assert f"{batches.padding:.1%} of {places:,} places" in str(batches)
    if order == "rows":
        assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(len(TEXTS)))


def test_batches_of_similar_length_hold_less_padding(model: Any) -> None:
    assert model.batches(DATA).padding < model.batches(DATA, order="rows").padding


def test_epochs_differ_and_come_again(model: Any) -> None:
    first, second, again = ([b.rows.tolist() for b in model.batches(DATA, epoch=n)] for n in (0, 1, 0))
    assert first == again != second


def test_tokens_are_the_words_of_the_text() -> None:
    for batch in recurrent(min_count=1).batches(DATA):
        for row, text in enumerate(batch.rows):
            assert batch.tokens[row] == TEXTS[text].split()


def test_a_fitted_classifier_reads_by_its_own_vocabulary(model: Any, tmp_path: Path) -> None:
    before = [batch.ids for batch in model.batches(DATA)]
    model.fit(DATA, valid=DATA)
    for each in (model, load(model.save(tmp_path / "model"))):
        after = [batch.ids for batch in each.batches(DATA)]
        assert len(before) == len(after)
        assert all(map(torch.equal, before, after))
    with pytest.raises(DataError, match="sideways"):
        model.batches([("film", "sideways"), ("book", "up")])


def test_they_are_the_batches_that_the_network_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from textgraft.recurrent.network import SequenceClassifier

    forward, seen = SequenceClassifier.forward, []

    def watched(self: SequenceClassifier, rows: Sequence[Any]) -> Any:
        if self.network.training:
            seen.append(sorted(row.tolist() for row in rows))
        return forward(self, rows)

    monkeypatch.setattr(SequenceClassifier, "forward", watched)
    monkeypatch.setattr(SequenceClassifier, "threads", 1)
    model = recurrent(epochs=2).fit(DATA, valid=DATA)
    batches = [batch for epoch in (0, 1) for batch in model.batches(DATA, epoch=epoch)]
    expected = [
        sorted(ids[:length].tolist() for ids, length in zip(batch.ids, batch.lengths.tolist(), strict=True))
        for batch in batches
    ]
    assert seen == expected


def test_several_labels_are_a_matrix() -> None:
    labels = [["good"] * ("good" in text) + ["bad"] * ("bad" in text) for text in TEXTS]
    batches = recurrent().batches(TEXTS, labels)
    batch = batches[0]
    assert batch.labels.dtype == torch.float32
    names = batches.data.task.labels
    for row, of_row in zip(batch.rows.tolist(), batch.labels.tolist(), strict=True):
        assert {name for name, bit in zip(names, of_row, strict=True) if bit} == set(labels[row])


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(SettingError, match="order must be"):
        recurrent().batches(DATA, order="random")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="epoch must be"):
        recurrent().batches(DATA, epoch=-1)
    with pytest.raises(SettingError, match="hidden"):
        recurrent(hidden=0).batches(DATA)
    with pytest.raises(DataError, match="at least one text"):
        recurrent().batches(DATA.select([]))


def test_a_batch_is_drawn() -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    batch = recurrent(batch_size=60).batches(DATA)[0]
    picture = batch.plot()
    picture.chart.to_dict()  # checks it
    assert picture.svg().startswith("<svg")
    assert f"{batch.padding:.1%} of the places are padding" in picture.about
    assert "48 rows" in picture.about
    assert batch._repr_html_().startswith("<svg")


def test_a_training_is_remembered_and_drawn(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    model = recurrent(epochs=3, folder=tmp_path / "training").fit(DATA, valid=DATA)
    assert [entry["step"] for entry in model.history_] == list(range(1, 22))
    scores = [entry["score"] for entry in model.history_ if "score" in entry]
    np.testing.assert_allclose(scores, model.chosen_["valid_scores"], atol=1e-4)
    picture = model.plot_training()
    picture.chart.to_dict()
    assert "21 steps" in picture.about
    assert picture.svg().startswith("<svg")
    loaded = load(model.save(tmp_path / "model"))
    assert isinstance(loaded, RecurrentClassifier)
    with pytest.raises(SettingError, match="folder of the training"):
        loaded.plot_training()
    assert loaded.plot_training(tmp_path / "training").about == picture.about
