"""Any table with a header, or without one, is read for what it is, or refused with both readings."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import openpyxl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textgraft.data.readers.chunk_stream import open_chunks
from textgraft.data.sources.options import ReadOptions
from textgraft.data.tables.texts import read_texts
from textgraft.errors import DataError

from ...trying import EXAMPLES

KNOWN = [("text", "label"), ("Message", "Category"), ("reviewText", "stars"), ("tweet_text", "is_spam")]
OTHER = [
    ("Äußerung des Kunden", "Einordnung"),
    ("What did you like about our service?", "How would you rate it?"),
    ("In your own words, please describe what you liked or disliked about our service this year", "Team"),
    ("What did you\nthink of it?", "Which team\nwas it about"),
    ("评论", "类别"),
    ("комментарий", "оценка"),
    ("utterance given", "2024"),
    (" text ", "label\u00a0"),
    ("v1", "v2"),
]
WORDS = [
    ["the", "film", "was", "good", "and", "we", "all", "liked", "its", "warm", "ending", "very", "much", "again"],
    ["der", "film", "war", "leider", "nicht", "so", "gut", "wie", "wir", "alle", "gehofft", "hatten"],
    ["这部电影", "真的很", "好看", "音乐", "也很", "好听", "我们", "都喜欢", "结局"],
    ["фильм", "был", "очень", "хорош", "и", "нам", "всем", "понравился", "конец"],
]
LABELS = [["pos", "neg"], ["1", "2", "3"], ["refund", "delivery", "praise"], ["好", "坏"], ["Sehr gut", "Schlecht"]]
EXTRA = {
    "id": lambda i: str(1000 + i),
    "Timestamp": lambda i: f"2024-01-{1 + i % 28:02d} 10:{i % 60:02d}",
    "2019": lambda i: f"{i * 0.5}",
    "notes": lambda _: "",
}


@dataclass
class Made:
    """A table: its names and rows, with their places in a file."""

    names: list[str]
    rows: list[list[str]]

    def csv(self, *, header: bool, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=quoting)  # type: ignore[arg-type]
        writer.writerows([self.names, *self.rows] if header else self.rows)
        return stream.getvalue()


@st.composite
def tables(draw: st.DrawFn, names: list[tuple[str, str]], least: int = 3) -> Made:
    pair = draw(st.sampled_from(names))
    words = draw(st.sampled_from(WORDS))
    labels = draw(st.sampled_from(LABELS))
    n = draw(st.integers(least, 40))
    chance = Random(draw(st.integers(0, 1 << 32)))  # draws of hypothesis for each word would take most of the time
    texts = [
        " ".join(chance.choices(words, k=chance.randint(3, 12))) + chance.choice(["", ".", ", x"]) for _ in range(n)
    ]
    columns = [(pair[0], texts), (pair[1], chance.choices(labels, k=n))]
    for name in draw(st.lists(st.sampled_from(sorted(EXTRA)), unique=True, max_size=3)):
        columns.insert(draw(st.integers(0, len(columns))), (name, [EXTRA[name](i) for i in range(n)]))
    return Made(
        [name for name, _ in columns], [list(row) for row in zip(*(values for _, values in columns), strict=True)]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For all examples: each writes over the last one's file."""
    return tmp_path_factory.mktemp("tables")


def read(path: Path, header: bool | None = None) -> tuple[list[str], list[list[str]], list[int], str]:
    """The names, the rows, their numbers, and what is said."""
    stream = open_chunks(path, ReadOptions(header=header))
    names, rows, numbers = [], [], []
    for chunk in stream:
        names = list(chunk.columns)
        rows += [list(row) for row in zip(*chunk.columns.values(), strict=True)]
        numbers += chunk.numbers
    return names, rows, numbers, " ".join(stream.notes)


@settings(max_examples=EXAMPLES, deadline=None)
@given(table=tables(KNOWN + OTHER), header=st.booleans(), delimiter=st.sampled_from(",;\t|"))
def test_it_reads_as_if_it_were_told_or_is_refused(folder: Path, table: Made, header: bool, delimiter: str) -> None:
    first = [i for i, name in enumerate(table.names) if name not in EXTRA][1]
    assume(header or [row[first] for row in table.rows].count(table.rows[0][first]) > 1)  # else its label may be a name
    path = folder / "x.csv"
    path.write_text(table.csv(header=header, delimiter=delimiter))
    try:
        found = read(path)
    except DataError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert "--header" in refusal, refusal
        assert "--no-header" in refusal, refusal
        return
    told = read(path, header)
    assert found[:3] == told[:3]
    assert found[1] == table.rows


@settings(max_examples=EXAMPLES, deadline=None)
@given(table=tables(KNOWN, least=20), header=st.booleans())
def test_twenty_rows_under_common_names_are_enough(folder: Path, table: Made, header: bool) -> None:
    column = table.names.index(next(name for pair in KNOWN for name in pair[1:] if name in table.names))
    labels = [row[column] for row in table.rows]
    assume(min(map(labels.count, set(labels))) > 1)
    assume(header or all(len(cell.split()) != 3 for cell in table.rows[0]))  # a text as short as a name can be unclear
    (folder / "x.csv").write_text(table.csv(header=header))
    names, rows, *_ = read(folder / "x.csv")
    assert rows == table.rows
    assert (names == table.names) == header


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    table=tables(KNOWN, least=8),
    places=st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True),
    change=st.sampled_from([str, str.upper, str.title, lambda name: f" {name} "]),
    mark=st.sampled_from(["", "\ufeff"]),
    kind=st.sampled_from(["csv", "xlsx", "jsonl"]),
)
def test_names_that_stand_again_are_left_out_and_said(folder: Path, table: Made, places, change, mark, kind) -> None:
    again = [mark + change(table.names[0]), *map(change, table.names[1:])]
    rows = [(row, False) for row in table.rows]
    for place in places:
        rows.insert(min(place, len(rows)), (again, True))
    path = folder / f"x.{kind}"
    made = Made(table.names, [row for row, _ in rows])
    if kind == "csv":
        path.write_text(made.csv(header=True))
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [made.names, *made.rows]:
            book.active.append(row)
        book.save(path)
    else:
        path.write_text("".join(json.dumps(dict(zip(made.names, row, strict=True))) + "\n" for row in made.rows))
    names, found, numbers, said = read(path)
    assert names == table.names
    assert [[cell or "" for cell in row] for row in found] == table.rows
    assert numbers == [i for i, (_, repeated) in enumerate(rows, start=1) if not repeated]
    first = next(i for i, (_, repeated) in enumerate(rows, start=1) if repeated)
    assert f"repeat{'s' * (len(places) == 1)} the names of the columns" in said
    assert str(first if kind == "jsonl" else first + 1) in said


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    table=tables(KNOWN, least=8),
    delimiter=st.sampled_from(",;\t|:^"),
    quote=st.sampled_from(["", '"']),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_a_line_that_says_the_delimiter_is_obeyed_and_no_row(
    folder: Path, table: Made, delimiter, quote, end, mark
) -> None:
    assume(delimiter != ":" or "Timestamp" not in table.names)
    content = f"{mark}{quote}sep={delimiter}{quote}\n" + table.csv(header=True, delimiter=delimiter)
    (folder / "x.csv").write_text(content.replace("\n", end), newline="")
    names, rows, numbers, said = read(folder / "x.csv")
    assert (names, rows) == (table.names, table.rows)
    assert numbers[0] == 1
    assert "says the delimiter and is no row" in said


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    table=tables(KNOWN, least=8),
    titles=st.lists(
        st.sampled_from(["Survey results 2024", "Exported by Ann", "# made by hand", "Q3/2024"]), min_size=1
    ),
    padded=st.booleans(),
    kind=st.sampled_from(["csv", "xlsx"]),
)
def test_titles_above_the_names_are_no_rows_and_said(folder: Path, table: Made, titles, padded, kind) -> None:
    titles = titles[:5]
    rest = [""] * (len(table.names) - 1) if padded else []
    lines = [[title, *rest] for title in titles]
    path = folder / f"x.{kind}"
    if kind == "csv":
        path.write_text("".join(",".join(line) + "\n" for line in lines) + "\n" + table.csv(header=True))
    else:
        book = openpyxl.Workbook()
        for row in [*lines, [], table.names, *table.rows]:
            book.active.append(row)
        book.save(path)
    names, rows, numbers, said = read(path)
    assert names == table.names
    assert [[cell or "" for cell in row] for row in rows] == table.rows
    assert numbers[0] == 1
    assert f"{len(titles)} lines above" in said if len(titles) > 1 else repr(titles[0]) in said


@settings(max_examples=EXAMPLES, deadline=None)
@given(table=tables(KNOWN, least=8), twin=st.sampled_from(["id", "notes", "notes (2)"]), times=st.integers(2, 4))
def test_names_that_columns_share_are_told_apart_and_said(folder: Path, table: Made, twin: str, times: int) -> None:
    assume(twin not in table.names)
    kept = [i for i, name in enumerate(table.names) if name not in EXTRA]
    names = [*(table.names[i] for i in kept), *[twin] * times, "notes (2)"]
    rows = [[*(row[i] for i in kept), *(f"{k}{i}" for k in range(times)), "y"] for i, row in enumerate(table.rows)]
    (folder / "x.csv").write_text(Made(names, rows).csv(header=True))
    found, values, _, said = read(folder / "x.csv")
    assert len(set(found)) == len(names)
    assert values == rows
    assert f"columns named {twin!r}" in said


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    first=st.sampled_from(
        ["No comment", "Great", "Question", "good value", "Review", "Nothing to report", "Id", "Kommentar"]
    ),
    words=st.sampled_from(WORDS),
    n=st.integers(1, 30),
    seed=st.integers(0, 1 << 32),
)
def test_a_list_of_texts_loses_none(folder: Path, first: str, words: list[str], n: int, seed: int) -> None:
    chance = Random(seed)
    texts = [first, *(" ".join(chance.choices(words, k=chance.randint(3, 9))) for _ in range(n))]
    (folder / "x.txt").write_text("\n".join(texts))
    stream = read_texts(folder / "x.txt")
    assert [text for part, _ in stream for text in part] == texts
