from __future__ import annotations

import pytest

from textgraft.report import Report, Section
from textgraft.report.terminal import as_text, show

REPORT = Report(
    "A [bold]title[/bold]",
    (
        Section("Rows", ("label", "rows"), (("a [spam]", "5"), ("b [/x]", "1,234")), numbers=(1,)),
        Section("Empty"),
        Section("Notes", sentences=("first", "second")),
        Section(sentences=("x" * 300,)),
    ),
)


def test_names_in_square_brackets_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT)
    output = capsys.readouterr().out
    for text in ("A [bold]title[/bold]", "a [spam]", "b [/x]"):
        assert text in output


def test_numbers_stand_below_each_other() -> None:
    lines = as_text(REPORT).splitlines()
    five, thousand = (next(line for line in lines if name in line) for name in ("a [spam]", "b [/x]"))
    assert len(five.rstrip()) == len(thousand.rstrip())


def test_several_sentences_are_a_list_and_one_is_a_line_of_any_length() -> None:
    text = as_text(REPORT)
    assert "Notes\n• first\n• second" in text
    assert text.endswith("\n" + "x" * 300)


def test_a_section_with_nothing_in_it_has_no_title_either() -> None:
    assert "Empty" not in as_text(REPORT)


def test_what_is_left_out_of_a_long_table_is_counted() -> None:
    section = Section("", ("n",), tuple((str(i),) for i in range(1500)))
    assert section.first(2000) == section
    assert section.first(30).rows == section.rows[:30]
    assert section.first(30).sentences == ("and 1,470 more.",)
