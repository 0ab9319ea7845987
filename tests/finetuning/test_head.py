from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textgraft import FineTunedClassifier, load
from textgraft.encoders import EncoderFiles, resolve
from textgraft.evaluation.calibration import Calibration
from textgraft.finetuning.network import EncoderClassifier
from textgraft.task import Task

from ..encoders.families import FAMILIES, save_family

torch = pytest.importorskip("torch")

from textgraft.finetuning.head import fold, last_linear  # noqa: E402

TWO, THREE, MULTI = (
    Task(("bad", "good")),
    Task(("bad", "good", "neither")),
    Task(("bad", "good", "x"), multi_label=True),
)
TEXTS = [
    "the film was good",
    "a bad bad book and a not so good film",
    "goal",
    "",
    "an unknown game of words",
    "a " * 90,
]


@pytest.fixture(scope="module", params=[name for name in FAMILIES if name != "mt5"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    return resolve(str(save_family(request.param, tmp_path_factory.mktemp(request.param))))


@pytest.mark.parametrize("task", [TWO, THREE, MULTI], ids=["two", "three", "multi-label"])
def test_a_folded_network_answers_with_calibrated_probabilities(files: EncoderFiles, task: Task) -> None:
    classifier = EncoderClassifier(files, task, 32, "window", "fp32")
    windows = classifier.windows(TEXTS)
    assert len(windows.ids) > len(TEXTS)
    logits, k = classifier.logits_of_all(windows), len(task)
    scale = np.linspace(0.3, 2, k) if task.multi_label else np.full(k, 0.4)
    calibration = Calibration(scale.astype(np.float32), np.linspace(-1, 1, k).astype(np.float32))
    before = {name: weight.clone() for name, weight in classifier.network.state_dict().items()}
    fold(calibration, last_linear(classifier.network))
    expected = calibration.probabilities(logits, task)
    np.testing.assert_allclose(classifier.probabilities(windows), expected, atol=1e-6)
    after = classifier.network.state_dict()
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert len(changed) == 2  # a weight and a bias
    assert len({name.rpartition(".")[0] for name in changed}) == 1


@pytest.mark.parametrize("task", [THREE, MULTI], ids=["three", "multi-label"])
def test_a_folded_network_is_saved_as_it_answers(files: EncoderFiles, task: Task, tmp_path: Path) -> None:
    classifier = EncoderClassifier(files, task, 32, "window", "fp32")
    fold(Calibration(np.full(3, 0.5, np.float32), np.ones(3, np.float32)), last_linear(classifier.network))
    classifier.save(tmp_path)
    again = EncoderClassifier(resolve(str(tmp_path)), task, 32, "window", "fp32", complete=True)
    windows = classifier.windows(TEXTS)
    np.testing.assert_allclose(again.probabilities(windows), classifier.probabilities(windows), atol=1e-6)


def test_a_head_without_bias_takes_no_shift() -> None:
    head = torch.nn.Linear(4, 3, bias=False)
    states = torch.randn(5, 4)
    with torch.no_grad():
        logits = head(states)
        fold(Calibration(np.full(3, 2, np.float32), np.zeros(3, np.float32)), head)
        torch.testing.assert_close(head(states), 2 * logits)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("trained", ["all", "lora"])
def test_fine_tuning_ends_with_the_calibration_that_its_validation_data_ask_for(
    multi_label: bool, trained: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    if trained == "lora":
        pytest.importorskip("peft")
    texts = [f"the {noun} was {how} {more}" for noun in ("film", "book", "game", "match") for how in ("good", "bad")
             for more in ("great", "awful", "goal")]  # fmt: skip
    labels = ["good" if " good" in text else "bad" for text in texts]
    # A fifth of what is checked on is labelled wrongly, so that a network that is sure of itself is wrong.
    wrong = [{"good": "bad", "bad": "good"}[label] if i % 5 == 0 else label for i, label in enumerate(labels)]

    def given(names: list[str]) -> list[object]:
        return [[name] for name in names] if multi_label else list(names)

    model = FineTunedClassifier(
        str(tiny_encoder), precision="fp32", learning_rate=1e-2, epochs=8, batch_size=4, trained=trained  # type: ignore[arg-type]
    ).fit(texts, given(labels), valid=(texts, given(wrong)))  # fmt: skip
    said = model.chosen_["calibration"]
    assert said["log_loss_after"] <= said["log_loss_before"]
    if trained == "all":
        assert said["kept"] != "none"
        assert 0.6 < model.predict_proba(texts).max(axis=1).mean() < 0.95
    model.save(tmp_path / "model")
    again = load(tmp_path / "model").predict_proba(texts)
    np.testing.assert_allclose(again, model.predict_proba(texts), atol=1e-6)
