"""What SECURITY.md promises is held by tests that are there, and every limit is in it."""

from __future__ import annotations

import re
from pathlib import Path

from textgraft import limits

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert len(named) > 20
    assert named <= there


def test_every_promise_names_a_test() -> None:
    for section in PAGE.split("\n## ")[1:4]:
        rows = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)[1:]
        assert rows
        assert all("`test_" in row.rpartition(" | ")[2] for row in rows)


def test_every_limit_is_there_with_its_number() -> None:
    for limit in vars(limits).values():
        if isinstance(limit, limits.Limit):
            assert f"| `{limit.variable}` | {limit.usual:,} |" in PAGE


def test_the_readme_leads_there() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text("utf-8")
