"""What the names of columns say: which mean text, a label, a number for each row, a split."""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TEXT = _set(
    "text texts txt message msg tweet review content body sentence comment document doc post utterance "
    "article passage paragraph snippet transcript note narrative complaint query question prompt "
    "description abstract overview synopsis selftext story lyrics plot email sms reviewtext"
)
"""Columns named so hold texts."""

TITLE = _set("title headline subject heading")
BODY = _set("body description abstract overview synopsis content article text selftext story review message summary")
"""A title is joined with a body."""

LABEL = _set("label labels class classes target targets y")
TOPIC = _set(
    "sentiment emotion emotions category categories topic topics intent intents tag tags genre genres "
    "polarity stance stars rating section department spam sarcasm toxicity mood feeling annotation "
    "verdict gold"
)
PLURAL = _set("labels classes targets emotions categories topics intents tags genres")

SPLIT = _set("split partition subset")
_FOLD = _set("fold splits folds")
_ID = _set("id ids idx index uuid guid key rowid url link href uri hash file filename path")
_WHEN = _set("date time datetime timestamp created year month day")
_ABOUT = _set("is has was retweet retweeted verified truncated favorited deleted")


def words(name: str) -> list[str]:
    """The lower-case words of a column name: ``"reviewText"`` and ``"review_text"`` both give two."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.findall(r"[^\W_]+", parted.lower())


def whole(name: str) -> str:
    """The name in lower case without what is not a letter or digit at its ends."""
    return "_".join(words(name))


def is_split(name: str) -> bool:
    """Whether a column is named as one that says which part of the data a row belongs to, or which fold."""
    parts = words(name)
    return len(parts) <= 2 and bool((SPLIT | _FOLD).intersection((*parts[:1], *parts[-1:])))


def is_identifier(name: str) -> bool:
    """Whether a column is named as one that numbers or locates its rows."""
    parts = words(name)
    return not parts or parts[-1] in _ID or parts[0] == "unnamed" or bool(re.fullmatch(r"\w+(id|ID)", name.strip()))


def is_moment(name: str) -> bool:
    """Whether a column is named as a time."""
    return bool(_WHEN.intersection(words(name)))


def is_about(name: str) -> bool:
    """Whether a column of 0 and 1 is named as a property of the row, not as a label."""
    return bool(_ABOUT.intersection(words(name)[:1]))


def is_known(name: str) -> bool:
    """Whether a cell reads as the name of a column that tables of texts have."""
    if len(name) > 40 or len(name.split()) > 2:
        return False
    known = TEXT | TITLE | LABEL | TOPIC | SPLIT | _ID
    parts = words(name)
    return whole(name) in known or (bool(parts) and len(parts) <= 3 and (parts[-1] in known or name.lower() in known))
