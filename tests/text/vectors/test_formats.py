from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textgraft.errors import TextgraftError
from textgraft.text.vectors import open_vectors
from textgraft.text.vectors.binary import BinaryVectors
from textgraft.text.vectors.origins import Origin
from textgraft.text.vectors.textual import TextVectors

from .files import FORMATS, Floats, glove, header, lines, vec, word2vec

WORDS = [
    "the",
    "The",
    "naïve",
    "猫",
    "😀",
    "a" * 300,
    "2",
    "3.5",
    '"',
    "'",
    "null",
    "#",
    "a,b",
    "x\\",
    "nbsp\u00a0in",
    "\x85",
]
letters = st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="\ufeff")
vocabularies = st.lists(st.text(letters, min_size=1, max_size=8), min_size=2, max_size=12, unique=True)


def some_rows(n: int, d: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d), np.float32)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], Floats]:
    words = draw(vocabularies)
    shape = (len(words), draw(st.integers(2, 5)))
    return words, draw(arrays(np.float32, shape, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))


@settings(max_examples=25)
@given(tables())
@example((["0", "1"], np.full((2, 2), 1.3474274e16, np.float32)))  # whose bytes are letters
def test_every_format_of_the_same_vectors_finds_the_same(table: tuple[list[str], Floats]) -> None:
    words, rows = table
    with TemporaryDirectory() as folder:
        for name, written in FORMATS.items():
            vectors = open_vectors(written(Path(folder), words, rows))
            assert (len(vectors), vectors.dimensions, vectors.notes) == (len(words), rows.shape[1], ()), name
            found, given_back = vectors.find([*words[::-1], "is not there", words[0]])
            assert found.tolist() == [True] * len(words) + [False, True], name
            np.testing.assert_array_equal(given_back, [*rows[::-1], np.zeros(rows.shape[1]), rows[0]], name)


@pytest.mark.parametrize("name", FORMATS)
def test_odd_words_are_words(name: str, tmp_path: Path) -> None:
    rows = some_rows(len(WORDS), 4)
    found, given_back = open_vectors(FORMATS[name](tmp_path, WORDS, rows)).find(WORDS)
    assert found.all()
    np.testing.assert_array_equal(given_back, rows)


def test_the_fingerprint_tells_the_content_not_the_format(tmp_path: Path) -> None:
    rows = some_rows(len(WORDS), 4)
    prints = {open_vectors(written(tmp_path, WORDS, rows)).fingerprint for written in (glove, vec, word2vec)}
    assert len(prints) == 1
    rows[3, 2] += 1
    assert open_vectors(FORMATS["numpy_text"](tmp_path, WORDS, rows)).fingerprint not in prints
    rows[3, 2] -= 1
    assert open_vectors(FORMATS["numpy_text"](tmp_path, ["that", *WORDS[1:]], rows)).fingerprint not in prints


def test_words_are_found_as_they_are_and_then_in_lower_case(tmp_path: Path) -> None:
    rows = some_rows(3, 4)
    vectors = open_vectors(glove(tmp_path, ["apple", "Apple", "pear"], rows))
    found, given_back = vectors.find(["Apple", "APPLE", "Pear", "pEaRs"])
    assert found.tolist() == [True, True, True, False]
    np.testing.assert_array_equal(given_back, [rows[1], rows[0], rows[2], np.zeros(4)])
    assert vectors.find([])[1].shape == (0, 4)


def test_words_with_spaces_as_in_glove_840b(tmp_path: Path) -> None:
    words = [". . .", "at name@domain.com", "plain", "\ufeff"]
    rows = some_rows(4, 5)
    for written in (glove, vec):
        found, given_back = open_vectors(written(tmp_path, words, rows)).find(words)
        assert found.all()
        np.testing.assert_array_equal(given_back, rows)


def test_blank_lines_and_lack_of_a_last_line_end_do_no_harm(tmp_path: Path) -> None:
    rows = some_rows(3, 5)
    path = tmp_path / "glove.txt"
    path.write_bytes(b"\xef\xbb\xbf" + lines(["a", "b", "c"], rows).replace(b"\nb", b"\n \n\nb").rstrip())
    found, given_back = open_vectors(path).find(["a", "b", "c"])
    assert found.all()
    np.testing.assert_array_equal(given_back, rows)


@pytest.mark.parametrize("at_once", [1, 7, 64, 1000])
def test_where_blocks_end_makes_no_difference(at_once: int, tmp_path: Path) -> None:
    words = [f"word{i}" for i in range(50)] + ["two words"]
    rows = some_rows(51, 3)
    for reader in (
        TextVectors(Origin.at(glove(tmp_path, words, rows)), at_once),
        TextVectors(Origin.at(vec(tmp_path, words, rows)), at_once),
        BinaryVectors(Origin.at(word2vec(tmp_path, [word.replace(" ", "_") for word in words], rows)), at_once),
    ):
        blocks = list(reader.blocks())
        assert len(blocks) > 1
        assert [block.words[i].replace("_", " ") for block in blocks for i in range(len(block.words))] == words
        np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), rows)
        assert sum(block.read for block in blocks) <= reader.size


def test_of_words_that_stand_twice_the_first_is_taken_and_it_is_said(tmp_path: Path) -> None:
    rows = some_rows(5, 3)
    vectors = open_vectors(glove(tmp_path, ["a", "b", "a", "c", "b"], rows))
    assert len(vectors) == 3
    np.testing.assert_array_equal(vectors.find(["a", "b", "c"])[1], rows[[0, 1, 3]])
    (note,) = vectors.notes
    assert "2 rows repeat words, the first of them 'a' in row 3" in note
    assert open_vectors(tmp_path / "glove.txt").notes == vectors.notes
    assert sorted(word for word, _ in vectors.nearest("a", 10)) == ["b", "c"]


def test_the_second_time_the_file_is_not_read(tmp_path: Path) -> None:
    rows = some_rows(3, 4)
    for written in (glove, word2vec, FORMATS["gzipped"]):
        path = Path(written(tmp_path, ["a", "b", "c"], rows))
        first = open_vectors(path)
        was = path.stat()
        path.write_bytes(path.read_bytes()[:4].ljust(was.st_size, b"?"))
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        again = open_vectors(path)
        np.testing.assert_array_equal(again.find(["c", "a"])[1], rows[[2, 0]])
        assert again.fingerprint == first.fingerprint


def test_a_file_that_changed_is_read_again_and_its_older_form_is_gone(tmp_path: Path) -> None:
    folder = Path(os.environ["TEXTGRAFT_CACHE"]) / "word-vectors"
    for i in range(3):
        path = glove(tmp_path, ["a", "b"], rows := some_rows(2, 4 + i))
        np.testing.assert_array_equal(open_vectors(path).find(["a", "b"])[1], rows)
        assert len(list(folder.iterdir())) == 1


def test_a_damaged_fast_form_is_made_anew(tmp_path: Path) -> None:
    path = glove(tmp_path, ["a", "b"], rows := some_rows(2, 4))
    open_vectors(path)
    folder = Path(os.environ["TEXTGRAFT_CACHE"]) / "word-vectors"
    for name in ("vectors.f32", "meta.json", "offsets.npy", "places.npy"):
        (file,) = folder.glob(f"*/{name}")
        content = file.read_bytes()
        for damaged in (content[:7], bytes(len(content)), content[:-1] + bytes([content[-1] ^ 1]), b"[]", b'{"a": 1}'):
            file.write_bytes(damaged)
            np.testing.assert_array_equal(open_vectors(path).find(["a", "b"])[1], rows)


def test_where_nothing_can_be_kept_vectors_are_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = glove(tmp_path, ["a", "b"], rows := some_rows(2, 4))
    (tmp_path / "file").touch()
    monkeypatch.setenv("TEXTGRAFT_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        np.testing.assert_array_equal(open_vectors(path).find(["a", "b"])[1], rows)


def test_nearest_is_cosine_similarity(tmp_path: Path) -> None:
    words = [f"w{i}" for i in range(300)]
    rows = some_rows(300, 6)
    rows[5] = 0
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    cosines = unit @ unit[7]
    order = [i for i in np.argsort(-cosines, kind="stable") if i != 7]
    for source in (glove(tmp_path, words, rows), FORMATS["numpy_json"](tmp_path, words, rows)):
        near = open_vectors(source).nearest("W7", 299)
        assert [word for word, _ in near] == [words[i] for i in order]
        np.testing.assert_allclose([value for _, value in near], cosines[order], atol=1e-6)
    vectors = open_vectors(tmp_path / "glove.txt")
    assert vectors.nearest("w7", 3) == near[:3]
    with pytest.raises(TextgraftError, match="no vector for 'Nowhere', nor for 'nowhere'"):
        vectors.nearest("Nowhere")
    with pytest.raises(TextgraftError, match="no vector for 'w5'"):
        vectors.nearest("w5")  # of zeros
    with pytest.raises(TextgraftError, match="at least 1; got 0"):
        vectors.nearest("w7", 0)


def test_a_file_with_a_header_is_not_taken_for_a_word(tmp_path: Path) -> None:
    rows = some_rows(2, 3)
    (tmp_path / "a.txt").write_bytes(header(["x"] * 2, rows) + lines(["2", "3"], rows))
    assert open_vectors(tmp_path / "a.txt").find(["2", "3"])[0].all()
    (tmp_path / "b.txt").write_bytes(lines(["2", "3"], rows))
    assert len(open_vectors(tmp_path / "b.txt")) == 2
