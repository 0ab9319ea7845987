from __future__ import annotations

import math

import pytest

from textgraft.wording import counted, decimal, duration, megabytes, notes_about, p_value, percent, percents_apart


def test_figures_are_written_with_the_digits_that_mean_something() -> None:
    assert [p_value(p) for p in (0.0004, 0.0123, 0.1, 1)] == ["< 0.001", "0.012", "0.10", "1.00"]
    assert [megabytes(size) for size in (0, 12_345, 2_500_000)] == ["0.0 kB", "12.3 kB", "2.5 MB"]
    assert [decimal(value) for value in (0.5, None, math.nan)] == ["0.500", "–", "–"]
    assert [counted(n, "text") for n in (0, 1, 2000)] == ["0 texts", "1 text", "2,000 texts"]
    assert percent(1 / 3) == "33.3%"
    assert [duration(seconds) for seconds in (7.4, 725, 3723)] == ["0:07", "12:05", "1:02:03"]


def test_notes_name_their_file_once() -> None:
    assert notes_about("a/b/reviews.csv", []) == []
    assert notes_about("a/b/reviews.csv", ["one."]) == ["reviews.csv: one."]
    assert notes_about("a/b/reviews.csv", ["one.", "two."]) == ["reviews.csv:", "  one.", "  two."]


@pytest.mark.parametrize(
    ("source", "beside", "name"),
    [
        ("a/x.csv", ["b/x.csv"], "a/x.csv"),
        ("/data/2024/jan/x.csv", ["/data/2025/jan/x.csv", "/data/2025/jan/y.csv"], "2024/jan/x.csv"),
        ("x.csv", ["b/x.csv"], "x.csv"),
        ("b/x.csv", ["x.csv"], "b/x.csv"),
        ("a/x.csv", ["a/x.csv", "a/y.csv"], "x.csv"),
        (".", [], "."),
        ("data/*.csv", [], "*.csv"),
    ],
)
def test_files_of_the_same_name_are_told_apart(source: str, beside: list[str], name: str) -> None:
    assert notes_about(source, ["note."], beside) == [f"{name}: note."]


def test_shares_have_as_many_digits_as_tell_them_apart() -> None:
    assert percents_apart(0.5, 0.8, 0.9) == ["50%", "80%", "90%"]
    assert percents_apart(0.7981, 0.8, 0.8019) == ["79.8%", "80.0%", "80.2%"]
    assert percents_apart(0.79996, 0.8, 0.80004) == ["79.996%", "80.000%", "80.004%"]
    assert percents_apart(0.8, 0.8) == ["80%", "80%"]
