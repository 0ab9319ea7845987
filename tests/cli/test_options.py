"""Options of the methods: made of what their classes declare, and read only when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from textgraft.cli.options import MethodOptions
from textgraft.errors import SettingError
from textgraft.methods import METHODS


def test_help_of_the_whole_and_of_what_trains_nothing_loads_no_method() -> None:
    code = (
        "import sys; from textgraft.cli import main; sys.argv = ['textgraft', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: print('numpy' in sys.modules, 'textgraft.methods' in sys.modules)"
    )
    for call in (["--help"], ["--version"], ["predict", "--help"], ["evaluate", "--help"]):
        done = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, encoding="utf-8", check=True)
        assert done.stdout.endswith("False False\n"), call


def test_the_help_of_an_option_says_which_methods_have_it() -> None:
    help_of = {option.name: option.annotation.__metadata__[0].help for option in MethodOptions.parameters()}
    assert help_of["epochs"] == "networks: passes over the data."
    assert help_of["precision"] == "features, networks: auto, fp32, bf16 or fp16."
    assert help_of["trained"] == "finetune: all, head, lora, or how many of the last layers are trained."
    assert "ngrams: " in help_of["min_count"]
    assert "; recurrent: " in help_of["min_count"]
    assert not {"folder", "resume", "seed", "clip"} & help_of.keys()


@pytest.mark.parametrize(
    ("method", "option", "text", "value"),
    [
        ("finetune", "trained", "2", 2),
        ("finetune", "trained", "lora", "lora"),
        ("finetune", "thresholds", "0.25", 0.25),
        ("ngrams", "thresholds", "recall 0.9", "recall 0.9"),
        ("ngrams", "thresholds", "a=b,c=precision 90%,d=recall .5", {"a=b,c": "precision 90%", "d": "recall .5"}),
        ("recurrent", "class_weight", "joy=2, anger=0.5", {"joy": 2.0, "anger": 0.5}),
        ("recurrent", "class_weight", "a=b,c=2,d=1", {"a=b,c": 2.0, "d": 1.0}),
        ("recurrent", "class_weight", '{"a=1,b": 2, "c": 0.5}', {"a=1,b": 2, "c": 0.5}),
        ("ngrams", "class_weight", "balanced", "balanced"),
        ("finetune", "budget", "10m", "10m"),
        ("finetune", "epochs", 3, 3),
    ],
)
def test_text_is_read_as_the_method_means_it(method: str, option: str, text: Any, value: object) -> None:
    (model,) = MethodOptions(**{option: text}).build([method], 7)
    assert model.get_params()[option] == value
    assert model.get_params()["seed"] == 7


def test_an_encoder_beside_others_is_for_them_and_a_recurrent_network_reads_words() -> None:
    beside, features = MethodOptions(encoder="./some").build(["recurrent", "features"], 0)
    (alone,) = MethodOptions(encoder="./some").build(["recurrent", "recurrent"], 0)
    assert [model.get_params()["encoder"] for model in (beside, features, alone)] == [None, "./some", "./some"]


def test_faults_of_several_methods_are_said_at_once_and_each_once() -> None:
    with pytest.raises(SettingError) as caught:
        MethodOptions(epochs=0, pooling="sum", precision="fp8").build(["recurrent", "finetune"], 0)
    assert str(caught.value).splitlines() == [
        "3 settings cannot be used.",
        "pooling must be one of 'last', 'mean', 'max', 'attention'; got 'sum'.",
        "epochs must be a whole number of at least 1; got 0.",
        "precision must be one of 'auto', 'fp32', 'bf16', 'fp16'; got 'fp8'. Did you mean 'fp32' or 'fp16'?",
    ]
    with pytest.raises(SettingError, match=r"--epochs, --layer-decay means nothing to majority, ngrams; leave it out"):
        MethodOptions(epochs=1, layer_decay=0.5, min_count=2).build(["majority", "ngrams"], 0)
    with pytest.raises(SettingError, match=r"There is no method 'ngram'; methods are .* Did you mean 'ngrams'"):
        MethodOptions().build(["ngram"], 0)


def test_every_option_of_a_method_is_taken_by_it() -> None:
    shown = {option.name for option in MethodOptions.parameters()}
    assert shown == {name for cls in METHODS.values() for name, own in cls.hyperparameters.items() if own.help}
