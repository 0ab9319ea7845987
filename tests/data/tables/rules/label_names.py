"""One name for one label

A label has the same name whether it comes from a file, a frame or a list."""

from __future__ import annotations

from pathlib import Path

from .rule import Example, Rule


def _workbook(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("text", "label"), ("It works well", True), ("It broke at once", False), ("Still works", "true")):
        sheet.append(row)
    book.save(path)


_SCORES = "".join(f"This is review number {i},{i / 7:.3f}\n" for i in range(1, 31))
_TWINS = "text,label\nIt works well,Good\nStill works,good\nGood value,good\nIt broke at once,bad\n"

RULES = (
    Rule(
        'Whole numbers are written without a point: 1, "1" and 1.0 are one label, whatever the other rows hold.',
        (
            Example(
                "text,label\nIt works well,1\nIt broke at once,2\nNo idea yet,unknown\nStill works,1.0\n",
                rows=4,
                labels=("1", "2", "unknown"),
            ),
            Example(
                code='tg.read_table(pd.DataFrame({"text": ["It works", "It broke"], "label": [1.0, 2.0]}))',
                labels=("1", "2"),
            ),
        ),
    ),
    Rule(
        "true, True, TRUE and the truth values of JSON, Excel and Parquet are one label, true.",
        (
            Example(
                _workbook,
                name="reviews.xlsx",
                shown="text,label\nIt works well,TRUE\nIt broke at once,FALSE\nStill works,true\n",
                labels=("false", "true"),
            ),
        ),
    ),
    Rule(
        "Blanks at the ends of a name go; everything else in it stays, so that 01 is not 1.",
        (
            Example(
                "text,label\nIt works well,good \nIt broke at once,01\nStill works, good\nNo idea yet,1\n",
                labels=("01", "1", "good"),
            ),
        ),
    ),
    Rule(
        "A day at midnight, as workbooks and frames hold it, is the day.",
        (
            Example(
                "text,label\nIt works well,2024-05-31\nStill works,2024-05-31 00:00:00\nIt broke,2024-06-01T00:00:00\n",
                labels=("2024-05-31", "2024-06-01"),
            ),
        ),
    ),
    Rule(
        "Names that differ in case, in blanks or in Unicode form are different labels; `inspect` points at them, and "
        "`--merge-labels case,space,unicode` (or some of these) makes one of them, by the most frequent spelling.",
        (
            Example(_TWINS, labels=("Good", "bad", "good")),
            Example(
                _TWINS,
                options={"merge_labels": ["case"]},
                labels=("bad", "good"),
                says="'Good' (1) into 'good' (2)",
            ),
        ),
    ),
    Rule(
        "Columns of 0 and 1 are a label each, by the column's name; 1.0, true and TRUE are 1.",
        (
            Example(
                "text,joy,fear\nIt works well,1.0,false\nIt broke at once,0,TRUE\n",
                rows=2,
                labels=("joy", "fear"),
            ),
        ),
    ),
    Rule(
        "A column of names beside columns of 0 and 1 that are not called labels is not chosen for you.",
        (
            Example(
                "text,kind,urgent,solved\nIt works well,praise,0,1\nIt broke at once,complaint,1,0\n"
                "Still works,praise,0,1\nIt broke again,complaint,1,1\n",
                refused="'kind' may be the label, and 'urgent', 'solved' may be labels of 0 and 1 each",
            ),
            Example(
                "text,kind,urgent,solved\nIt works well,praise,0,1\nIt broke at once,complaint,1,0\n"
                "Still works,praise,0,1\nIt broke again,complaint,1,1\n",
                options={"label": "kind"},
                labels=("complaint", "praise"),
            ),
        ),
    ),
    Rule(
        "Scores and ids are no classes: a table is refused where four fifths of its rows, and ten at least, have a "
        "label of their own, or where there are more than 20 different numbers and half of them have a fraction. "
        "`--single-label` says that they are names of classes.",
        (Example(f"text,label\n{_SCORES}", refused="these are scores, and a classifier learns classes"),),
    ),
    Rule(
        "Where most labels, and three at least, have one row each, that is said.",
        (
            Example(
                "text,label\nIt works well,praise\nStill works,praise\nIt broke,complaint\nWhere is it?,question\n"
                "Call me,wish\n",
                says="3 of the 4 labels have one row each",
            ),
        ),
    ),
)
