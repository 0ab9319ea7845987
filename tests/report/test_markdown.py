from __future__ import annotations

from textgraft.report import Section
from textgraft.report.markdown import code, table


def test_names_cannot_break_a_table() -> None:
    section = Section("", ("label", "a|b"), (("x | <b>\ny", "1"),), ("and 1 more.",))
    assert table(section) == "| label | a\\|b |\n|---|--:|\n| x \\| \\<b\\> y | 1 |\n\nand 1 more."


def test_names_cannot_end_code() -> None:
    assert code("a`b\nc") == "`a'b c`"
