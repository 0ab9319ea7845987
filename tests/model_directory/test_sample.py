from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgraft.dataset import Dataset, Rows
from textgraft.errors import ArtifactError
from textgraft.model_directory import sample
from textgraft.model_directory.sample import MOST_BYTES, MOST_ROWS, Sample
from textgraft.task import Task

SINGLE = Task(("no", "yes"))
MULTI = Task(("no", "yes"), multi_label=True)


def dataset(texts: list[str], *, multi: bool = False) -> Dataset:
    n = len(texts)
    if multi:
        targets = np.array([[len(text) % 2 == 0, len(text) % 3 == 0] for text in texts], bool).reshape(n, 2)
        return Dataset(texts, targets, MULTI, Rows.numbered(n))
    return Dataset(texts, np.array([len(text) % 2 for text in texts], np.int64), SINGLE, Rows.numbered(n))


def rows(data: Dataset) -> list[tuple[str, object]]:
    return list(zip(data.texts, data.task.decode(data.targets), strict=True))


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), max_size=20), st.booleans())
def test_what_is_written_is_read_whatever_the_texts_hold(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], multi: bool
) -> None:
    folder = tmp_path_factory.mktemp("model")
    kept = Sample.of(dataset(texts, multi=multi))
    kept.write(folder)
    read = Sample.read(folder, kept.data.task)
    assert read is not None
    assert rows(read.data) == rows(kept.data)
    assert {text for text, _ in rows(kept.data)} == set(texts)


def test_line_ends_within_texts_and_half_characters_are_kept_or_made_whole(tmp_path: Path) -> None:
    Sample.of(dataset(["a\u2028b\r\n\x85c\x00", "half \ud800"])).write(tmp_path)
    read = Sample.read(tmp_path, SINGLE)
    assert read is not None
    assert set(read.data.texts) == {"a\u2028b\r\n\x85c\x00", "half \ufffd"}


def test_the_order_of_the_rows_and_repeated_rows_play_no_part() -> None:
    texts = [f"text {i}" for i in range(2000)]
    drawn = rows(Sample.of(dataset(texts)).data)
    assert len(drawn) == MOST_ROWS
    assert rows(Sample.of(dataset([*texts[::-1], *texts[:700]])).data) == drawn


def test_any_first_part_is_spread_over_the_data() -> None:
    drawn = Sample.of(dataset([f"text {i:04}" for i in range(4000)])).data.texts
    for part in (drawn[:170], drawn[170:]):
        numbers = [int(text.split()[1]) for text in part]
        assert 1700 < np.mean(numbers) < 2300


def test_long_texts_are_whole_or_not_there_and_the_file_stays_small(tmp_path: Path) -> None:
    long = [f"{i} " + "ä" * 55_000 for i in range(60)]
    giant = "x" * (MOST_BYTES // 2)
    short = [f"text {i}" for i in range(40)]
    kept = Sample.of(dataset([giant, *long, *short]))
    kept.write(tmp_path)
    assert 0.9 * MOST_BYTES < (tmp_path / sample.FILE).stat().st_size <= MOST_BYTES
    assert giant not in kept.data.texts
    assert set(kept.data.texts) <= {*long, *short}
    assert set(short) <= set(kept.data.texts)  # what is left of the room is enough for them
    assert len(kept) > 60


def test_a_model_without_a_sample_has_none(tmp_path: Path) -> None:
    assert Sample.read(tmp_path, SINGLE) is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"text": "a", "label": "yes"}', "its last line has no end"),
        (b'{"text": "a"\n', "line 1 is no JSON"),
        (b'{"text": "a", "label": "yes"}\n\n', "line 2 is no JSON"),
        (b'["a", "yes"]\n', "line 1 does not hold a text and its label"),
        (b'{"text": 1, "label": "yes"}\n', "does not hold a text and its label"),
        (b'{"text": "a", "label": "yes", "x": 1}\n', "does not hold a text and its label"),
        (b'{"text": "a", "labels": ["yes"]}\n', "does not hold a text and its label"),
        (b'{"text": "a", "label": "maybe"}\n', "line 1 carries 'maybe', which is none of the model's labels"),
        (b'{"text": "a", "label": ["yes"]}\n', r"carries \['yes'\], which is none"),
        (b'{"text": "\xff", "label": "yes"}\n', "it is not UTF-8"),
        (b'{"text": "a", "label": "yes"}\n' * 600, "it has 600 lines, at most 512"),
        (b" " * (MOST_BYTES + 1), "it has more than 4,000,000 bytes"),
        (b"[" * 100_000 + b"\n", "line 1 is no JSON"),
    ],
)
def test_a_damaged_sample_is_refused_with_its_line(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / sample.FILE).write_bytes(content)
    with pytest.raises(ArtifactError, match=sentence):
        Sample.read(tmp_path, SINGLE)


@pytest.mark.parametrize("labels", ["yes", ["yes", 1], [["yes"]], None, {"yes": 1}])
def test_labels_of_a_multi_label_sample_are_names_of_the_task(tmp_path: Path, labels: object) -> None:
    (tmp_path / sample.FILE).write_text(json.dumps({"text": "a", "labels": labels}) + "\n")
    with pytest.raises(ArtifactError, match="line 1 carries"):
        Sample.read(tmp_path, MULTI)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_file_never_ends_in_anything_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("fuzzed")
    Sample.of(dataset(["good film", "ein Bär", "bad"], multi=True)).write(folder)
    content = bytearray((folder / sample.FILE).read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    (folder / sample.FILE).write_bytes(bytes(content))
    try:
        read = Sample.read(folder, MULTI)
    except ArtifactError:
        return
    assert read is not None
    assert all(isinstance(text, str) for text in read.data.texts)
