"""Whatever a name, a value or a text holds and however long it is: what is said of it is short and acts on nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft.data.readers.header import column_names
from textgraft.errors import ArtifactError, DataError, did_you_mean, listed
from textgraft.report import Report, Section, html, markdown, terminal
from textgraft.report.section import MOST_COLUMNS
from textgraft.unicode import MOST_SAID, quoted, quoted_path, said, shortened, shown

from .trying import EXAMPLES

ACTS = "".join(map(chr, (*range(9), *range(11, 32), *range(0x7F, 0xA0)))) + (
    "\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
    "\ufeff\ufff9\ud800\udcff\udfff\U000e0001\U000e0041"
)
LONG = "x" * 10_000_000
CAUSES = st.sampled_from(sorted(ACTS))
TEXTS = st.text(st.characters() | CAUSES | st.sampled_from("e\u0301\u200d\ufe0f👩🏽"), max_size=300)


def acts(text: str) -> list[str]:
    """The characters of a text that a terminal may obey, or that hide or turn what stands beside them."""
    return [each for each in text if each in ACTS and each not in "\u200c\u200d"]


def words(n: int) -> str:
    return ("the film was good " * (n // 18 + 1))[:n]


@pytest.mark.parametrize("character", ACTS)
def test_no_control_character_is_shown_as_it_is(character: str) -> None:
    assert character not in shown(f"a{character}b")
    assert character not in shown(character)


def test_joiners_stay_in_the_words_and_pictures_that_need_them() -> None:
    for text in ("می‌خواهم", "क्‍ष", "👩‍👩‍👧"):
        assert shown(text) == text


@settings(max_examples=5 * EXAMPLES)
@given(TEXTS, st.integers(1, 40))
def test_what_is_said_is_short_harmless_and_says_how_much_it_leaves_out(piece: str, times: int) -> None:
    text = piece * times * 40
    sentence = said(text)
    assert len(sentence) <= 2 * MOST_SAID + 200
    assert not acts(sentence)
    assert shown(sentence) == sentence
    if len(text) > MOST_SAID:
        left = re.search(r"… \(([\d,]+) characters left out\) …", sentence)
        assert left
        assert 0 < int(left[1].replace(",", "")) <= len(text)
    else:
        assert sentence == shown(text) or len(shown(text)) > 2 * MOST_SAID


@settings(max_examples=5 * EXAMPLES)
@given(TEXTS, st.integers(20, 200))
def test_a_value_is_cut_between_letters_and_all_of_it_is_counted(text: str, most: int) -> None:
    short = shortened(text, most)
    if len(text) <= most:
        assert short == text
        return
    start, left, end = re.fullmatch(r"(.*)… \(([\d,]+) characters left out\) …(.*)", short, re.DOTALL).groups()  # type: ignore[union-attr]
    assert text.startswith(start)
    assert text.endswith(end)
    assert len(start) + int(left) + len(end) == len(text)


def test_an_accent_stays_with_its_letter() -> None:
    short = shortened("e\u0301" * 500, 100)
    start, end = short.split("… (")[0], short.rpartition("…")[2]
    assert start.endswith("\u0301")
    assert not unicodedata.combining(end[0])


@pytest.mark.parametrize("value", [LONG, words(10_000_000), [LONG], {LONG: LONG}, 10**4000], ids=type)
def test_a_value_of_any_length_is_quoted_briefly(value: object) -> None:
    assert len(quoted(value)) < 200
    assert len(str(DataError(f"It has {value!r}, which is wrong. Mend it."))) < 4_000
    assert str(DataError(f"It has {value!r}, which is wrong. Mend it.")).endswith("Mend it.")


def test_a_list_of_any_length_is_said_with_its_count() -> None:
    assert listed([LONG, "b", "c"], 2).endswith(", b and 1 more")
    assert len(listed([LONG] * 50, 20)) < 1_100
    assert listed([LONG] * 50, 20).endswith(" and 47 more")
    assert listed([]) == ""
    assert listed(map(str, range(100_000)), 2) == "0, 1 and 99,998 more"
    assert did_you_mean(LONG, ["x"]) == ""
    assert "'text'" in did_you_mean("txt", ["text", *map(str, range(100_000))])
    with pytest.raises(DataError, match=r"and 49,995 more; rename them\.$"):
        column_names([str(i // 2) for i in range(100_000)], 100_000, "t.parquet")


def test_a_sentence_ends_once() -> None:
    assert str(DataError("It cannot be read: Not a Parquet file..")) == "It cannot be read: Not a Parquet file."
    assert str(DataError("It is damaged: broken.. Mend it...")) == "It is damaged: broken. Mend it..."
    assert str(DataError("There is no folder ../a, .. or '..'.")) == "There is no folder ../a, .. or '..'."


def test_no_report_grows_with_its_names() -> None:
    wide = tuple(f"{i}{words(2_000)}" for i in range(1_000))
    section = Section(LONG, (*wide, "text"), ((*wide, "the last"),), tuple(wide), commands=(f"run {LONG}",))
    for page in (
        terminal.as_text(Report(LONG, (section,))),
        html.page(Report(LONG, (section,))),
        markdown.table(section),
    ):
        assert (len(page) < 500_000 and "the last" in page.replace("\n", " ")) or "the" in page
    assert len(section.columns) == MOST_COLUMNS
    assert section.rows[0][-1] == "the last"
    assert section.sentences[-2:] == ("and 941 more columns.", "and 900 more sentences.")
    assert section.commands == ("# a command of 10,000,004 characters, which is too long to be shown",)


def hostile_table(folder: Path, character: str) -> Path:
    table = folder / "t.jsonl"
    rows = [
        {
            "text": f"{'good' if i % 2 else 'bad'} film {i} {character}",
            "label": f"l{i % 2}{character}",
            f"c{character}": i,
        }
        for i in range(40)
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return table


def run(*arguments: str | Path) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "textgraft", *map(str, arguments)], capture_output=True, check=False, timeout=120
    )
    assert done.returncode in (0, 1, 2)
    assert b"Traceback" not in done.stderr
    assert b"fault here" not in done.stderr
    return done.stdout.decode(), done.stderr.decode()


def test_every_command_shows_hostile_names_harmlessly(tmp_path: Path) -> None:
    character = "".join(each for each in ACTS if each not in "\0\ud800\udfff\udcff") + words(5_000)
    table, model = hostile_table(tmp_path, character), tmp_path / "model"
    option = "\x1b[31m\u202e"
    commands: list[tuple[str | Path, ...]] = [
        ("inspect", table),
        ("inspect", table, "--html", tmp_path / "i.html"),
        ("train", table, "--method", "ngrams", "--out", model),
        ("evaluate", model, table),
        ("compare", table, "--methods", "majority,ngrams", "--html", tmp_path / "c.html"),
        ("predict", model, f"a good film {character}"),
        ("predict", model, "--input", table, "--text", option),
        ("inspect", table, "--label", f"c{option}"),
        ("inspect", tmp_path / f"{option}.csv"),
        ("inspect", f"--{option}", table),
        ("inspect", table, "--seed", option),
        (option,),
    ]
    for command in commands:
        for stream in run(*command):
            assert not acts(stream), command
            assert len(stream) < 40_000, command
    # A comparison's page holds texts, with the name in them.
    for page, most in ((tmp_path / "i.html", 200_000), (tmp_path / "c.html", 500_000), (model / "README.md", 200_000)):
        assert not acts(page.read_text("utf-8"))
        assert len(page.read_text("utf-8")) < most


def test_long_labels_are_read_fast_and_said_briefly(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("text,label\n" + "".join(f"film {i},{i % 2}{LONG[:3_000_000]}\n" for i in range(6)), "utf-8")
    data = tg.read_table(table)
    assert all(len(note) < 4_000 for note in data.notes)
    assert len(data.task.labels[0]) > 1_000_000


def test_two_long_values_leave_what_stands_between_them() -> None:
    said = str(DataError(f"It has {quoted(LONG)} in the column {quoted_path(LONG)} of {listed([LONG] * 9)}; mend it."))
    assert " in the column 'xxx" in said
    assert said.endswith(" and 6 more; mend it.")


def test_labels_too_long_for_a_model_are_refused_before_training() -> None:
    texts = ["a film", "a book"] * 5
    with pytest.raises(DataError, match=r"names of the 2 labels have 60,000,000 bytes together, .* at most 50,000,000"):
        tg.MajorityClassifier().fit(texts, [f"{i % 2}" + "x" * 29_999_999 for i in range(10)])


def test_a_model_that_could_not_be_read_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tg.MajorityClassifier().fit(["a film", "a book"] * 5, ["x", "y"] * 5)
    monkeypatch.setattr("textgraft.model_directory.manifest.MOST_BYTES", 500)
    with pytest.raises(ArtifactError, match=r"not saved: its textgraft.json would have .* at most 500 are read"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
