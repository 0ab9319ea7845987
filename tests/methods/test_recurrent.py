"""Recurrent networks as a method: on words from scratch, on pretrained vectors, on a frozen transformer's states."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from textgraft import RecurrentClassifier, load
from textgraft.dataset import Dataset, Rows
from textgraft.errors import SettingError, TextgraftError
from textgraft.progress import listening
from textgraft.task import Task

NOUNS = ("film", "book", "game", "match", "goal", "bank")
TEXTS = [
    f"the {noun} was {how} and {more}"
    for noun in NOUNS
    for how in ("good", "great", "bad", "awful")
    for more in ("the end", "not a rate", "very very")
]
LABELS = ["up" if "good" in text or "great" in text else "down" for text in TEXTS]
SMALL = {
    "hidden": 8,
    "layers": 1,
    "epochs": 10,
    "batch_size": 8,
    "learning_rate": 2e-2,
    "dropout": 0.1,
    "precision": "fp32",
}


def write_vectors(path: Path, words: list[str], width: int = 6) -> Path:
    rng = np.random.default_rng(5)
    lines = [f"{word} {' '.join(f'{value:.4f}' for value in rng.normal(size=width))}" for word in words]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    return write_vectors(tmp_path / "vectors.txt", sorted({word for text in TEXTS for word in text.split()} - {"bank"}))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_it_learns_from_scratch(cell: str, pooling: str) -> None:
    settings = SMALL | {"epochs": 25}
    task = Task(("down", "up"))
    data = Dataset(TEXTS, task.encode(LABELS), task, Rows.numbered(len(TEXTS)))
    # The epoch is chosen on all rows: a tenth of them, seven, would say too little.
    model = RecurrentClassifier(cell, pooling=pooling, width=8, **settings).fit(data, valid=data)  # type: ignore[arg-type]
    assert (model.predict(TEXTS) == np.array(LABELS)).mean() > 0.95


def test_a_saved_model_predicts_the_same_without_torch(tmp_path: Path, vectors: Path) -> None:
    model = RecurrentClassifier(vectors=str(vectors), **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    model.save(tmp_path / "model")
    vectors.unlink()
    probabilities = model.predict_proba(TEXTS)
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(TEXTS), probabilities)
    code = (
        "import sys, json, textgraft; "
        f"p = textgraft.load({str(tmp_path / 'model')!r}).predict_proba(['the film was great']); "
        "print(json.dumps([p[0].tolist(), 'torch' in sys.modules]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    there, torch_loaded = json.loads(said.splitlines()[-1])
    np.testing.assert_allclose(there, model.predict_proba(["the film was great"])[0], atol=1e-6)
    assert not torch_loaded


def test_frozen_vectors_stay_and_tuned_ones_do_not(vectors: Path) -> None:
    frozen = RecurrentClassifier(vectors=str(vectors), **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    tuned = RecurrentClassifier(vectors=str(vectors), train_vectors="tuned", **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    given = dict(line.split(" ", 1) for line in vectors.read_text("utf-8").splitlines())
    assert frozen.vocabulary_ is not None
    place = frozen.vocabulary_.words.index("great")
    expected = np.array(given["great"].split(), np.float32)
    np.testing.assert_array_equal(frozen.tensors_["embedding"][place], expected)
    assert (tuned.tensors_["embedding"][place] != expected).all()


def test_it_says_what_the_vectors_cover(vectors: Path) -> None:
    model = RecurrentClassifier(vectors=str(vectors), **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    assert 0.9 < model.chosen_["tokens_with_vector"] < 1
    assert any("bank" in note for note in model.notes_)


def test_vectors_of_another_language_are_warned_of(tmp_path: Path) -> None:
    foreign = write_vectors(tmp_path / "other.txt", ["der", "die", "das", "the"])
    model = RecurrentClassifier(vectors=str(foreign), **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    assert any("covers almost nothing" in note for note in model.notes_)


def test_texts_of_any_language_empty_ones_and_single_words_are_read() -> None:
    texts = ["¿Dónde está el niño?", "我喜欢这部电影", "😀👍🏽", "", "word", "   ", "plain text"]
    model = RecurrentClassifier(width=4, min_count=1, **SMALL)  # type: ignore[arg-type]
    probabilities = model.fit(texts, ["a", "b", "a", "b", "a", "b", "a"]).predict_proba(texts)
    assert np.isfinite(probabilities).all()


def test_a_vocabulary_of_one_word_will_do() -> None:
    texts, labels = ["yes"] * 10 + ["yes yes yes"] * 10, ["once"] * 10 + ["thrice"] * 10
    model = RecurrentClassifier("gru", width=4, pooling="last", **(SMALL | {"epochs": 60})).fit(texts, labels)  # type: ignore[arg-type]
    assert model.chosen_["words"] == 1
    assert set(model.predict(["yes", "yes yes yes"])) == {"once", "thrice"}


def test_texts_are_cut_where_said_and_the_share_is_told() -> None:
    model = RecurrentClassifier(max_tokens=3, width=4, **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    assert model.chosen_["texts_cut"] == 1.0
    assert any("cut there" in note for note in model.notes_)
    np.testing.assert_array_equal(model.predict_proba(["the film was good"]), model.predict_proba(["the film was bad"]))


def test_several_labels_at_once() -> None:
    names = [
        {label, text.split()[1]} if "goal" not in text else set() for text, label in zip(TEXTS, LABELS, strict=True)
    ]
    model = RecurrentClassifier(width=8, **(SMALL | {"epochs": 30})).fit(TEXTS, names)  # type: ignore[arg-type]
    assert model.task_.multi_label
    predicted = model.predict(TEXTS)
    assert np.mean([set(found) == right for found, right in zip(predicted, names, strict=True)]) > 0.7


def test_a_network_that_is_too_sure_of_itself_is_calibrated(tmp_path: Path) -> None:
    wrong = [{"up": "down", "down": "up"}[label] if i % 4 == 0 else label for i, label in enumerate(LABELS)]
    settings: dict[str, object] = SMALL | {"epochs": 25}
    model = RecurrentClassifier(width=8, **settings).fit(TEXTS, LABELS, valid=(TEXTS, wrong))  # type: ignore[arg-type]
    said = model.chosen_["calibration"]
    assert said["kept"] != "none"
    assert said["log_loss_after"] < said["log_loss_before"]
    assert 0.6 < model.predict_proba(TEXTS).max(axis=1).mean() < 0.9
    model.save(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)


class _Heard:
    """Keeps the names of works and the sentences, in their order."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def start(self, what: str, total: float | None) -> str:
        self.all.append(what)
        return what

    def advance(self, work: object, amount: float, detail: str) -> None:
        pass

    def finish(self, work: object) -> None:
        pass

    def say(self, sentence: str) -> None:
        self.all.append(sentence)


def test_on_a_frozen_encoder_its_states_are_computed_once(tiny_encoder: Path, tmp_path: Path) -> None:
    def fit() -> tuple[RecurrentClassifier, list[str]]:
        heard = _Heard()
        with listening(heard):
            model = RecurrentClassifier(encoder=str(tiny_encoder), **SMALL).fit(TEXTS, LABELS)  # type: ignore[arg-type]
        return model, heard.all

    model, heard = fit()
    assert heard.count("encoding") == 1
    again, heard = fit()
    assert "training" in heard
    assert "encoding" not in heard
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_what_an_encoders_states_take_on_disk_is_said_before_they_are_computed(tiny_encoder: Path) -> None:
    model = RecurrentClassifier(encoder=str(tiny_encoder), **(SMALL | {"epochs": 1}))  # type: ignore[arg-type]
    heard = _Heard()
    with listening(heard):
        model.fit(TEXTS, LABELS)
    (said,) = (text for text in heard.all if "Token states" in text)
    assert re.search(r"72 texts take 0\.\d MB in /", said)
    assert heard.all.index(said) < heard.all.index("encoding")
    assert said in model.notes_
    model.fit(TEXTS[:40], LABELS[:40])
    assert any(re.search(r"40 texts take 0\.\d MB in /", note) for note in model.notes_)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cell": "rnn"}, "cell must be one of 'gru', 'lstm'; got 'rnn'"),
        ({"pooling": "sum"}, "pooling must be one of"),
        ({"layers": 0}, "layers must be a whole number of at least 1"),
        ({"train_vectors": "frozen"}, "needs vectors"),
        ({"vectors": "glove.6B.50d", "train_vectors": "scratch"}, "leave out vectors"),
        ({"vectors": "glove.6B.50d", "encoder": "all-MiniLM-L6-v2"}, "one of vectors and encoder"),
        ({"tokenizer": "words"}, "tokenizer"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        RecurrentClassifier(**settings).fit(TEXTS, LABELS)  # type: ignore[arg-type]


def test_vectors_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(TextgraftError, match="nowhere"):
        RecurrentClassifier(vectors=str(tmp_path / "nowhere.txt")).fit(TEXTS, LABELS)


def test_other_vectors_under_the_same_name_are_another_training(vectors: Path, tmp_path: Path) -> None:
    settings = SMALL | {"vectors": str(vectors), "folder": tmp_path / "run", "checkpoint_seconds": 0, "epochs": 2}
    RecurrentClassifier(**settings).fit(TEXTS, LABELS)  # type: ignore[arg-type]
    write_vectors(vectors, ["the", "film", "was", "good", "bad"])
    with pytest.raises(TextgraftError, match="vectors"):
        RecurrentClassifier(**settings, resume=True).fit(TEXTS, LABELS)  # type: ignore[arg-type]


def test_texts_that_share_no_word_are_refused() -> None:
    with pytest.raises(TextgraftError, match="min_count"):
        RecurrentClassifier(min_count=3).fit(["one", "two", "three", "four"], ["a", "b", "a", "b"])


def test_a_fitted_model_comes_whole_out_of_a_pickle(tiny_encoder: Path) -> None:
    for settings in ({"width": 4}, {"encoder": str(tiny_encoder)}):
        model = RecurrentClassifier(**SMALL, **settings).fit(TEXTS, LABELS)  # type: ignore[arg-type]
        expected = model.predict_proba(TEXTS)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(TEXTS), expected)


def test_biases_are_not_decayed() -> None:
    from textgraft.recurrent.network import SequenceClassifier, Shape
    from textgraft.task import Task
    from textgraft.training import TrainingSettings
    from textgraft.training.optimizer import MasterAdamW

    network = SequenceClassifier(
        Shape("gru", 1, 4, True, 0.0, "max"), Task(("a", "b")), np.ones((5, 3), np.float32), train_table=False,
        precision="fp32", seed=0,
    ).network  # fmt: skip
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = MasterAdamW(network, TrainingSettings(1, 0.1, weight_decay=1.0), next(network.parameters()).dtype)
    optimizer.restart()
    optimizer.step(1.0, 1.0, optimizer.norm(1.0))  # no gradients: only decay moves anything
    for name, parameter in network.named_parameters():
        assert (parameter == before[name]).all() == name.endswith("bias"), name
