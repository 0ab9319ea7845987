"""Sparse matrices in NumPy alone, against dense ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from textgraft.text.sparse import SparseRows, pair_keys, unpaired


@st.composite
def occurrences(draw: st.DrawFn) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]]:
    """Cells of a matrix of a few rows and columns, in any order and some of them several times."""
    n, f = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    cells = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, f - 1)), max_size=40)) if n and f else []
    rows, columns = np.array(cells, np.int32).reshape(-1, 2).T
    return rows, columns, (n, f)


def dense_counts(rows: NDArray[np.int32], columns: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.float32]:
    counts = np.zeros(shape, np.float32)
    np.add.at(counts, (rows, columns), 1)
    return counts


@settings(max_examples=100)
@given(occurrences())
def test_counts_are_those_of_a_dense_matrix(
    cells: tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]],
) -> None:
    sparse, dense = SparseRows.counts(*cells), dense_counts(*cells)
    assert sparse.shape == dense.shape
    np.testing.assert_array_equal(sparse.csr().toarray(), dense)
    assert sparse.csr().has_canonical_format  # columns ascend, and none is there twice
    np.testing.assert_array_equal(sparse.squared().csr().toarray(), dense**2)
    factors = np.arange(cells[2][1], dtype=np.float32) + 2
    np.testing.assert_array_equal(sparse.scaled(factors).csr().toarray(), dense * factors)
    np.testing.assert_allclose(sparse.logarithmic().csr().toarray()[dense > 0], 1 + np.log(dense[dense > 0]), rtol=1e-6)


@settings(max_examples=100)
@given(occurrences(), st.integers(1, 4))
def test_products_are_those_of_a_dense_matrix(
    cells: tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]], width: int
) -> None:
    right = np.random.default_rng(0).normal(size=(cells[2][1], width)).astype(np.float32)
    sparse, dense = SparseRows.counts(*cells), dense_counts(*cells)
    np.testing.assert_allclose(sparse @ right, dense @ right, atol=1e-5)
    np.testing.assert_array_equal(sparse @ right[:, 0], (sparse @ right[:, :1])[:, 0])


@pytest.mark.parametrize("width", [1, 7, 200])
def test_a_row_of_a_large_product_is_the_product_of_the_row(width: int) -> None:
    rng = np.random.default_rng(1)
    lengths = np.concatenate((rng.integers(0, 40, 300), [20_000, 0, 1]))  # one row alone fills many blocks
    rows = np.repeat(np.arange(len(lengths)), lengths).astype(np.int32)
    columns = rng.integers(0, 5_000, len(rows)).astype(np.int32)
    right = rng.normal(size=(5_000, width)).astype(np.float32)
    product = SparseRows.counts(rows, columns, (len(lengths), 5_000)) @ right
    for row in [*range(0, 300, 13), 300, 301, 302]:
        alone = SparseRows.counts(rows[rows == row] * 0, columns[rows == row], (1, 5_000))
        np.testing.assert_array_equal(product[row], (alone @ right)[0])
        np.testing.assert_allclose(product[row], dense_counts(*cells_of(alone))[0] @ right, rtol=1e-3, atol=1e-2)


def cells_of(row: SparseRows) -> tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]]:
    """The cells of one row, each as often as it counts."""
    columns = np.repeat(row.columns, row.values.astype(np.int64))
    return np.zeros(len(columns), np.int32), columns, row.shape


@settings(max_examples=50)
@given(st.lists(occurrences(), min_size=1, max_size=4))
def test_parts_are_stacked_over_the_same_columns_or_over_their_own(
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], tuple[int, int]]],
) -> None:
    dense = [dense_counts(*part) for part in parts]
    apart = SparseRows.stack([SparseRows.counts(*part) for part in parts], apart=True)
    expected = np.zeros((sum(len(part) for part in dense), sum(part.shape[1] for part in dense)), np.float32)
    row = column = 0
    for part in dense:
        expected[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    np.testing.assert_array_equal(apart.csr().toarray(), expected)
    widest = max(part.shape[1] for part in dense)
    wide = [SparseRows.counts(rows, columns, (n, widest)) for rows, columns, (n, _) in parts]
    together = np.concatenate([np.pad(part, ((0, 0), (0, widest - part.shape[1]))) for part in dense])
    np.testing.assert_array_equal(SparseRows.stack(wide).csr().toarray(), together)


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))))
def test_pairs_and_their_keys_have_one_order(pairs: list[tuple[int, int]]) -> None:
    numbers = np.array(pairs, np.int32).reshape(-1, 2)
    keys = pair_keys(numbers[:, 0], numbers[:, 1])
    np.testing.assert_array_equal(unpaired(keys), numbers)
    np.testing.assert_array_equal(unpaired(np.sort(keys)), np.array(sorted(pairs), np.int32).reshape(-1, 2))
