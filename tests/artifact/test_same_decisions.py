"""Thresholds, abstention, sets and scope are those of the model in every runtime, and where there is no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft
from textgraft import FeatureClassifier, FineTunedClassifier, NgramClassifier, RecurrentClassifier, load
from textgraft.artifact.exporting import export
from textgraft.decision import Abstention, ConformalSets, Goal, Scope, Sureness, confidence
from textgraft.methods import TextClassifier
from textgraft.methods.answering import Answers

NETWORK: dict[str, Any] = {"epochs": 3, "batch_size": 16, "learning_rate": 5e-3}
TEXTS = [
    f"{article} {noun} was {how} {more}".strip()
    for article in ("the", "a")
    for noun in ("film", "book", "game", "bank")
    for how in ("good", "great", "bad", "awful", "not good")
    for more in ("", "and very very awful", "of the rate")
]
LABELS = ["good" if "good" in text or "great" in text else "bad" if "bad" in text else "other" for text in TEXTS]
NEW = [*TEXTS, "a good film", "the match was", "", "awful " * 40, "unheard of", "zq xv wk", "goal"]

WITHOUT_TORCH = """
import json, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "scipy"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Nothing())
from textgraft import load
answers = load(sys.argv[1], runtime=sys.argv[2]).answers(json.load(sys.stdin))
print(json.dumps([answers.predicted, answers.reasons, answers.sets]))
"""


def decided(model: TextClassifier) -> TextClassifier:
    """The model with all that can be chosen, nothing of it near to a text of ``NEW``."""

    def between(values: Any) -> float:
        """The middle of the widest gap among the third in the middle."""
        ordered = np.sort(np.asarray(values, np.float64))
        middle = ordered[len(ordered) // 3 : 2 * len(ordered) // 3]
        widest = int(np.argmax(np.diff(middle)))
        return float(middle[widest : widest + 2].mean())

    p, familiarity = model.scored(NEW, familiar=True)
    odds = between(p[:, 1] / np.delete(p, 1, axis=1).max(axis=1))
    model.thresholds_ = np.array([1, odds, 1], np.float32) / np.float32(1 + odds)
    model.goals_ = (Goal(str(model.classes_[1]), "precision", 0.9, 0.95, 100, 50, 40, 48),)
    sure = confidence(p, model.decision.targets(p, model.task_))
    scope = Scope(0.0, 0.05, 100, 1.0, None if familiarity is None else 1.0)
    model.abstention_ = Abstention(
        Sureness(between(sure), 0.9, 0.95, 100, 50, 48),
        replace(scope, threshold=between(scope.scores(sure, familiarity))),
        ConformalSets(tuple(map(between, p.T)), 0.9, True, 100),
    )
    return model


def trained(kind: str, encoder: Path) -> TextClassifier:
    model: TextClassifier
    if kind == "recurrent":
        model = RecurrentClassifier("lstm", hidden=8, layers=1, width=8, **NETWORK)
    elif kind == "features":
        model = FeatureClassifier(str(encoder))
    elif kind == "finetune":
        model = FineTunedClassifier(str(encoder), precision="fp32", **NETWORK)
    else:
        model = NgramClassifier()
    return decided(model.fit(TEXTS, LABELS, valid=(TEXTS, LABELS)))


def said(answers: Answers) -> list[Any]:
    found = [answers.predicted, answers.reasons, answers.sets]
    assert set(answers.reasons) == {"", "unsure", "out of scope"} or set(answers.reasons) == {"", "out of scope"}
    assert len(set(answers.predicted)) > 1
    return list(json.loads(json.dumps(found)))


def slow(*values: str) -> object:
    """A case that writes an encoder as ONNX, which takes torch ten seconds."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("kind", "runtime"),
    [
        ("recurrent", "onnx"),
        ("recurrent", "openvino"),
        slow("features", "onnx"),
        slow("features", "openvino"),
        slow("finetune", "onnx"),
        slow("finetune", "openvino"),
    ],
)
def test_an_export_decides_and_abstains_as_the_model_does_without_torch_too(
    kind: str, runtime: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    for library in ("torch", "onnx", "onnxruntime", *(["openvino"] if runtime == "openvino" else [])):
        pytest.importorskip(library)
    place = trained(kind, tiny_encoder).save(tmp_path / "model")
    export(place, runtime=runtime, precision="fp32", to=tmp_path / "shipped")
    own, shipped = load(place, runtime="torch"), load(tmp_path / "shipped", runtime=runtime)
    assert (own.abstention_, own.goals_) == (shipped.abstention_, shipped.goals_)
    assert said(own.answers(NEW)) == said(shipped.answers(NEW)) == without_torch(tmp_path / "shipped", runtime)


@pytest.mark.parametrize("kind", ["ngrams", "recurrent"])
def test_a_model_that_computes_with_numpy_alone_does_so_too(kind: str, tiny_encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = trained(kind, tiny_encoder)
    assert said(model.answers(NEW)) == without_torch(model.save(tmp_path / "model"), "auto")


def without_torch(place: Path, runtime: str) -> list[Any]:
    """What the model says in a process where neither torch nor SciPy can be imported."""
    source = str(Path(textgraft.__file__).parent.parent)
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(place), runtime],
        input=json.dumps(NEW),
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))
