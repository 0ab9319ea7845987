"""JSON is read as it was written, and what is none, or is made to do harm, is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.errors import ArtifactError
from textgraft.json_files import parse_json, read_json, read_object

LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    LEAVES | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(TREES)
def test_what_is_written_is_read_back(tree: object) -> None:
    assert parse_json(json.dumps(tree).encode(), "it") == tree


@given(st.binary(max_size=50))
def test_any_bytes_are_json_or_refused(content: bytes) -> None:
    try:
        found = parse_json(content, "it")
    except ArtifactError as error:
        assert str(error).startswith("it is damaged: ")  # noqa: PT017 - whether there is one depends on the bytes
    else:
        assert json.loads(content) == found


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'[{"a": 1, "a": 2}]', "the key 'a' is there twice"),
        (b"NaN", "NaN is no finite number"),
        (b"[-Infinity]", "-Infinity is no finite number"),
        (b"1e999", "1e999 is no finite number"),
        (b"9" * 5000, "has 5,000 digits"),
        (b'"\xff"', "can't decode"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"", "Expecting value"),
    ],
)
def test_what_python_would_take_or_fall_over_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(ArtifactError, match=sentence):
        parse_json(content, "it")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, but would in memory
    with pytest.raises(ArtifactError, match="at most"):
        read_json(path)


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "none", "."):
        with pytest.raises(ArtifactError, match="There is no file"):
            read_json(tmp_path / name)


def test_an_object_has_just_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1, "b": 2}')
    assert read_object(path, {"a"}, {"b", "c"}) == {"a": 1, "b": 2}
    for keys in ({"a"}, {"a", "b", "c"}):
        with pytest.raises(ArtifactError, match="is missing there, or should not be there"):
            read_object(path, keys)
    path.write_text("[]")
    with pytest.raises(ArtifactError, match="does not hold an object"):
        read_object(path, set())
