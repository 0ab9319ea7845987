"""Sets of labels answer as the matrix does that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from textgraft.label_sets import LabelSets

MATRICES = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=7))


@given(MATRICES)
def test_a_matrix_comes_back_as_it_was(matrix: Any) -> None:
    sets = LabelSets.of(matrix)
    assert_array_equal(np.asarray(sets), matrix)
    assert sets.shape == matrix.shape
    assert sets.tolist() == matrix.tolist()
    assert [row.tolist() for row in sets] == [np.flatnonzero(row).tolist() for row in matrix]


@given(MATRICES)
def test_sums_are_those_of_the_matrix(matrix: Any) -> None:
    sets, weights = LabelSets.of(matrix), np.arange(len(matrix)) + 0.5
    assert_array_equal(sets.counts, matrix.sum(axis=0))
    assert_array_equal(sets.sizes, matrix.sum(axis=1))
    np.testing.assert_allclose(sets.weighed(weights), weights @ matrix)
    rows_of = sets.rows_of()
    for label in range(sets.width):
        assert_array_equal(rows_of(label), np.flatnonzero(matrix[:, label]))


@given(MATRICES, st.data())
def test_rows_are_chosen_as_from_the_matrix(matrix: Any, data: st.DataObject) -> None:
    sets, n = LabelSets.of(matrix), len(matrix)
    indices = st.lists(st.integers(0, max(n - 1, 0)), max_size=9 if n else 0).map(lambda at: np.array(at, np.int64))
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda mask: np.array(mask, np.bool_))
    at: Any = data.draw(st.one_of(indices, masks, st.slices(n)))
    assert_array_equal(np.asarray(sets[at]), matrix[at])


@given(MATRICES, st.data())
def test_labels_are_chosen_and_moved_as_columns_are(matrix: Any, data: st.DataObject) -> None:
    sets, k = LabelSets.of(matrix), matrix.shape[1]
    start = data.draw(st.integers(0, k))
    end = data.draw(st.integers(start, k))
    assert_array_equal(sets.columns(start, end), matrix[:, start:end])
    chosen = np.array(data.draw(st.permutations(range(k)))[:start], np.int64)
    assert_array_equal(np.asarray(sets.only(chosen)), matrix[:, chosen])
    place = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=k, max_size=k)), np.int64)
    expected = np.zeros((len(matrix), 4), np.bool_)
    for column in np.flatnonzero(place >= 0):
        expected[:, place[column]] |= matrix[:, column]
    assert_array_equal(np.asarray(sets.moved(place, 4)), expected)


@given(st.lists(MATRICES.filter(lambda matrix: matrix.shape[1] > 2).map(lambda matrix: matrix[:, :3]), min_size=1))
def test_parts_are_put_one_below_the_other(parts: list[Any]) -> None:
    whole = LabelSets.concatenate([LabelSets.of(part) for part in parts])
    assert_array_equal(np.asarray(whole), np.concatenate(parts))


def test_one_label_per_row_is_a_case_of_it() -> None:
    sets = LabelSets.single(np.array([2, 0, 2]), 4)
    assert_array_equal(np.asarray(sets), np.eye(4, dtype=bool)[[2, 0, 2]])
    assert_array_equal(np.asarray(LabelSets.of_rows([[2, 2], [], [3, 0]], 4)), [[0, 0, 1, 0], [0] * 4, [1, 0, 0, 1]])
