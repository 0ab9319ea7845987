from __future__ import annotations

import gzip
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from textgraft.errors import VectorsError
from textgraft.text.vectors import open_vectors

from .files import fasttext, glove, numpy_text, vec, word2vec

WORDS = [f"word{i}" for i in range(9)]
ROWS = np.random.default_rng(0).standard_normal((9, 3), np.float32)


def refused(source: Path | str) -> str:
    """The sentence; it names the file, and nothing is left in the cache."""
    with pytest.raises(VectorsError) as caught:
        open_vectors(source)
    sentence = str(caught.value)
    assert str(source).partition("!")[0] in sentence
    assert sentence[-1] in ".?"
    cache = Path(os.environ["TEXTGRAFT_CACHE"]) / "word-vectors"
    assert not cache.exists() or not list(cache.iterdir())
    return sentence


def altered(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


def line_of(text: bytes, number: int) -> bytes:
    return text.split(b"\n")[number - 1]


@pytest.mark.parametrize("number", [1, 2, 5, 9])
@pytest.mark.parametrize("header", [False, True])
def test_a_line_of_another_dimension_is_named(number: int, header: bool, tmp_path: Path) -> None:
    path = (vec if header else glove)(tmp_path, WORDS, ROWS)
    number += header
    line = line_of(path.read_bytes(), number)
    longer = altered(path, line, line.rstrip() + b" 0.5")
    assert f"line {number} has 4 components, not 3" in refused(longer)
    shorter = altered(path, line.rstrip() + b" 0.5", line.rstrip().rpartition(b" ")[0])
    assert f"line {number} has 2 components, not 3" in refused(shorter)


def test_line_numbers_count_blank_lines_and_words_with_spaces(tmp_path: Path) -> None:
    path = glove(tmp_path, ["a b", *WORDS[1:]], ROWS)
    altered(path, b"\nword4", b"\n\n\nword4 0.5")
    assert "line 7 has 4 components, not 3" in refused(path)


@pytest.mark.parametrize(
    ("value", "said"), [(b"nan", "nan"), (b"inf", "inf"), (b"-Infinity", "-inf"), (b"1e40", "inf")]
)
@pytest.mark.parametrize("first", ["a", "a b"], ids=["fast", "slow"])
def test_values_that_are_not_finite_are_named_by_line(value: bytes, said: str, first: str, tmp_path: Path) -> None:
    path = glove(tmp_path, [first, *WORDS[1:]], ROWS)
    parts = line_of(path.read_bytes(), 6).split(b" ")
    altered(path, b" ".join(parts), b" ".join([parts[0], parts[1], value, parts[3]]))
    assert f"line 6: component 2 is {said}" in refused(path)


def test_a_component_that_is_no_number_is_named_by_line(tmp_path: Path) -> None:
    path = glove(tmp_path, WORDS, ROWS)
    last = line_of(path.read_bytes(), 4).split(b" ")[3]
    assert "line 4: component 3 is '0,5', not a number" in refused(altered(path, last, b"0,5"))


def test_values_that_are_not_finite_are_named_by_row_in_binary_formats(tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows[6, 1] = np.nan
    assert "row 7 ('word6'): component 2 is nan" in refused(word2vec(tmp_path, WORDS, rows))
    assert "row 7: component 2 is nan" in refused(numpy_text(tmp_path, WORDS, rows))
    assert "row 7 of its matrix: component 2 is nan" in refused(fasttext(tmp_path, WORDS, rows))
    np.save(tmp_path / "a.npy", rows.astype(np.float64) * 1e50)
    assert "row 1: component 1 is" in refused(tmp_path / "a.npy")  # too large for fp32


def test_a_header_that_promises_other_vectors(tmp_path: Path) -> None:
    path = vec(tmp_path, WORDS, ROWS)
    assert "line 1 promises 12 words and there are 9: it is cut off" in refused(altered(path, b"9 3", b"12 3"))
    assert "line 1 promises 8 words and there are 9" in refused(altered(path, b"12 3", b"8 3"))
    assert "line 1 promises vectors of 4 components, the lines after it have 3" in refused(
        altered(path, b"8 3", b"9 4")
    )


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("written", [vec, word2vec, fasttext, numpy_text])
def test_a_file_that_is_cut_off_says_so(written: Callable[..., Path], cut: float, tmp_path: Path) -> None:
    path = written(tmp_path, WORDS, ROWS, *([np.ones((20, 3), np.float32), (3, 6)] if written is fasttext else []))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut)])
    sentence = refused(path)
    assert "cut off" in sentence
    if written is word2vec:
        whole = (int(len(content) * cut) - 4) // (6 + 12 + 1)
        assert f"row {whole + 1} of the 9" in sentence


@pytest.mark.parametrize("written", [glove, word2vec])
def test_a_packed_file_that_is_cut_off_or_damaged_says_so(written: Callable[..., Path], tmp_path: Path) -> None:
    plain = written(tmp_path, WORDS, ROWS)
    packed = gzip.compress(plain.read_bytes())
    path = tmp_path / "packed.gz"
    path.write_bytes(packed[:-20])
    assert "cut off or damaged" in refused(path)
    path.write_bytes(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    assert "cut off or damaged" in refused(path)
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(plain, "plain")
    altered(archive, b"word5", b"word7")
    assert "cut off or damaged" in refused(archive)
    archive.write_bytes(archive.read_bytes()[:-30])
    assert "cut off or damaged" in refused(archive)


def test_more_after_the_promised_rows_of_a_binary_file(tmp_path: Path) -> None:
    path = altered(word2vec(tmp_path, WORDS, ROWS), b"9 3", b"8 3")
    assert "more after the 8 rows of 3 components" in refused(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"<!DOCTYPE html>\n<html><body>404</body>\n", "no file of word vectors.*<!DOCTYPE html>"),
        (b"text,label\nA good film,1\nA bad one,0\n", "no file of word vectors"),
        (b"5 3\n", "no file of word vectors"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "no file of word vectors"),
        (bytes(range(256)), "no file of word vectors"),
        ("the 0.1 0.2\n".encode("utf-16"), "no file of word vectors"),
    ],
)
def test_what_is_no_file_of_vectors_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (path := tmp_path / "file.txt").write_bytes(content)
    assert re.search(said, refused(path))


def test_a_disk_that_is_too_small_is_refused_before_it_is_filled(tmp_path: Path) -> None:
    (path := tmp_path / "large.vec.gz").write_bytes(gzip.compress(b"90000000000000 3\na 1 2 3\n"))
    assert re.search(r"takes about [\d,.]+ GB\. No disk takes it .* memory are free: set TEXTGRAFT", refused(path))


def test_a_matrix_without_words_or_with_others(tmp_path: Path) -> None:
    path = numpy_text(tmp_path, WORDS, ROWS)
    (tmp_path / "a.txt").write_text("\n".join(WORDS[:-1]))
    assert "a.txt has 8 words and" in refused(path)
    (tmp_path / "a.txt").rename(tmp_path / "other.text")
    assert "a matrix without its words. Put them into a.txt" in refused(path)
    for name in ("vocab1.txt", "vocab2.txt"):
        (tmp_path / name).write_text("\n".join(WORDS))
    assert "vocab1.txt, vocab2.txt, and which is meant is not clear" in refused(path)
    (tmp_path / "a.json").write_text('{"a": 0, "b": 2}')
    with pytest.raises(VectorsError, match=r"a.json must be a list of words"):
        open_vectors(path)
    np.save(path, np.arange(9))
    assert "int64 of shape (9,)" in refused(path)
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    assert "no NumPy matrix" in refused(path)  # and no pickle is read


def test_an_archive_of_several_files_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("glove.50d.txt", "glove.100d.txt"):
            archive.writestr(name, "a 1.0 2.0\n")
    sentence = refused(path)
    assert "2 files (glove.50d.txt, glove.100d.txt)" in sentence
    assert f"'{path}!glove.50d.txt'" in sentence
    assert "Did you mean 'glove.50d.txt'" in refused(f"{path}!glove.50d")
    assert "is a folder" in refused(tmp_path)


def test_fasttext_models_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    assert "quantised" in refused(fasttext(tmp_path, WORDS, ROWS, quantised=True))
    assert "of version 11; version 12" in refused(fasttext(tmp_path, WORDS, ROWS, version=11))
