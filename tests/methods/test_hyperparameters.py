"""Hyperparameters declared once: what follows from a declaration, and what is said of values that cannot be used."""

from __future__ import annotations

import functools
import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner

from textgraft import load
from textgraft.cli import app
from textgraft.dataset import Dataset
from textgraft.errors import SettingError
from textgraft.methods import METHODS, NgramClassifier, RecurrentClassifier, TextClassifier
from textgraft.methods.constraints import (
    Checked,
    Choice,
    Constraint,
    LabelWeights,
    Number,
    Regularisation,
    Share,
    SizeRange,
    Text,
    TimeSpan,
)
from textgraft.methods.estimator import clone
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters, redeclared
from textgraft.methods.stacked import Members
from textgraft.model_directory import MethodFacts
from textgraft.runtimes import Runtime
from textgraft.unicode import quoted

# what every method has
EVERY = "metric: 'Any | None' = None, thresholds: 'Thresholds | None' = None, abstain: 'float | None' = None"
OF_ALL = {"metric": None, "thresholds": None, "abstain": None}
OF_EVERY = (inspect.getdoc(METHODS["majority"]) or "").partition("Args:\n")[2].partition("\n\n")[0]
DECLARED = [(method, name) for method, cls in METHODS.items() for name in cls.hyperparameters]


@hyperparameters
class LengthClassifier(TextClassifier):
    """Tells short texts from long ones.

    Attributes:
        share_: of the last label.
    """

    method = "length"
    rung = 1
    facts = MethodFacts("the length of a text")

    longest: int = hyperparameter(Number(1, 99, whole=True), "words of a short text; more are long.", default=5)

    share_: float = fitted()

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        self.share_ = float(train.counts[-1] / len(train))

    def _proba(self, texts: list[str]) -> NDArray[np.float32]:
        first = np.array([[len(text.split()) <= self.longest] for text in texts], np.float32)
        return np.hstack((first, 1 - first))

    def write_state(self, folder: Path) -> None:
        (folder / "length.json").write_text(json.dumps(self.share_))

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.share_ = json.loads((folder / "length.json").read_text())


def test_constructor_docs_check_and_parameters_of_a_new_method_follow_from_one_declaration() -> None:
    assert str(inspect.signature(LengthClassifier)) == f"(*, longest: 'int' = 5, {EVERY}) -> None"
    assert inspect.getdoc(LengthClassifier) == (
        "Tells short texts from long ones.\n\n"
        f"Args:\n    longest: words of a short text; more are long.\n{OF_EVERY}\n\n"
        "Attributes:\n    share_: of the last label."
    )
    model = LengthClassifier(longest=7)
    assert model.get_params() == clone(model).get_params() == {"longest": 7} | OF_ALL
    assert repr(model.set_params(longest=8)) == "LengthClassifier(longest=8)"
    assert repr(LengthClassifier()) == "LengthClassifier()"
    with pytest.raises(SettingError, match=r"^longest must be a whole number from 1 to 99; got 100\.$"):
        LengthClassifier(longest=100).fit(["a", "b"], ["x", "y"])
    with pytest.raises(TypeError, match="share_"):
        LengthClassifier(share_=1.0)  # type: ignore[call-arg]


def test_a_new_method_has_its_option_on_the_command_line_and_its_value_in_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "length", LengthClassifier)
    table, out = tmp_path / "table.csv", tmp_path / "model"
    rows = [f"{'word ' * n} {n},{'short' if n < 10 else 'very long'}" for n in range(1, 41)]
    table.write_text("text,label\n" + "\n".join(rows))
    call = ["train", str(table), "--method", "length", "--out", str(out), "--longest"]
    shown = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    assert re.search(r"--longest +<int> +length: words of a short text\. ", shown)
    assert "from 1 to 99; got 0" in str(CliRunner().invoke(app, [*call, "0"]).exception)
    assert CliRunner().invoke(app, [*call, "9"]).exit_code == 0
    assert json.loads((out / "textgraft.json").read_text())["parameters"] == {"longest": 9} | OF_ALL
    model = load(out)
    assert model.get_params() == {"longest": 9} | OF_ALL
    assert model.predict(["word " * 8, "word " * 20]).tolist() == ["short", "very long"]  # type: ignore[union-attr]


def test_a_subclass_changes_a_default_and_a_meaning_by_declaring_again() -> None:
    @hyperparameters
    class Longer(LengthClassifier):
        """Tells long texts from longer ones."""

        step: float = hyperparameter(Number(0), "between them.", default=0.5)
        longest: int = redeclared(LengthClassifier, "longest", "words of a long text.", default=50)

    assert str(inspect.signature(Longer)) == f"(*, step: 'float' = 0.5, longest: 'int' = 50, {EVERY}) -> None"
    assert "Args:\n    step: between them.\n    longest: words of a long text." in (inspect.getdoc(Longer) or "")
    assert Longer(longest=100).faults() == ["longest must be a whole number from 1 to 99; got 100."]
    assert LengthClassifier().longest == 5


@pytest.mark.parametrize("method", METHODS)
def test_the_docs_of_a_method_say_what_each_of_its_parameters_means(method: str) -> None:
    documented = re.findall(r"^    (\w+): \S", (inspect.getdoc(METHODS[method]) or "").partition("Args:")[2], re.M)
    parameters = list(inspect.signature(METHODS[method]).parameters)
    assert documented[: len(parameters)] == parameters == list(METHODS[method].hyperparameters)
    assert max(map(len, (inspect.getdoc(METHODS[method]) or "").splitlines())) <= 116


@pytest.mark.parametrize(
    ("method", "first"), [("features", "encoder"), ("finetune", "encoder"), ("recurrent", "cell"), ("ngrams", None)]
)
def test_what_a_method_is_mostly_about_comes_first_and_without_its_name(method: str, first: str | None) -> None:
    positional = [
        name
        for name, parameter in inspect.signature(METHODS[method]).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    assert positional == ([first] if first else [])


def test_all_faults_of_a_call_are_said_at_once() -> None:
    model = RecurrentClassifier("grou", layers=0, dropout=2, tensorboard=True, class_weight={"a": -1, "b": 1, "c": 0})  # type: ignore[arg-type]
    with pytest.raises(SettingError) as caught:
        model.fit(["a", "b"], ["a", "b"])
    assert str(caught.value).splitlines() == [
        "6 settings cannot be used.",
        "cell must be one of 'gru', 'lstm'; got 'grou'. Did you mean 'gru'?",
        "layers must be a whole number of at least 1; got 0.",
        "dropout must be a number from 0 to 0.9; got 2.",
        "class_weight of 'a' must be a number of at least 1e-06; got -1.",
        "class_weight of 'c' must be a number of at least 1e-06; got 0.",
        "tensorboard needs a folder for the training; give folder= (--out on the command line).",
    ]
    with pytest.raises(
        SettingError, match=r"'sead'\. Did you mean 'seed'\?.*'word'\. Did you mean 'words'\?.*It has C,"
    ):
        NgramClassifier().set_params(sead=1, word=2)


@pytest.mark.parametrize(("method", "name"), DECLARED)
def test_defaults_can_be_used(method: str, name: str) -> None:
    assert METHODS[method].hyperparameters[name].faults(name, METHODS[method].hyperparameters[name].default) == []


@functools.singledispatch
def bad_values(constraint: Constraint) -> st.SearchStrategy[Any]:
    """Values that a constraint refuses, made from what it declares."""
    raise NotImplementedError


def other_texts(*known: str) -> st.SearchStrategy[str]:
    near = st.sampled_from(known).map(lambda word: word[:-1]) if known else st.nothing()
    return (st.text(max_size=9) | near).filter(lambda text: text not in known)


NO_NUMBERS = st.sampled_from([None, True, "1", [1], 1j, float("nan"), float("inf"), np.bool_(True)])


@bad_values.register
def _(constraint: Choice) -> st.SearchStrategy[Any]:
    others = other_texts(*constraint.words) | st.integers() | st.sampled_from([None, np.bool_(True), ("gru",)])
    return others.filter(lambda value: not any(value is known for known in constraint.values))


@bad_values.register
def _(constraint: LabelWeights) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.text(max_size=3), st.floats(max_value=0) | NO_NUMBERS, min_size=1) | other_texts(
        "balanced"
    )


@bad_values.register
def _(constraint: Number) -> st.SearchStrategy[Any]:
    bad = NO_NUMBERS
    if constraint.least > -np.inf:
        bad |= st.floats(max_value=constraint.least, exclude_max=True)
    if constraint.most < np.inf:
        bad |= st.floats(min_value=constraint.most, exclude_min=True)
    return bad | st.just(1.5) if float not in constraint.types else bad


@bad_values.register
def _(constraint: Share) -> st.SearchStrategy[Any]:
    return NO_NUMBERS | st.floats(max_value=0) | st.floats(min_value=1)


@bad_values.register
def _(constraint: SizeRange) -> st.SearchStrategy[Any]:
    return other_texts(*constraint.words) | st.sampled_from(
        [2, (2, 1), (0, 1), (1, constraint.most + 1), (1,), (1, 2, 3), (1.0, 2.0), (True, 2), (1, None)]
    )


@bad_values.register
def _(constraint: Regularisation) -> st.SearchStrategy[Any]:
    negative = st.floats(max_value=0)
    return other_texts("auto") | negative | st.lists(negative) | st.sampled_from([None, True, [1, "auto"], {1: 2}])


@bad_values.register
def _(constraint: TimeSpan) -> st.SearchStrategy[Any]:
    number = st.floats(max_value=0)
    return number | number.map(lambda value: f"{value}m") | st.sampled_from(["", "m", "10 days", [1], True, "nan"])


@bad_values.register
def _(constraint: Text) -> st.SearchStrategy[Any]:
    return st.integers() | st.lists(st.text()) | st.floats() | st.just(None)


@bad_values.register
def _(constraint: Members) -> st.SearchStrategy[Any]:
    few = st.lists(st.sampled_from(constraint.words), max_size=1)
    wrong = [("ngrams", "ngrams"), ("ngrams", "majority"), ("stack", "ngrams"), [{"method": "ngrams"}, "features"]]
    return (
        other_texts()
        | few
        | few.map(tuple)
        | st.sampled_from([*wrong, None, 2, ("ngrams", 1), ("ngrams", ["features"])])
    )


@bad_values.register
def _(constraint: Checked) -> st.SearchStrategy[Any]:
    return st.integers(max_value=0) | st.sampled_from([True, None, "spaci:en", "", "globall", -0.5, (1,)])


@pytest.mark.parametrize(("method", "name"), DECLARED)
@given(data=st.data())
def test_a_value_that_cannot_be_used_is_refused_by_name_with_what_is_allowed(
    method: str, name: str, data: st.DataObject
) -> None:
    declared = METHODS[method].hyperparameters[name]
    value = data.draw(bad_values(declared.constraint))
    if value is None and declared.annotation.endswith("None"):
        assert declared.faults(name, value) == []
        return
    faults = METHODS[method](**{name: value}).faults()
    about = [fault for fault in faults if re.search(rf"\b{name}\b", fault)]
    if isinstance(declared.constraint, LabelWeights) and isinstance(value, dict):
        label, weight = next(iter(value.items()))
        assert about[0] == f"{name} of {quoted(label)} must be a number of at least 1e-06; got {quoted(weight)}."
    else:
        assert quoted(value) in about[0]
        assert getattr(declared.constraint, "allowed", "") in about[0] or "must start at single words" in about[0]
    with pytest.raises(SettingError, match=re.escape(about[0])):
        METHODS[method](**{name: value}).check_settings()


def test_only_what_is_kept_with_a_model_and_changes_its_weights_identifies_a_checkpoint() -> None:
    left_out = {name for name, own in METHODS["finetune"].hyperparameters.items() if not (own.saved and own.trains)}
    assert left_out == {"budget", "folder", "resume", "checkpoint_seconds", "tensorboard", "thresholds", "abstain"}
    assert METHODS["finetune"].unsaved == left_out - {"thresholds", "abstain"}


def test_types_of_options_follow_from_annotations_whether_postponed_or_not() -> None:
    kinds: dict[str, object] = {"int": int, "float | None": float, "bool": bool, "str | float | None": str}
    for annotation, kind in kinds.items():
        for written in (annotation, eval(annotation)):
            space = {
                "__annotations__": {"it": written},
                "it": hyperparameter(Text("it"), "it.", default=None),
                "__module__": __name__,
            }
            cls: Any = hyperparameters(type("Some", (), space))
            assert cls.hyperparameters["it"].kind is kind


@pytest.mark.slow
def test_the_type_checker_knows_the_constructor(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from textgraft.methods import NgramClassifier, RecurrentClassifier\n"
        "RecurrentClassifier('gru', layers=1)\n"
        "RecurrentClassifier(layers='1')\n"
        "RecurrentClassifier('gru', 2)\n"
        "NgramClassifier(words_=1)\n"
    )
    source = Path(inspect.getfile(TextClassifier)).parents[2]
    said, _, _ = api.run(["--config-file", str(source.parent / "pyproject.toml"), "--no-incremental", str(wrong)])
    assert [line.split(":")[1] for line in said.splitlines() if "error" in line and "wrong.py" in line] == list("345")
