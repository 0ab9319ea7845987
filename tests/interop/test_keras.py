from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.errors import MissingExtraError, SettingError, TrainingError
from textgraft.interop.keras import as_keras
from textgraft.methods.estimator import NotFittedError
from textgraft.training.records import read_log

from ..serving.running import serving

pytest.importorskip("torch")
keras = pytest.importorskip("keras")

# Keras' own, where it gives weights as arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

WORDS = ["the", "a", "film", "book", "game", "was", "is", "very", "not", "and"]
GOOD, BAD = ["good", "great"], ["bad", "awful"]


def sentences(n: int, seed: int = 0, longest: int = 12) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        label = i % 3 != 0
        words = [*rng.choice(WORDS, rng.integers(2, longest)), rng.choice(GOOD if label else BAD)]
        texts.append(" ".join(rng.permutation(words)))
        labels.append("good" if label else "bad")
    return texts, labels


def several(texts: list[str]) -> list[list[str]]:
    return [[word for word in ("film", "book", "good", "bad") if word in text.split()] for text in texts]


class StepLosses(keras.callbacks.Callback):
    """The loss of each step; Keras shows the mean of all so far, each as often as its texts."""

    def __init__(self, batches: Any) -> None:
        super().__init__()
        self.sizes = [len(batches[i][1]) for i in range(len(batches))]
        self.means: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.means.append(logs["loss"])

    @property
    def losses(self) -> np.ndarray:
        sizes = np.array(self.sizes[: len(self.means)])
        return np.diff(np.array(self.means) * np.cumsum(sizes), prepend=0.0) / sizes


@pytest.mark.parametrize("case", ["plain", "weights", "multi-label", "windows", "recurrent"])
def test_keras_trains_as_the_own_loop_does(case: str, tiny_encoder: Path, tmp_path: Path) -> None:
    texts, labels = sentences(120, longest=60 if case == "windows" else 12)
    given: Any = several(texts) if case == "multi-label" else labels
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 90) if case == "weights" else None
    options: dict[str, Any] = {"epochs": 1, "dropout": 0.0, "precision": "fp32", "batch_size": 16, "seed": 3}
    if case in ("weights", "multi-label"):
        options |= {"class_weight": "balanced", "label_smoothing": 0.1}

    def classifier(**more: Any) -> Any:
        if case == "recurrent":
            return tg.RecurrentClassifier(hidden=8, width=12, **options, **more)
        size = {"max_tokens": 16} if case == "windows" else {}
        return tg.FineTunedClassifier(str(tiny_encoder), learning_rate=1e-3, **size, **options, **more)

    train, valid = (texts[:90], given[:90]), (texts[90:], given[90:])
    own = classifier(folder=tmp_path).fit(*train, valid=valid, sample_weight=weights)
    expected = [step["loss"] for step in read_log(tmp_path / "log.jsonl")]

    model = classifier()
    network = as_keras(model, *train, valid=valid, sample_weight=weights)
    network.compile()
    seen = StepLosses(network.train_batches)
    network.fit(network.train_batches, epochs=1, shuffle=False, verbose=0, callbacks=[seen])
    fitted = network.finish()

    assert fitted is model
    assert len(expected) == len(network.train_batches) > 4
    # The log has six digits, Keras a mean in fp32 of all steps so far, and each update is rounded.
    np.testing.assert_allclose(seen.losses, expected, atol=2e-5)
    np.testing.assert_allclose(model.predict_proba(texts), own.predict_proba(texts), atol=1e-3)


def test_a_model_trained_by_keras_is_saved_evaluated_exported_and_served(tiny_encoder: Path, tmp_path: Path) -> None:
    texts, labels = sentences(150)
    model = tg.FineTunedClassifier(str(tiny_encoder), dropout=0.0, precision="fp32", batch_size=16)
    network = as_keras(model, texts, labels)
    with pytest.raises(NotFittedError):
        model.predict(texts[:1])
    network.compile(keras.optimizers.AdamW(3e-3))
    history = network.fit(network.train_batches, validation_data=network.valid_batches, epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert {"accuracy", "val_loss", "val_accuracy"} < history.keys()
    network.finish()

    test = sentences(40, seed=9)
    assert tg.evaluate(model, test).metrics["accuracy"].value > 0.8
    answers = model.predict_proba(test[0])
    place = model.save(tmp_path / "model")
    assert "Keras" in tg.load(place).chosen_["trained_by"]
    np.testing.assert_allclose(tg.load(place).predict_proba(test[0]), answers, atol=1e-6)
    tg.export(place, runtime="onnx", precision="fp32")
    np.testing.assert_allclose(tg.load(place, runtime="onnx").predict_proba(test[0]), answers, atol=1e-4)
    with serving(place) as service:
        served = service.predict(texts=test[0][:3]).json()["predictions"]
    assert [each["label"] for each in served] == list(model.predict(test[0][:3]))


def test_padding_changes_nothing(tiny_encoder: Path) -> None:
    texts, labels = sentences(40, longest=50)
    options = {"max_tokens": 16, "precision": "fp32", "batch_size": 8}
    network = as_keras(tg.FineTunedClassifier(str(tiny_encoder), **options), texts, labels)
    alone = np.concatenate([network.predict(network.batches([text]), verbose=0) for text in texts[:9]])
    together = network.predict(network.batches(texts[:9]), verbose=0)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    (inputs, *_) = network.batches(texts)[0]
    wider = {name: np.pad(inputs[name], [(0, 0), (0, 2), (0, 5)][: inputs[name].ndim]) for name in inputs}
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(network(wider)), network.predict(inputs, verbose=0), atol=1e-5
    )


def test_callbacks_and_weights_of_keras_are_the_weights_of_the_model(tiny_encoder: Path, tmp_path: Path) -> None:
    texts, labels = sentences(60)
    model = tg.FineTunedClassifier(str(tiny_encoder), dropout=0.0, precision="fp32", trained=1)
    network = as_keras(model, texts, labels)
    before = [weight.copy() for weight in network.get_weights()]
    network.compile(keras.optimizers.AdamW(0.3))  # soon it gets worse
    network.fit(
        network.train_batches,
        validation_data=network.valid_batches,
        epochs=3,
        verbose=0,
        callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)],
    )
    network.save_weights(tmp_path / "w.weights.h5")
    changed = [not np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)]
    assert any(changed)
    assert not all(changed)  # only the last layer and what follows was trained
    logits = network.predict(network.batches(texts), verbose=0)
    network.set_weights(before)
    assert not np.allclose(network.predict(network.batches(texts), verbose=0), logits)
    network.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(network.predict(network.batches(texts), verbose=0), logits)
    probabilities = network.finish().predict_proba(texts)  # the head is calibrated in place, for Keras too
    calibrated = network.predict(network.batches(texts), verbose=0)
    np.testing.assert_allclose(model.task_.probabilities(calibrated), probabilities, atol=1e-5)


def test_what_cannot_be_trained_by_keras_is_said(tiny_encoder: Path) -> None:
    texts, labels = sentences(30)
    encoder = str(tiny_encoder)
    with pytest.raises(SettingError, match="got a NgramClassifier"):
        as_keras(tg.NgramClassifier(), texts, labels)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"patience='2' .* keras\.callbacks\.EarlyStopping"):
        as_keras(tg.FineTunedClassifier(encoder, patience=2), texts, labels)
    with pytest.raises(tg.TextgraftError, match="as many labels as texts"):
        as_keras(tg.FineTunedClassifier(encoder), texts, labels[:5])
    with pytest.raises(tg.TextgraftError, match="label"):
        as_keras(tg.FineTunedClassifier(encoder), texts)

    network = as_keras(tg.FineTunedClassifier(encoder), texts, labels)
    with pytest.raises(tg.TextgraftError, match="never seen in the training data: 'so-so'"):
        network.batches(["a film"], ["so-so"])
    with pytest.raises(tg.TextgraftError, match="There are no texts"):
        network.batches([])
    network.compile()
    with pytest.raises(tg.TextgraftError, match="These batches have no labels"):
        network.fit(network.batches(texts), verbose=0)
    with pytest.raises(SettingError, match=r"finish\(\)\.save"):
        network.get_config()
    network.set_weights([np.full(variable.shape, np.nan) for variable in network.weights])
    with pytest.raises(TrainingError, match="diverged"):
        network.finish()


def test_a_missing_keras_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r'pip install "textgraft\[keras\]"'):
        as_keras(tg.FineTunedClassifier(str(tiny_encoder)), ["a", "b"], ["x", "y"])


@pytest.mark.parametrize("backend", ["numpy", "no-such-backend"])
def test_another_backend_is_refused_with_what_to_set(backend: str) -> None:
    code = (
        f"import os; os.environ['KERAS_BACKEND'] = {backend!r}\n"
        "from textgraft.errors import SettingError\n"
        "from textgraft.interop.keras import check_backend\n"
        "try: check_backend()\n"
        "except SettingError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'os.environ["KERAS_BACKEND"] = "torch"' in said
    assert backend in said
