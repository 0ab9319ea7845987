"""A table that is written as JSON in any form, encoding and packing is read back with its texts, labels and rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data.readers import json_stream
from textgraft.data.readers.encodings import Held
from textgraft.errors import DataError

from ...trying import EXAMPLES
from .file_forms import ANY, MARKED, MARKS, PACKINGS, UNMARKED, WORDS, Table, read_back, tables
from .json_forms import FORMS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    rows=tables(st.one_of(WORDS, MARKS, ANY)),
    form=st.sampled_from(sorted(FORMS)),
    encoding=st.sampled_from(MARKED + UNMARKED),
    packing=st.sampled_from(sorted(PACKINGS)),
    suffix=st.sampled_from([".json", ".jsonl"]),
)
def test_json_of_any_form_is_read_back(
    folder: Path, rows: Table, form: str, encoding: str, packing: str, suffix: str
) -> None:
    path = folder / f"x{suffix}{packing}"
    path.write_bytes(PACKINGS[packing](FORMS[form](rows).encode(encoding)))
    # Characters that no text has can hide which of the four it is.
    read_back(path, rows, ("null bytes",) if encoding in UNMARKED else ())


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["text", "label", "data", "columns", "rows", "a", "0", "1"]), inner, max_size=4
            )
        ),
        max_leaves=20,
    ),
    lines=st.integers(1, 3),
    cut=st.integers(0, 3),
)
def test_any_json_is_read_or_refused_in_a_sentence(folder: Path, value: object, lines: int, cut: int) -> None:
    path = folder / "any.json"
    written = "\n".join([json.dumps(value)] * lines)
    path.write_text(written[: len(written) - cut])
    for _ in range(2):
        try:
            tg.read_table(path)
        except DataError as error:
            assert str(error).endswith((".", "?", ")"))  # noqa: PT017
        path.write_text(json.dumps(value, indent=1))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    value=st.lists(
        st.dictionaries(st.text('ab}],{[\\"', max_size=3), st.text('ab}],{[\\" ', max_size=9), max_size=3)
        | st.lists(st.integers() | st.text("ab}],", max_size=5), max_size=3),
        max_size=12,
    ),
    indent=st.sampled_from([None, 0, 2]),
    block=st.integers(1, 60),
    cut=st.integers(0, 3),
)
def test_an_array_reads_the_same_wherever_its_blocks_end(
    value: object, indent: int | None, block: int, cut: int
) -> None:
    written = json.dumps(value, indent=indent)
    written = written[: len(written) - cut]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_BLOCK", block)
        stream = json_stream.JsonText(Held(written))
        stream.mark()
        if not cut:
            assert list(stream.items()) == value
            assert not stream.mark()
            return
        with pytest.raises(json_stream.NotJsonError, match=r"line \d+ is not JSON"):
            list(stream.items())
