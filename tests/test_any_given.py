"""Labels and texts from Python, in any container: the same Dataset as the plain list gives, or a sentence."""

from __future__ import annotations

import collections
import decimal
import enum
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.given import as_dataset, as_given, as_texts
from textgraft.labels import label_name

from .trying import EXAMPLES

T = TypeVar("T")
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "strings": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(label_name),
    "whole numbers": st.integers(-(2**62), 2**62),
    "numbers": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "true and false": st.booleans(),
    "dates": st.dates(date(1970, 1, 1), date(2200, 1, 1)),
    "moments": st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
}
CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "view": lambda values: dict(enumerate(values)).values(),
    "deque": collections.deque,
    "array": np.array,
    "objects": lambda values: np.array([*values, None], dtype=object)[:-1],
    "column": lambda values: np.array([*values, None], dtype=object)[:-1, None],
    "Series": pd.Series,
    "Series of objects": lambda values: pd.Series(values, dtype=object, index=range(7, 7 + len(values))),
    "nullable": lambda values: pd.Series(values).convert_dtypes(),
    "Arrow in pandas": lambda values: pd.Series(values).convert_dtypes(dtype_backend="pyarrow"),
    "Index": pd.Index,
    "Categorical": pd.Categorical,
    "frame": lambda values: pd.DataFrame({"y": values}),
    "polars": pl.Series,
    "polars frame": lambda values: pl.DataFrame({"y": values}),
    "Arrow": pa.array,
    "chunks of Arrow": lambda values: pa.chunked_array([pa.array(values[:1]), pa.array(values[1:])]),
    "dictionary of Arrow": lambda values: pa.array(values).dictionary_encode(),
    "Arrow table": lambda values: pa.table({"y": values}),
    "scalars of Arrow": lambda values: list(pa.array(values)),
}
TENSORS: dict[str, Callable[[list[Any]], Any]] = {
    "tensor": torch.tensor,
    "tensors": lambda values: list(torch.tensor(values)),
    "sparse column": lambda values: scipy.sparse.csr_array(np.array(values)[:, None]),
}


def labels() -> st.SearchStrategy[tuple[str, list[Any]]]:
    return st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.tuples(st.just(kind), st.lists(KINDS[kind], min_size=2, max_size=8))
    )


def outcome(use: Callable[[], T]) -> tuple[T | None, str]:
    """What comes of it, or the refusal."""
    try:
        return use(), ""
    except tg.TextgraftError as error:
        return None, str(error)


def texts_of(values: list[Any]) -> list[str]:
    return [f"text {i}" for i in range(len(values))]


@settings(max_examples=EXAMPLES, deadline=None)
@given(labels(), st.sampled_from(sorted(CONTAINERS)))
def test_one_label_per_text_in_any_container_is_read_as_in_a_list(kind_values: tuple[str, list[Any]], box: str) -> None:
    _, values = kind_values
    texts = texts_of(values)
    plain = as_dataset(texts, values, who="fit")
    try:
        boxed = CONTAINERS[box](values)
    except (pa.ArrowException, OverflowError):  # nothing that this library holds
        return
    data = as_dataset(texts, boxed, who="fit")
    assert data.task == plain.task
    assert data.targets.tolist() == plain.targets.tolist()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8), st.sampled_from(sorted(TENSORS)))
def test_numbers_in_tensors_are_read_as_in_a_list(values: list[int], box: str) -> None:
    texts = texts_of(values)
    data = as_dataset(texts, TENSORS[box](values), who="fit")
    assert data.task.decode(data.targets) == [str(value) for value in values]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=2, max_size=6))
def test_a_matrix_of_0_and_1_is_read_the_same_from_any_library(rows: list[list[bool]]) -> None:
    matrix = np.array(rows).astype(int)
    texts = texts_of(rows)
    for given_matrix in (
        matrix,
        matrix.astype(bool),
        matrix.astype(float),
        matrix.tolist(),
        scipy.sparse.csr_matrix(matrix),
        scipy.sparse.coo_array(matrix),
        torch.tensor(matrix),
        pd.DataFrame(matrix, columns=["0", "1"]),
        pd.DataFrame(matrix).convert_dtypes(),
        pl.DataFrame({"0": matrix[:, 0], "1": matrix[:, 1]}),
        pl.LazyFrame({"0": matrix[:, 0], "1": matrix[:, 1]}),
        pa.table({"0": matrix[:, 0], "1": matrix[:, 1]}),
    ):
        data = as_dataset(texts, given_matrix, who="fit")
        assert data.task == tg.Task(("0", "1"), multi_label=True)
        assert data.targets.tolist() == matrix.astype(bool).tolist()


class Mood(enum.Enum):
    GLAD = "glad"
    SAD = "sad"


ANY = st.one_of(
    *KINDS.values(),
    st.none(),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.just(float("nan")),
    st.just(float("inf")),
    st.text(max_size=2),
    st.binary(max_size=2),
    st.complex_numbers(),
    st.timedeltas(),
    st.decimals().filter(lambda number: not number.is_snan()),
    st.fractions(),
    st.sampled_from(Mood),
    st.sampled_from([object(), {"a": 1}, {1}, b"x", np.array([1, 2]), np.array(3), np.float32(0.1), torch.tensor(1.5)]),
    st.sampled_from([pd.Timestamp("2024-01-01"), np.datetime64("2024-01-01", "ns"), np.timedelta64(1, "ns"), len]),
    st.integers(),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(ANY | st.lists(ANY, max_size=3), max_size=6), st.sampled_from([list, tuple, iter, "objects"]))
def test_whatever_labels_hold_they_are_read_or_refused_in_a_sentence(values: list[Any], box: Any) -> None:
    texts = texts_of(values)
    boxed = box(values) if callable(box) else pd.Series([*values, None], dtype=object)[:-1]
    read, refusal = outcome(lambda: as_given(texts, boxed, who="fit"))
    if read is None:
        assert refusal.endswith(".")
    else:
        assert len(read.classes) == len(read.data.task)
        assert all(name == name.strip(" ") and name for name in read.data.task.labels)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(ANY, max_size=5), st.sampled_from([list, iter, "objects"]))
def test_whatever_texts_hold_they_are_read_or_refused_in_a_sentence(values: list[Any], box: Any) -> None:
    boxed = box(values) if callable(box) else pd.Series([*values, None], dtype=object)[:-1]
    texts, refusal = outcome(lambda: as_texts(boxed))
    assert refusal.endswith(".") if texts is None else all(type(text) is str for text in texts)


@settings(max_examples=max(10, EXAMPLES // 20), deadline=None)
@given(labels(), st.booleans())
def test_what_fit_takes_save_writes_and_a_loaded_model_answers_the_same(
    tmp_path_factory: pytest.TempPathFactory, kind_values: tuple[str, list[Any]], several: bool
) -> None:
    _, values = kind_values
    texts, folder = texts_of(values), tmp_path_factory.mktemp("model") / "model"
    given_labels = [[value] for value in values] if several else values
    model, refusal = outcome(lambda: tg.MajorityClassifier().fit(texts, given_labels))
    if model is None:
        assert "to tell apart" in refusal or "a list of one 0 or 1" in refusal or "Of probabilities" in refusal
        return
    model.save(folder)
    again = tg.load(folder)
    assert again.classes_.dtype == model.classes_.dtype
    assert again.classes_.tolist() == model.classes_.tolist()
    assert list(again.predict(texts)) == list(model.predict(texts))
    if not several:
        table = tg.read_table({"text": texts, "label": values}, text="text", label="label")
        assert tg.evaluate(again, table).to_dict() == tg.evaluate(again, texts, values).to_dict()


@pytest.mark.parametrize(
    ("values", "classes", "says"),
    [
        ([0.0, 1.0], [0.0, 1.0], ""),
        (["good ", "bad "], ["bad ", "good "], ""),
        (["good ", "good", "bad"], ["bad", "good"], "Labels that are one: 'good ', 'good' are 'good'."),
        ([Mood.GLAD, Mood.SAD], ["glad", "sad"], "members of an Enum are answered by their names, such as 'glad'"),
        ([date(2024, 5, 1), date(2023, 5, 1)], ["2023-05-01", "2024-05-01"], "dates are answered by their names"),
        ([b"good", b"bad"], ["bad", "good"], "bytes are answered by their names"),
        ([decimal.Decimal("1.50"), decimal.Decimal(2)], ["1.5", "2"], ""),
        ([2**70, 1], ["1", str(2**70)], ""),
        ([True, False], [False, True], ""),
        (["10", "9"], ["10", "9"], ""),
    ],
)
def test_labels_come_back_in_the_callers_types_where_a_file_can_hold_them(
    values: list[Any], classes: list[Any], says: str, tmp_path: Path
) -> None:
    texts = texts_of(values)
    model = tg.MajorityClassifier().fit(texts, values)
    assert model.classes_.tolist() == classes
    assert says in " ".join(model.notes_)
    model.save(tmp_path / "model")
    assert tg.load(tmp_path / "model").predict(texts).tolist() == model.predict(texts).tolist()


def test_lists_are_taken_wherever_fit_takes_them() -> None:
    texts = [f"{word} number {i} of {'many' * (i % 7)}" for i in range(40) for word in ("grand", "awful")]
    names = ["good", "bad"] * 40
    pairs = list(zip(texts, names, strict=True))
    table = tg.read_table(pairs)
    model = tg.NgramClassifier().fit(pairs, valid=(texts[:10], names[:10]))
    expected = tg.evaluate(model, table).to_dict()
    for given_data in ((texts, names), (pairs,), (iter(pairs),), ((texts, names),), (np.array(pairs),), (table,)):
        assert tg.evaluate(model, *given_data).to_dict() == expected
    parts = tg.split(table)
    assert tg.split(texts, names).test.texts == tg.split(pairs).test.texts == parts.test.texts  # type: ignore[union-attr]
    compared = tg.compare([tg.MajorityClassifier()], texts, pd.Series(names, dtype="category"), seed=3)
    again = tg.compare([tg.MajorityClassifier()], table, seed=3)
    np.testing.assert_array_equal(compared.splits.folds.of_row, again.splits.folds.of_row)  # type: ignore[union-attr]
    assert "in 20 folds, twice, stratified, with seed 3" in compared.splits.notes[0]
    assert str(tg.inspect(texts, names)) == str(tg.inspect(tg.split(texts, names, valid=0, test=0).train))


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (lambda model: tg.evaluate(model, ["a", "b"]), "evaluate needs labels"),
        (lambda model: tg.evaluate(model, "t.csv"), r"not the path 't.csv'; .* textgraft.read_table"),
        (lambda model: tg.evaluate(model, pd.DataFrame({"text": ["a"]})), "not a DataFrame"),
        (lambda model: tg.evaluate(model, tg.Splits(tg.read_table([("a", "x"), ("b", "y")]))), "give it splits.train"),
        (lambda model: tg.evaluate(model, [("a", "x"), "b"]), "item 1 is 'b'"),
        (lambda model: tg.evaluate(model, (("a", "x"), ("b", "y"))), r"may be two \(text, label\) pairs"),
        (lambda model: tg.evaluate(model, ["a"], [["x", "y"]]), "has 2 labels: it is read as multi-label"),
        (lambda model: tg.evaluate(model, ["a"], np.ones((1, 3))), "3 columns; a single-label task of 2 labels"),
        (lambda model: tg.split(["a", "b"]), "split needs labels"),
        (lambda model: tg.compare([model], ["a", "b"]), "compare needs labels"),
        (lambda model: model.fit(["a", "b"], ["x", "y"], valid=0.1), "valid needs labels.* given 0.1 of type float"),
        (lambda model: model.fit(["a", "b"], ["x", "y"], valid=(["a"], ["z"])), "never seen in the training data: 'z'"),
        (lambda model: model.fit(["a", "b"], {"x": 1, "y": 2}), "Labels must come as a list; got a dictionary"),
        (lambda model: model.fit({"a", "b"}, ["x", "y"]), "a set, whose items have no order"),
        (lambda model: model.fit(["a", "b"], [[0], [1]]), "one label per text, or a list of labels"),
        (lambda model: model.fit(["a", "b"], [[0.2, 0.8], [0.9, 0.1]]), "Of probabilities take those above"),
        (lambda model: model.fit(["a", "b"], [True, 0]), "all true and false or all numbers; got both: True and 0"),
        (lambda model: model.predict(pd.Series(["a", pd.NA], dtype="string")), "item 1 is None .* Fill it in"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(use: Callable[[Any], object], sentence: str) -> None:
    with pytest.raises(tg.TextgraftError, match=sentence):
        use(tg.MajorityClassifier().fit(["a", "b"], ["x", "y"]))


def test_a_matrix_without_names_is_read_in_the_order_of_the_labels_of_the_model() -> None:
    texts = ["a", "b", "c", "d"]
    model = tg.MajorityClassifier().fit(texts, [["joy"], ["fear"], ["joy", "fear"], ["joy"]])
    matrix = np.array([[0, 1], [1, 0], [1, 1], [0, 1]])
    names = model.classes_.tolist()
    by_name = tg.evaluate(model, texts, pd.DataFrame(matrix, columns=names)).to_dict()
    assert names == ["fear", "joy"]
    assert tg.evaluate(model, texts, matrix).to_dict() == by_name
    assert model.score(texts, matrix) == model.score(texts, [["joy"], ["fear"], ["joy", "fear"], ["joy"]])
