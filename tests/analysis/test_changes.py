from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.analysis.changes import CHANGES, NEGATION, is_about_sentiment
from textgraft.task import Task

EVERY = {change.name: change for change in (*CHANGES, NEGATION)}


@pytest.mark.parametrize("name", EVERY)
@given(text=st.text())
def test_a_change_depends_on_the_text_alone(name: str, text: str) -> None:
    assert EVERY[name](text) == EVERY[name](text)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("lower", "upper", "accents")])
@given(text=st.text(alphabet=" \n\t"))
def test_blank_texts_stay_as_they_are(name: str, text: str) -> None:
    assert EVERY[name](text) == text


def test_changes_are_the_same_in_every_process(said_by_processes: Callable[[str], set[str]]) -> None:
    code = (
        "from textgraft.analysis.changes import CHANGES\n"
        "print([change('The weather is nice today, isn\\'t it?') for change in CHANGES])"
    )
    assert len(said_by_processes(code)) == 1


@given(text=st.text(alphabet="abcde fghij klm"))
def test_typing_errors_are_in_words_of_four_letters_and_keep_their_ends(text: str) -> None:
    changed = EVERY["typos"](text)
    words, new = text.split(" "), changed.split(" ")
    assert len(words) == len(new)
    differing = [(a, b) for a, b in zip(words, new, strict=True) if a != b]
    assert all(len(a) >= 4 and a[0] == b[0] and a[-1] == b[-1] and abs(len(a) - len(b)) <= 1 for a, b in differing)


@given(text=st.text())
def test_blanks_change_nothing_but_blanks(text: str) -> None:
    assert EVERY["blanks"](text).split() == text.split()


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("punctuation", "It's 3.5, (really)!", "It's 3.5 really"),
        ("punctuation", "see https://t.co/a.b, ok?", "see https://t.co/a.b, ok"),
        ("punctuation", "#win @tom!", "#win @tom"),
        ("punctuation", "!!!", "!!!"),
        ("accents", "Café naïve Ångström", "Cafe naive Angstrom"),
        ("accents", "cafe\u0301", "cafe"),
        ("accents", "йод हिन्दी 각", "йод हिन्दी 각"),
        ("aside", "今日は天気がいい", "今日は天気がいい"),
        ("negation", "this is good", "this is not good"),
        ("negation", "this is not good", "this is good"),
        ("negation", "I can't complain", "I can complain"),
        ("negation", "it won’t work", "it will work"),
        ("negation", "It doesn't work", "It does work"),
        ("negation", "Great film", "Great film"),
        ("negation", "It was good. I was glad", "It was good. I was glad"),
        ("negation", "was " * 40, "was " * 40),
    ],
)
def test_what_is_changed_and_what_stays(name: str, text: str, changed: str) -> None:
    assert EVERY[name](text) == changed


def test_what_is_added_stands_at_one_end() -> None:
    text = "I like the weather here and that is it"
    assert EVERY["link"](text).startswith(f"{text} https://t.co/")
    assert EVERY["user"](text).endswith(f" {text}")
    assert EVERY["aside"](text).startswith(f"{text}. ")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("Negative", "neutral", "Positive"), True),
        (("joy", "sadness", "fear"), True),
        (("sport", "business"), False),
        (("positive", "neutral"), False),
        (("very_good", "very_bad"), True),
        (("goodness", "badger"), False),
    ],
)
def test_labels_look_like_opposite_feelings(labels: tuple[str, ...], expected: bool) -> None:
    assert is_about_sentiment(Task(labels)) is expected
