"""Which columns of a table are its texts and which its labels: by their names first, then by what stands in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from textgraft.data.readers import names
from textgraft.data.tables.label_cells import TRUTH
from textgraft.data.tables.lists import is_list
from textgraft.data.tables.paths import paths, reached, say_path
from textgraft.errors import DataError, listed
from textgraft.labels import NUMBER, is_missing, label_name
from textgraft.unicode import quoted

Table = Mapping[str, Sequence[Any]]
Kind = Literal["string", "integer", "float", "list", "empty", "other"]

_MOST_BINARY = 100  # ways to write 0, 1, true and false
_SAMPLE = 5_000  # rows, evenly spaced, whose distinct values are counted
_LEAST = 40  # rows that are looked at in any case
_CELLS = 4_000_000  # that are looked at in all: fewer rows of a very wide table
_LOOK = 500  # of these, the ones whose length and kind are looked at
_MOMENT = re.compile(r"\d{1,2}:\d{2}|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}")
_LETTER = re.compile(r"[^\W\d_]")
_IDEOGRAPH = re.compile(r"[\u2e80-\U0003ffff]")
_HELD = {"integer": "numbers", "float": "numbers", "list": "lists", "other": "no strings"}
_PROSE = 3.0  # words per cell on average


@dataclass(frozen=True)
class Profile:
    """What is known of a column from a sample of its rows.

    Attributes:
        name: its name.
        kind: what most of its cells are.
        filled: the share of cells that are not missing.
        characters, words, pieces: means per filled cell; a word has a letter, a piece stands between white space.
        distinct: different values.
        rows: the size of the sample.
        binary: whether all filled cells are 0, 1, true or false.
        moment: whether nearly all filled cells look like dates or times.
    """

    name: str
    kind: Kind
    filled: float
    characters: float
    words: float
    pieces: float
    distinct: int
    rows: int
    binary: bool
    moment: bool

    @property
    def variety(self) -> float:
        """Distinct values per filled cell."""
        return self.distinct / max(1.0, self.filled * self.rows)

    @property
    def is_key(self) -> bool:
        """Whether its values number or locate rows."""
        if names.is_identifier(self.name) and (self.variety > 0.5 or self.kind == "float"):
            return True
        single = self.kind == "integer" or (self.kind == "string" and self.pieces <= 1)
        return single and self.variety == 1 and self.rows >= 20

    @property
    def is_categorical(self) -> bool:
        """Whether few values recur, as those of a label do."""
        if self.kind == "list":
            return True
        few = 2 <= self.distinct <= max(2, min(100, self.rows // 2))
        return self.kind in ("string", "integer") and few and self.characters <= 40 and self.filled >= 0.5


@dataclass(frozen=True)
class Found:
    """The columns that were found, and why, as a clause."""

    columns: tuple[str, ...]
    why: str


def find_text(table: Table, exclude: Collection[str] = (), known: dict[str, Profile] | None = None) -> Found:
    """The text columns of a table, out of those not in ``exclude``; a title and a body are both.

    ``known`` takes the profiles of the columns, for ``find_label`` to go on from.

    Raises:
        DataError: no column looks like text, or two do equally.
    """
    profiles = _profiles(table, exclude, known)
    strings = [p for p in profiles if p.kind == "string" and p.filled >= 0.2]
    others = {p.name for p in strings if p.is_key or p.moment or _is_label(p.name) or _is_topic(p.name)}
    usable = [p for p in strings if p.name not in others or _is_textual(p.name)]
    textual = [p for p in usable if _is_textual(p.name)]
    exact = [p for p in textual if names.whole(p.name) in ("text", "texts")]
    if named := exact or textual or [p for p in usable if _ends_in(p.name, names.TEXT)]:
        why = "named so" if len(named) == 1 else "the longest of those named so"
        return _with_title(_longest(named, 3.0), usable, why)
    _check_objects(table, exclude, "text", usable)
    prose = [p for p in usable if p.words >= _PROSE and not (p.rows >= 100 and p.variety < 0.05)]
    if prose:
        why = "the only one with prose" if len(prose) == 1 else "by far the longest"
        return _with_title(_longest(prose, 2.0), usable, why)
    if not usable:
        named_so = [p for p in profiles if _is_textual(p.name) and p.kind not in ("string", "empty")]
        holds = f" Column {quoted(named_so[0].name)} holds {_HELD[named_so[0].kind]}." if named_so else ""
        raise DataError(
            f"No column looks like text; there {_are(table)}.{holds} Say which one holds the texts with --text (text=)."
        )
    if len(usable) == 1:
        return Found((usable[0].name,), "the only one with strings")
    varied = sorted(usable, key=lambda p: -p.distinct)
    if varied[0].distinct >= 2 * varied[1].distinct:
        return Found((varied[0].name,), "its strings differ most")
    return Found((_longest(usable, 2.0).name,), "its strings are the longest")


def find_label(
    table: Table, texts: Collection[str], exclude: Collection[str] = (), known: dict[str, Profile] | None = None
) -> Found:
    """The label column of a table, or the 0/1 columns that are one label each, out of the others.

    ``known`` are profiles that were made already.

    Raises:
        DataError: no column looks like a label, or two do equally.
    """
    profiles = [p for p in _profiles(table, {*exclude, *texts}, known) if p.kind != "empty"]
    binary = [p for p in profiles if p.binary and not names.is_about(p.name)]
    for tier, (is_named, sure) in enumerate(((_is_label, True), (_is_topic, False), (_holds_label, False))):
        named = [p for p in profiles if is_named(p.name) and (sure or (p.is_categorical and not p.is_key))]
        if tier > 0 and len(binary) > 1 and all(p.binary for p in named):
            break  # several 0/1 columns, of which one may be called "spam"
        if named:
            return _only(table, named, "named so")
    _check_objects(table, {*texts, *exclude}, "label", [])
    recurring = [p for p in profiles if p.name and p.is_categorical and not (p.is_key or p.moment)]
    candidates = [p for p in recurring if not names.is_moment(p.name) and not names.is_split(p.name)]
    if len(binary) > 1:
        if worded := [p for p in candidates if not p.binary and p.kind in ("string", "list")]:
            raise DataError(
                f"{listed((quoted(p.name) for p in worded), 4)} may be the label, and "
                f"{listed((quoted(p.name) for p in binary), 8)} may be labels of 0 and 1 each. Say which with --label "
                f"(label=): one column, or several of 0 and 1."
            )
        return Found(tuple(p.name for p in binary), "one per label")
    candidates = [p for p in candidates if not (p.binary and names.is_about(p.name))] or candidates
    if not candidates:
        raise DataError(
            f"No column looks like a label beside the text {listed(map(quoted, texts))}; there {_are(table)}. "
            f"Say which one holds the labels with --label (label=)."
        )
    return _only(table, candidates, "few values that recur")


def _check_objects(table: Table, exclude: Collection[str], option: str, beside: Sequence[Profile]) -> None:
    """Raises DataError where what is looked for may be in the objects of a column: none of these is taken unasked."""
    columns = {name: values for name, values in table.items() if name not in exclude}
    inside = paths(columns)
    if option == "label":
        inside = [path for path in inside if _is_label(_last(path)) or _is_topic(_last(path))]
    else:
        strings = [profile(path, values) for path, values in reached(columns, inside).items()]
        strings = [p for p in strings if p.kind == "string"]
        inside = [p.name for p in strings if p.words >= _PROSE or _is_textual(_last(p.name)) or not beside]
    if inside:
        holding = listed(quoted(name) for name in columns if any(path.startswith(f"{name}.") for path in inside))
        raise DataError(f"The {option} may be in the objects of column {holding}. {say_path(inside, option)}")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _profiles(table: Table, exclude: Collection[str], known: dict[str, Profile] | None) -> list[Profile]:
    """The profiles of the columns that are not excluded; of those that are not known they are made."""
    known = {} if known is None else known
    sample = min(_SAMPLE, max(_LEAST, _CELLS // max(1, len(table))))
    for name, values in table.items():
        if name not in exclude and name not in known:
            known[name] = profile(name, values, sample)
    return [known[name] for name in table if name not in exclude]


def profile(name: str, values: Sequence[Any], sample: int = _SAMPLE) -> Profile:
    """Profiles a column by up to ``sample`` evenly spaced rows."""
    rows = values[:: max(1, -(-len(values) // sample))]
    filled: list[Any] = list(filter(None, rows)) if all(type(value) is str for value in rows) else _filled(rows)
    cells = [value if isinstance(value, str) else str(value) for value in filled]
    distinct = set(cells)
    n = max(1, len(cells))
    step = max(1, -(-len(filled) // _LOOK))
    looked = Counter(cells[::step])  # what recurs is looked at once
    total = max(1, looked.total())
    plain = all(type(value) is str for value in filled[::step])
    return Profile(
        name=name,
        kind=_kind(list(looked) if plain else filled[::step]),
        filled=len(filled) / max(1, len(rows)),
        characters=sum(map(len, cells)) / n,
        words=sum(count * _count_words(cell) for cell, count in looked.items()) / total,
        pieces=sum(count * len(cell.split()) for cell, count in looked.items()) / total,
        distinct=len(distinct),
        rows=len(rows),
        binary=0 < len(distinct) <= _MOST_BINARY and all(label_name(value) in TRUTH for value in distinct),
        moment=_are_moments(looked),
    )


def _filled(values: Sequence[Any]) -> list[Any]:
    """The cells that are not missing; bytes as text."""
    filled = (value for value in values if not is_missing(value))
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in filled]


def _kind(values: Sequence[Any]) -> Kind:
    if not values:
        return "empty"
    if any(map(is_list, values)):
        return "list"
    if all(isinstance(value, (bool, int)) for value in values):
        return "integer"
    cells = [value.strip() if isinstance(value, str) else str(value) for value in values]
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return "integer" if all(float(cell).is_integer() for cell in cells) else "float"
    plain = not any(isinstance(value, Mapping) for value in values)  # a workbook has numbers and dates among its texts
    return (
        "string" if sum(isinstance(value, str) for value in values) > (0.5 if plain else 0.9) * len(values) else "other"
    )


def _are_moments(cells: Counter[str]) -> bool:
    found = sum(count for cell, count in cells.items() if len(cell) < 40 and _MOMENT.search(cell) is not None)
    return found > 0.9 * max(1, cells.total())


def _count_words(cell: str) -> int:
    """Words with a letter; what has no space is one word for scripts that write without them by fours."""
    start = cell[:400]  # is enough to tell prose
    words = sum(not word.isdigit() and _LETTER.search(word) is not None for word in start.split())
    return words if start.isascii() else max(words, len(_IDEOGRAPH.findall(start)) // 4)


def _is_textual(name: str) -> bool:
    return names.whole(name) in names.TEXT


def _ends_in(name: str, known: frozenset[str]) -> bool:
    return bool(known.intersection(names.words(name)[-1:]))


def _is_label(name: str) -> bool:
    parts = names.words(name)
    also = len(parts) == 2 and parts[0] in names.LABEL and parts[1] in ("name", "names", "text", "str", "string")
    return names.whole(name) in names.LABEL or also


def _is_topic(name: str) -> bool:
    return names.whole(name) in names.TOPIC


def _holds_label(name: str) -> bool:
    parts = names.words(name)
    return bool((names.LABEL | names.TOPIC).intersection((*parts[:1], *parts[-1:])))


def _longest(candidates: list[Profile], times: float) -> Profile:
    """The candidate whose cells are ``times`` as long as the next one's."""
    by_length = sorted(candidates, key=lambda p: -p.characters)
    if len(by_length) > 1 and by_length[0].characters < times * by_length[1].characters:
        close = [p for p in by_length if by_length[0].characters < times * p.characters]
        said = listed((f"{quoted(p.name)} ({p.characters:.0f} characters on average)" for p in close), 6)
        raise DataError(
            f"{len(close)} columns are equally likely to be the text: {said}. Say which with --text (text=); several "
            f"are joined."
        )
    return by_length[0]


def _with_title(body: Profile, usable: Sequence[Profile], why: str) -> Found:
    """The body, after its title if there is one."""
    titles = [p for p in usable if _ends_in(p.name, names.TITLE) and p is not body]
    if len(titles) == 1 and _ends_in(body.name, names.BODY):
        return Found((titles[0].name, body.name), "a title and its text, joined")
    return Found((body.name,), f"{why}; about {body.characters:.0f} characters on average")


def _only(table: Table, candidates: list[Profile], why: str) -> Found:
    """The one candidate; of two that say the same in numbers and in words, the one in words."""
    if len(candidates) == 1:
        return Found((candidates[0].name,), why)
    worded = [p for p in candidates if p.kind == "string"] or candidates[:1]
    if len(worded) == 1 and all(_same(table[worded[0].name], table[p.name]) for p in candidates):
        return Found((worded[0].name,), f"{why}; the others say the same in numbers")
    said = listed((f"{quoted(p.name)} ({p.distinct} values)" for p in candidates), 8)
    raise DataError(
        f"{len(candidates)} columns are equally likely to be the label: {said}. Say which with --label (label=)."
    )


def _same(first: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two columns divide the rows in the same way."""
    pairs = {(str(a), str(b)) for a, b in zip(first, other, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def same_labels(wanted: Sequence[str], table: Table) -> tuple[str, ...]:
    """The label columns of a table that bear ``wanted`` names, if only in the normal form of a label.

    Columns of 0 and 1 are labels by their names, and those of a frame may be numbers.
    """
    by_name: dict[str | None, list[str]] = {}
    for name in table:
        by_name.setdefault(label_name(name), []).append(name)
    same = (by_name.get(label_name(name), []) for name in wanted)
    return tuple(
        name if name in table or len(found) != 1 else found[0] for name, found in zip(wanted, same, strict=True)
    )


def _are(table: Table) -> str:
    names = listed(map(quoted, table), 12)
    return f"is only {names}" if len(table) == 1 else f"are {names}"
