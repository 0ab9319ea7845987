from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.data.dividing import divide, for_choice
from textgraft.data.folds import fold_of_row, make_folds, wants_folds, what_is_missing
from textgraft.dataset import Dataset, Rows, Splits
from textgraft.errors import DataError, SettingError
from textgraft.task import Task


def dataset(labels: list[str], groups: list[str] | None = None, *, texts: list[str] | None = None) -> Dataset:
    names = tuple(sorted(set(labels)))
    words = np.random.default_rng(0).integers(0, 26, (len(labels), 12))
    written = texts or [
        " ".join(f"{chr(97 + a)}{i}{chr(97 + b)}" for a, b in w.reshape(-1, 2)) for i, w in enumerate(words)
    ]
    targets = np.array([names.index(label) for label in labels], np.int64)
    keys = None if groups is None else np.array(groups, object)
    return Dataset(written, targets, Task(names), Rows.numbered(len(labels)), groups=keys)


@given(st.lists(st.sampled_from("aaabbc"), min_size=12, max_size=90), st.integers(2, 6), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_folds_are_of_one_size_and_stratified_and_the_same_whatever_the_order(
    labels: list[str], k: int, seed: int
) -> None:
    labels = [*"ab" * k, *labels]
    data = dataset(labels)
    fold = fold_of_row(data, k, seed)
    sizes = np.bincount(fold, minlength=k)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= 3
    for label in range(len(data.task)):
        of_label = np.bincount(fold[data.targets == label], minlength=k)
        assert of_label.max() - of_label.min() <= 2
    order = np.random.default_rng(seed).permutation(len(data))
    np.testing.assert_array_equal(fold_of_row(data.select(order), k, seed), fold[order])


def test_what_must_stay_together_is_in_one_fold() -> None:
    labels = ["a", "b"] * 40
    grouped = fold_of_row(dataset(labels, [f"author {i // 4}" for i in range(80)]), 5)
    assert all(len(set(grouped[i : i + 4])) == 1 for i in range(0, 80, 4))
    texts = [f"the very same words of number {i // 2} stand here twice {i // 2}" for i in range(80)]
    repeated = fold_of_row(dataset(["a", "a", "b", "b"] * 20, texts=texts), 5)
    assert all(repeated[i] == repeated[i + 1] for i in range(0, 80, 2))


def test_a_group_so_large_that_no_fold_can_be_made_is_refused_with_its_size_and_a_row() -> None:
    labels = ["a"] * 60 + ["b"] * 40
    data = dataset(labels, ["one"] * 60 + [f"other {i}" for i in range(40)])
    with pytest.raises(DataError, match=r"largest has 60% of the rows \(such as .*row 1\).*--folds 0 .*--test"):
        make_folds(data, 5)
    with pytest.raises(DataError, match=r"5 folds cannot be made of 100 rows, which make 2 groups"):
        make_folds(dataset(labels, ["one"] * 60 + ["two"] * 40), 5)
    by_label = dataset(["a"] * 30 + ["b"] * 30, [f"{i // 30}" for i in range(60)])
    with pytest.raises(DataError, match="fewer than two labels are left to learn from"):
        make_folds(by_label, 2)


def test_fewer_rows_than_folds_are_refused_and_by_default_there_are_no_more_folds_than_rows() -> None:
    data = dataset(["a", "b"] * 3)
    with pytest.raises(DataError, match=r"10 folds cannot be made of 6 rows[.] Give more rows, fewer folds"):
        make_folds(data, 10)
    assert make_folds(data).k == 6
    for wrong in (1, -3, 2.5, True):
        with pytest.raises(SettingError, match=r"a whole number of at least 2"):
            make_folds(data, wrong)  # type: ignore[arg-type]


def test_repetitions_have_other_folds() -> None:
    folds = make_folds(dataset(["a", "b"] * 50))
    assert (folds.k, folds.repeats) == (20, 2)
    assert (folds.of_row[0] != folds.of_row[1]).any()
    assert str(folds) == "20 folds, twice"
    assert make_folds(dataset(["a", "b"] * 50), most=5).repeats == 1


def test_the_table_decides_between_folds_and_rows_that_are_held_out() -> None:
    assert wants_folds(4_999, np.array([2_500, 2_499]), 0.2)
    assert not wants_folds(5_000, np.array([2_500, 2_500]), 0.2)
    assert wants_folds(9_000, np.array([8_900, 100]), 0.2)  # 20 test rows of a label
    assert not wants_folds(20_000, np.array([19_900, 100]), 0.2)
    small = dataset(["a", "b"] * 30)
    assert divide(small).folds is not None
    assert divide(small, folds=0).folds is None
    held = divide(small, test_size=0.25, choosing=True)
    assert {name: len(part) for name, part in held.parts().items()} == {"train": 36, "valid": 9, "test": 15}
    assert divide(small, test_size=0).parts().keys() == {"train"}


def test_time_is_never_mixed_by_folds() -> None:
    data = dataset(["a", "b"] * 30)
    dated = Dataset(data.texts, data.targets, data.task, data.rows, times=np.arange(60))
    assert divide(dated, choosing=True).folds is None
    with pytest.raises(SettingError, match="folds mix both"):
        divide(dated, folds=5)


def test_folds_beside_what_they_are_for_are_refused() -> None:
    data = dataset(["a", "b"] * 30)
    with pytest.raises(SettingError, match=r"--folds .* is for where there is none"):
        divide(data, test=data, folds=5)
    with pytest.raises(SettingError, match="leave one out"):
        divide(data, test_size=0.2, folds=5)


def test_methods_are_chosen_on_rows_that_are_not_reported_on() -> None:
    small, large = dataset(["a", "b"] * 30), dataset(["a", "b"] * 2_500)
    by_folds = for_choice(Splits(small, test=dataset(["a", "b"] * 10)))
    assert by_folds.folds is not None
    assert by_folds.valid is None
    held = for_choice(Splits(large, test=small))
    assert held.valid is not None
    assert (len(held.train), len(held.valid)) == (4_000, 1_000)
    given = Splits(large, valid=small, test=small)
    assert for_choice(given) is given


def test_what_a_table_lacks_is_named() -> None:
    assert what_is_missing(dataset(["a", "b"] * 10)) == ""
    assert (
        what_is_missing(dataset(["a"] * 18 + ["b"])) == "19 rows are fewer than 20, and fewer than 3 rows carry 'b' (1)"
    )
