"""Our reader of safetensors and the library of the format agree on every file that ours accepts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from textgraft.errors import ArtifactError
from textgraft.tensors import Tensors, read_header

from .damaging import WAYS

KINDS = [way for way, suffixes in WAYS.items() if ".safetensors".endswith(suffixes)]


@given(st.integers(0, 2**32))
def test_what_is_read_is_what_the_library_reads(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path_factory.mktemp("tensors") / "t.safetensors"
    save_file({"a": np.ones((3, 4), np.float32), "b": np.arange(6, dtype=np.int32).reshape(2, 3)}, path)
    path.write_bytes(rng.choice(KINDS)(path.read_bytes(), rng))
    try:
        entries, tensors = read_header(path), Tensors.read(path).tensors
    except ArtifactError:
        return
    with safe_open(path, framework="numpy") as file:
        assert entries.keys() == set(file.keys())
        for name, entry in entries.items():
            theirs = file.get_slice(name)
            assert (entry.dtype, list(entry.shape)) == (theirs.get_dtype(), theirs.get_shape())
            np.testing.assert_array_equal(tensors[name], file.get_tensor(name))
