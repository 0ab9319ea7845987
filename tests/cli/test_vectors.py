"""``textgraft vectors`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from .commands import textgraft


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    path = tmp_path / "glove.txt"
    rows = {"the": (1, 0), "film": (0.9, 0.1), "movie": (0.8, 0.2), "bank": (-1, 0.5), "the_": (0, 1)}
    path.write_text("".join(f"{word} {x} {y}\n" for word, (x, y) in rows.items()))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text("text\n" + "The film is the movie\nthe bank xyzzy xyzzy\n" * 5)
    return path


def test_coverage_of_a_table_without_labels(glove: Path, table: Path) -> None:
    ended = textgraft("vectors", "coverage", table, glove)
    assert ended.returncode == 0, ended.stderr
    assert "30 of 45 running words (66.7%) and 4 of 6 different ones" in ended.stdout
    assert "xyzzy" in ended.stdout
    assert "Warning" not in ended.stderr
    said = json.loads(
        textgraft(
            "vectors", "coverage", table, glove, "--text", "text", "--tokenizer", "basic_english", "--json"
        ).stdout
    )
    assert (said["tokens"], said["tokens_found"], said["missing"]) == (45, 30, [["xyzzy", 10], ["is", 5]])


def test_little_coverage_is_warned_of(glove: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text\n" + "una película muy buena\nthe mejor de todas\n" * 5, "utf-8")
    ended = textgraft("vectors", "coverage", other, glove)
    assert ended.returncode == 0
    assert "Warning: " in ended.stderr
    assert "5 of 40 running words" in ended.stderr


def test_nearest_words(glove: Path) -> None:
    ended = textgraft("vectors", "nearest", "Film", "--vectors", glove, "-k", 2)
    assert ended.returncode == 0, ended.stderr
    near = [word for word in ended.stdout.split() if word in ("the", "movie", "bank", "the_")]
    assert near == ["the", "movie"]
    said = json.loads(textgraft("vectors", "nearest", "film", "--vectors", glove, "-k", 2, "--json").stdout)["nearest"]
    film, rows = np.array([0.9, 0.1]), {"the": np.array([1, 0]), "movie": np.array([0.8, 0.2])}
    for one in said:
        row = rows[one["word"]]
        assert one["cosine"] == pytest.approx(film @ row / np.linalg.norm(film) / np.linalg.norm(row), abs=1e-6)


def test_errors_are_one_line(glove: Path, table: Path) -> None:
    for words in (
        ("nearest", "xyzzy", "--vectors", glove),
        ("nearest", "film", "--vectors", "glove.6B.51d"),
        ("coverage", table, "nowhere.txt"),
        ("coverage", "nowhere.csv", glove),
        ("coverage", table, glove, "--tokenizer", "trebank"),
    ):
        ended = textgraft("vectors", *words)
        assert ended.returncode == 1, words
        (line,) = ended.stderr.splitlines()
        assert line.startswith("Error: "), line
