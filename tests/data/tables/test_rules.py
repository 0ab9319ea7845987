"""Tables are read by the rules that `docs/tables.md` states."""

from __future__ import annotations

from pathlib import Path

import pytest

import textgraft as tg

from .write_page import CHAPTERS, HERE, PAGE, chapters, page

EXAMPLES = [(rule.says, example) for _, _, rules in chapters() for rule in rules for example in rule.examples]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_table_is_read_as_its_rule_says(rule: str, example, tmp_path: Path) -> None:
    if example.refused:
        with pytest.raises(tg.TextgraftError) as refusal:
            example.read(tmp_path)
        assert example.refused in str(refusal.value)
        return
    data = example.read(tmp_path)
    if example.gives:
        assert str(data) == example.gives
        return
    assert example.rows in (None, len(data))
    assert example.labels in ((), data.task.labels)
    assert tuple(data.texts[: len(example.texts)]) == example.texts
    assert example.says in " ".join(data.notes)


def test_every_chapter_is_in_the_page_and_the_page_is_what_the_rules_say_now() -> None:
    assert set(CHAPTERS) == {path.stem for path in (HERE / "rules").glob("*.py")} - {"__init__", "rule"}
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python tests/data/tables/write_page.py"
