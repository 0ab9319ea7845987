"""Tensors are read as safetensors writes them, and a file that lies about itself is refused before memory is taken."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from textgraft.errors import ArtifactError
from textgraft.tensors import Tensors, read_header

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
DTYPES = st.sampled_from([np.float32, np.float16, np.float64, np.int32, np.int64])


def written(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    """A safetensors file with just this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(start: int = 0, stop: int = 8, dtype: object = "F32", shape: object = (2,)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@given(st.dictionaries(st.text(max_size=8), st.tuples(DTYPES, SHAPES), max_size=4), st.data())
def test_what_safetensors_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, Any], data: st.DataObject
) -> None:
    arrays = {}
    for name, (dtype, shape) in wanted.items():
        arrays[name] = data.draw(hnp.arrays(dtype, shape, elements={"min_value": -1000, "max_value": 1000}))
    arrays.pop("__metadata__", None)
    path = tmp_path_factory.mktemp("tensors") / "t.safetensors"
    save_file(arrays, path, {"made": "here"})
    found = Tensors.read(path)
    assert found.tensors.keys() == arrays.keys()
    for name, array in arrays.items():
        tensor = found(name, *array.shape, dtypes=(array.dtype.name,))
        np.testing.assert_array_equal(tensor, array)
        assert tensor.flags.writeable
    assert {name: (one.shape, one.stop - one.start) for name, one in read_header(path).items()} == {
        name: (array.shape, array.nbytes) for name, array in arrays.items()
    }


@pytest.mark.parametrize(
    ("header", "size", "sentence"),
    [
        ({"a": entry(), "b": entry(8, 16)}, 8, "its tensors end at 16, the file at 8"),
        ({"a": entry()}, 9, "its tensors end at 8, the file at 9"),
        ({"a": entry(4, 12)}, 12, "begins at 4, not at 0"),
        ({"a": entry(), "b": entry(4, 12)}, 12, "begins at 4, not at 8"),
        ({"a": entry(shape=[3])}, 8, r"the shape \(3,\) has 8 bytes"),
        ({"a": entry(shape=[1 << 60, 16])}, 8, "does not say what the tensor 'a' is"),
        ({"a": entry(0, 0, shape=[0, 1 << 62])}, 0, "does not say what the tensor 'a' is"),
        ({"a": entry(0, 4, shape=[1] * 100)}, 4, "does not say what the tensor 'a' is"),
        ({"a": entry(shape=[-2])}, 8, "does not say what"),
        ({"a": entry(shape=[True, 2])}, 8, "does not say what"),
        ({"a": entry(shape=[2.0])}, 8, "does not say what"),
        ({"a": entry(dtype="F99")}, 8, "does not say what"),
        ({"a": entry(dtype=["F32"])}, 8, "does not say what"),
        ({"a": entry() | {"more": 1}}, 8, "does not say what"),
        ({"a": []}, 0, "does not say what"),
        ([], 0, "its header is not an object"),
        (b"[" * 100_000, 0, "nested too deeply"),
        (b'{"a": {}, "a": {}}', 0, "the key 'a' is there twice"),
        (b"{", 0, "the header of .* is damaged"),
        (b"\xff\xfe", 0, "the header of .* is damaged"),
        ({"a": entry(stop=10**30)}, 8, "has 31 digits"),
    ],
)
def test_a_header_that_does_not_go_with_its_file_is_refused(
    tmp_path: Path, header: object, size: int, sentence: str
) -> None:
    path = written(tmp_path / "t.safetensors", header, bytes(size))
    for read in (read_header, Tensors.read):
        with pytest.raises(ArtifactError, match=sentence):
            read(path)


@pytest.mark.parametrize("length", [3, 1 << 40, (1 << 64) - 1])
def test_a_header_longer_than_the_file_takes_no_memory(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "t.safetensors", b"{}", length=length)
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="its header would have"):
            Tensors.read(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_files_that_are_no_files_of_tensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="its header would have"):
        Tensors.read(path)
    with pytest.raises(ArtifactError, match="cannot be read"):
        Tensors.read(tmp_path / "none.safetensors")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_header(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e10])
def test_numbers_that_are_none_or_too_large_are_refused(tmp_path: Path, value: float) -> None:
    save_file({"a": np.array([[0, value], [1, 2]], np.float32)}, tmp_path / "t.safetensors")
    with pytest.raises(ArtifactError, match="tensor 'a' holds numbers that are not finite"):
        Tensors.read(tmp_path / "t.safetensors")


def test_a_tensor_of_another_name_shape_or_dtype_is_refused() -> None:
    take = Tensors({"a": np.zeros((2, 3), np.float32)}, "The model")
    assert take("a", 2, None) is take.tensors["a"]
    for shape in ((2,), (2, 3, 1), (3, 2), (None, 2)):
        with pytest.raises(ArtifactError, match=r"^The model is damaged: its tensor 'a' has the shape \(2, 3\), not"):
            take("a", *shape)
    with pytest.raises(ArtifactError, match="its tensor 'a' is of float32, not int32 or int64"):
        take("a", 2, 3, dtypes=("int32", "int64"))
    with pytest.raises(ArtifactError, match="its tensor 'b' is missing"):
        take("b", None)
    assert "a" in take
    assert "b" not in take


def test_a_tensor_that_lies_at_any_byte_is_read(tmp_path: Path) -> None:
    numbers = np.array([1.5, -2.5], np.float32)
    header = {"a": entry(0, 2, "F16", [1]), "b": entry(2, 10)}
    path = written(tmp_path / "t.safetensors", header, bytes(2) + numbers.tobytes())
    np.testing.assert_array_equal(Tensors.read(path)("b", 2), numbers)


def test_a_dtype_that_no_model_of_ours_has_is_refused_when_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "t.safetensors", {"a": entry(0, 4, "BF16")}, bytes(4))
    assert str(read_header(path)["a"]) == "BF16[2]"
    with pytest.raises(ArtifactError, match="tensor 'a' is of BF16, which no such model has"):
        Tensors.read(path)


def test_a_header_of_more_tensors_than_networks_have_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.safetensors").open("wb") as file:
        file.write((50_000_000).to_bytes(8, "little") + b"{")
        file.truncate(60_000_000)
    with pytest.raises(ArtifactError, match="its header has 50,000,000 bytes, at most 10,000,000 are taken"):
        read_header(tmp_path / "x.safetensors")
