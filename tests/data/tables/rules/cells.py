"""Cells that are no text

A text is a string. What else a cell of a text column can hold is read in the one right way, or refused with its row:
nothing is turned into a string unasked."""

from pathlib import Path

from .rule import Example, Rule

NESTED = """\
{"review": {"title": "Fine", "body": "It works well"}, "label": "good"}
{"review": {"title": "Poor", "body": "It broke at once"}, "label": "bad"}
{"review": {"title": "Fair", "body": null}, "label": "good"}
"""


def write_workbook(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active is not None
    for row in (("text", "label"), ("It works well", "good"), (42, "bad"), ("It broke at once", "bad")):
        book.active.append(row)
    book.save(path)


RULES = (
    Rule(
        "A dotted name reaches into objects: of JSON, structs and maps of Parquet and Arrow, dictionaries in frames. "
        "It goes for the text, label, group, time, split and kept columns; a part that is missing is empty. Objects "
        "are never texts of their own.",
        (
            Example(NESTED, "reviews.jsonl", refused="In them are 'review.title', 'review.body'"),
            Example(
                NESTED,
                "reviews.jsonl",
                options={"text": "review.body"},
                rows=3,
                texts=("It works well", "It broke at once", ""),
            ),
        ),
    ),
    Rule(
        "A column that really has this name, dots and all, wins.",
        (
            Example(
                '{"a.b": "It works well", "a": {"b": "x"}, "label": "good"}\n'
                '{"a.b": "It broke at once", "a": {"b": "y"}, "label": "bad"}\n',
                "reviews.jsonl",
                options={"text": "a.b"},
                texts=("It works well", "It broke at once"),
            ),
        ),
    ),
    Rule(
        "Numbers, dates, true and false among the texts are read as they are written, 3.0 as 3, and it is said. A "
        "column without any string is not taken for the text.",
        (
            Example(
                write_workbook,
                "reviews.xlsx",
                shown="text             | label\nIt works well    | good\n42 (a number)    | bad\n"
                "It broke at once | bad",
                texts=("It works well", "42", "It broke at once"),
                says="reviews.xlsx row 2; numbers, dates",
            ),
            Example(
                code='tg.read_table({"text": [1.0, 2.0, 3.5], "label": ["a", "b", "a"]})', refused="No column looks"
            ),
        ),
    ),
    Rule(
        "A list of strings is words that were parted already: they are joined by blanks. A list of anything else is "
        "refused.",
        (
            Example(
                '{"text": ["It", "works"], "label": "good"}\n{"text": ["It", "broke"], "label": "bad"}\n',
                "reviews.jsonl",
                options={"text": "text"},
                texts=("It works", "It broke"),
                says="joined by blanks",
            ),
            Example(
                '{"text": [{"role": "user", "content": "It works"}], "label": "good"}\n'
                '{"text": [{"role": "user", "content": "It broke"}], "label": "bad"}\n',
                "chats.jsonl",
                options={"text": "text"},
                refused="a list of objects ('role', 'content')",
            ),
        ),
    ),
    Rule(
        "Bytes are decoded as UTF-8.",
        (
            Example(
                code='tg.read_table({"text": ["café".encode(), "thé".encode()], "label": ["a", "b"]})',
                texts=("café", "thé"),
            ),
            Example(
                code='tg.read_table({"text": [b"caf\\xe9", b"th\\xe9"], "label": ["a", "b"]}, text="text")',
                refused="bytes that are not UTF-8",
            ),
        ),
    ),
)
