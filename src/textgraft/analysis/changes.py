"""Changes of texts that should not matter to a classifier, and one that should: small functions of the text alone.

Chance is a hash of the change's name and the text, so that a text is changed in the same way on every machine. The
kinds of changes are those of Ribeiro et al., "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList", ACL
2020.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from textgraft.data.folding import URL
from textgraft.digests import text_digest, text_number
from textgraft.task import Task
from textgraft.text.languages import language_of

TYPED_WRONG: Final = 10  # one of so many words, and one at least
BLANKS_DOUBLED: Final = 4  # one of so many
MOST_NEGATED: Final = 30  # words, in one sentence: in more of them the negation of one need not change the answer

_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_BETWEEN = re.compile(r"(?<=\S) (?=\S)")
_SENTENCE_END = re.compile(r"[.!?。！？][\s\"')]*\S")
_ASIDES: Final = {
    "en": ("I am writing this on a Tuesday.", "It is about nine o'clock here."),
    "de": ("Ich schreibe das an einem Dienstag.", "Hier ist es ungefähr neun Uhr."),
    "fr": ("J'écris ceci un mardi.", "Il est environ neuf heures ici."),
    "es": ("Escribo esto un martes.", "Aquí son más o menos las nueve."),
    "it": ("Scrivo questo di martedì.", "Qui sono circa le nove."),
    "pt": ("Escrevo isto numa terça-feira.", "Aqui são cerca de nove horas."),
    "nl": ("Ik schrijf dit op een dinsdag.", "Het is hier ongeveer negen uur."),
    "pl": ("Piszę to we wtorek.", "Tutaj jest około dziewiątej."),
    "ru": ("Я пишу это во вторник.", "Здесь около девяти часов."),
}
_SHORTENED: Final = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "is"}
_NOT = re.compile(r"\b(can't|won't|shan't|ain't|(\w+)n't)(?!\w)|\bcannot\b|\s+not\b", re.IGNORECASE)
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|am|will|would|can|could|should|does|did|has|had)\b", re.IGNORECASE)
_OPPOSITES: Final = (
    ("positive", "negative"), ("pos", "neg"), ("good", "bad"), ("joy", "sadness"), ("happy", "sad"), ("love", "hate"),
    ("happiness", "sadness"), ("like", "dislike"), ("optimism", "pessimism"), ("support", "oppose"), ("pro", "anti"),
)  # fmt: skip


class Chance:
    """Numbers that look random, by a name and a text."""

    def __init__(self, name: str, text: str) -> None:
        self._start, self._drawn = text_digest(text, start=name.encode()), 0

    def below(self, n: int) -> int:
        """The next one: a whole number from 0 to n - 1."""
        self._drawn += 1
        return text_number(str(self._drawn), self._start) % n


@dataclass(frozen=True)
class Change:
    """One way to change a text.

    Attributes:
        name: in options and results.
        what: what it does, for people.
        function: from a text to the changed one; the same text where there is nothing to change.
        matters: whether the answer should change with it.
    """

    name: str
    what: str
    function: Callable[[str, Chance], str]
    matters: bool = False

    def __call__(self, text: str) -> str:
        """The changed text."""
        return self.function(text, Chance(self.name, text))


def _lower(text: str, _: Chance) -> str:
    return text.lower()


def _upper(text: str, _: Chance) -> str:
    return text.upper()


def _typing_errors(text: str, chance: Chance) -> str:
    words = [match.span() for match in _LONG_WORD.finditer(text)]
    if not words:
        return text
    chosen = [span for span in words if not chance.below(TYPED_WRONG)] or [words[chance.below(len(words))]]
    pieces, at = [], 0
    for start, end in chosen:
        pieces += [text[at:start], _mistyped(text[start:end], chance)]
        at = end
    return "".join([*pieces, text[at:]])


def _mistyped(word: str, chance: Chance) -> str:
    """With two letters swapped, one left out or one doubled; the first and the last letter stay."""
    i, kind = 1 + chance.below(len(word) - 2), chance.below(3)
    if kind == 0 and i + 2 < len(word) and word[i] != word[i + 1]:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i] * (2 if kind == 1 else 0) + word[i + 1 :]


def _blanks(text: str, chance: Chance) -> str:
    doubled = _BETWEEN.sub(lambda _: " " if chance.below(BLANKS_DOUBLED) else "  ", text)
    return f" {doubled} " if text.strip() else text


def _without_punctuation(text: str, _: Chance) -> str:
    links = [match.span() for match in URL.finditer(text)]
    inside = set().union(*(range(*span) for span in links))

    def stays(i: int) -> bool:
        if not unicodedata.category(text[i]).startswith("P") or text[i] in "@#_%&*" or i in inside:
            return True
        return 0 < i < len(text) - 1 and text[i - 1].isalnum() and text[i + 1].isalnum()  # it's, 3.5, well-known

    left = "".join(text[i] for i in range(len(text)) if stays(i))
    return left if left.strip() else text


def _without_accents(text: str, _: Chance) -> str:
    if text.isascii():
        return text
    return "".join(_bare(character) for character in unicodedata.normalize("NFC", text))


def _bare(character: str) -> str:
    """A Latin letter without its accents; in other scripts marks make other letters."""
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() and base.isalpha() else character


def _link(text: str, chance: Chance) -> str:
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    name = "".join(letters[chance.below(len(letters))] for _ in range(10))
    return f"{text.rstrip()} https://t.co/{name}" if text.strip() else text


def _user_name(text: str, chance: Chance) -> str:
    names = ("anna", "tom", "mia", "ben", "lisa", "max")
    return f"@{names[chance.below(len(names))]}{chance.below(1000)} {text}" if text.strip() else text


def _aside(text: str, chance: Chance) -> str:
    asides, stripped = _ASIDES.get(language_of(text), ()), text.rstrip()
    if not asides or not stripped:
        return text
    ended = unicodedata.category(stripped[-1]).startswith("P")
    return f"{stripped}{'' if ended else '.'} {asides[chance.below(len(asides))]}"


def _negated(text: str, _: Chance) -> str:
    if len(text.split()) > MOST_NEGATED or _SENTENCE_END.search(text):
        return text
    plain = text.replace("’", "'")
    if found := _NOT.search(plain):
        word = found[0].lower()
        affirmed = "can" if word == "cannot" else _SHORTENED.get(word, found[2] or "")
        return plain[: found.start()] + affirmed + plain[found.end() :]
    if (found := _AUXILIARY.search(plain)) is None:
        return text
    return f"{plain[: found.end()]} not{plain[found.end() :]}"


CHANGES: Final = (
    Change("lower", "written in lower case", _lower),
    Change("upper", "written in upper case", _upper),
    Change("typos", "typing errors in one of ten words", _typing_errors),
    Change("blanks", "some blanks doubled, and blanks around the text", _blanks),
    Change("punctuation", "without punctuation", _without_punctuation),
    Change("accents", "Latin letters without accents", _without_accents),
    Change("link", "a link at the end", _link),
    Change("user", "a user name at the beginning", _user_name),
    Change("aside", "a sentence at the end that is about something else", _aside),
)
NEGATION: Final = Change("negation", "one English sentence negated, or its negation taken back", _negated, matters=True)


def is_about_sentiment(task: Task) -> bool:
    """Whether labels look like opposite feelings, such as positive and negative, so that a negation should matter."""
    words = {word for label in task.labels for word in re.findall(r"[^\W_]+", label.casefold())}
    return any(one in words and other in words for one, other in _OPPOSITES)
