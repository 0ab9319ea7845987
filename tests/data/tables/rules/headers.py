"""Header or data

The first line of a table may hold the names of its columns, or may be a row already. All columns are weighed: a name is
unlike the values below it in its length, its kind and its spelling, and does not recur. What is decided is said
wherever it is not plain, and what is not clear is refused with both readings. `--header` and `--no-header` (`header=`)
decide."""

from pathlib import Path

import openpyxl

from .rule import Example, Rule

ROWS = "It works well,good\nIt broke at once,bad\nStill works today,good\nNo use at all,bad\n"
SEMICOLONS = ROWS.replace(",", ";")


def _sheet(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Feedback in spring"], ["text", "label"], *(line.split(",") for line in ROWS.splitlines())):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.save(path)


RULES = (
    Rule(
        "Questions, long names, names with line breaks and names in any language are names like any other.",
        (
            Example(
                'Timestamp,What did you think of it?,"In your own words, how\nwas it?"\n'
                + "".join(f"2024-01-0{i + 1},{line}\n" for i, line in enumerate(ROWS.splitlines())),
                rows=4,
                labels=("bad", "good"),
            ),
            Example(f"Rückmeldung,Bewertung\n{ROWS}", rows=4, labels=("bad", "good")),
        ),
    ),
    Rule(
        "A table without names is read without them, and that is said.",
        (Example(ROWS, rows=4, labels=("bad", "good"), says="has no header, for line 1 reads as the rows below it"),),
    ),
    Rule(
        "What is not clear is refused, with both readings and the options that decide.",
        (
            Example(f"foo,bar\n{ROWS}", refused="It is not clear whether line 1"),
            Example(f"foo,bar\n{ROWS}", options={"header": True}, labels=("bad", "good")),
        ),
    ),
    Rule(
        "Lines above the names (a title, a comment) are no rows.",
        (
            Example(f"Feedback in spring\n\ntext,label\n{ROWS}", rows=4, says="the line above them is no row"),
            Example(f"# made by the help desk\ntext,label\n{ROWS}", rows=4, says="'# made by the help desk'"),
            Example(
                _sheet,
                name="reviews.xlsx",
                shown=f"| Feedback in spring (merged) |\n| text | label |\n{ROWS}",
                rows=4,
                labels=("bad", "good"),
                says="has the names of its columns in row 2 of the sheet",
            ),
        ),
    ),
    Rule(
        "Excel's first line `sep=;` says the delimiter and is no row.",
        (Example(f"sep=;\ntext;label\n{SEMICOLONS}", rows=4, labels=("bad", "good"), says="says the delimiter"),),
    ),
    Rule(
        "Names that stand again below, in files that were joined, are left out. The rows after them keep their "
        "numbers: a row's number counts all rows below the names.",
        (
            Example(
                f"text,label\n{ROWS}Text,Label\n{ROWS}",
                rows=8,
                labels=("bad", "good"),
                says="1 row repeats the names of the columns of",
            ),
            Example(
                '{"text": "It works", "label": "good"}\n{"text": "text", "label": "label"}\n'
                '{"text": "It broke", "label": "bad"}\n',
                name="reviews.jsonl",
                rows=2,
                says="(row 2), left out",
            ),
            Example(f"text,label\n{ROWS}label,text\n{ROWS}", refused="in another order"),
            Example(f"text,label\n{ROWS}Comment,Sentiment\n{ROWS}", refused="holds names of columns"),
        ),
    ),
    Rule(
        "The further lines of names in the exports of Qualtrics and SurveyMonkey are no rows.",
        (
            Example(
                'Q1,Q2\nWhat did you like?,Rating\n"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n' + ROWS,
                rows=4,
                labels=("bad", "good"),
                says="line 2, line 3 are no data and left out",
            ),
            Example(
                "Respondent ID,What did you like?,How was it?\n,Open-Ended Response,Response\n"
                + "".join(f"{i + 700},{line}\n" for i, line in enumerate(ROWS.splitlines())),
                rows=4,
                labels=("bad", "good"),
                says="line 2 is no data and left out",
            ),
        ),
    ),
    Rule(
        "Columns that share a name are told apart, and only refused where one of them is to be taken.",
        (
            Example(
                "text,label,notes,notes\n" + ROWS.replace("\n", ",x,y\n"),
                rows=4,
                says="2 columns named 'notes' (columns 3, 4); they are called 'notes', 'notes (2)'",
            ),
            Example(
                "text,label,label\n" + ROWS.replace("\n", ",x\n"),
                refused="2 columns named 'label' (columns 2, 3), and it is not clear which one is meant",
            ),
        ),
    ),
    Rule(
        "In a list of texts, one a line, the first line is a name only if it is exactly one that is expected, such as "
        "`text`; a first text that is a word such as names are made of stays a text.",
        (
            Example(
                "No comment,bad\nIt works well,good\nIt broke at once,bad\nStill works today,good\n",
                rows=4,
                texts=("No comment",),
            ),
        ),
    ),
    Rule(
        "Of delimiters that divide the lines equally well, the one is meant in which the first line is as wide as the "
        "rest, whose fields do not begin with a blank, and whose values recur.",
        (
            Example(
                "It works, really;good\nIt broke, sadly;bad\nStill works, today;good\nNo use, at all;bad\n",
                rows=4,
                labels=("bad", "good"),
            ),
        ),
    ),
    Rule(
        "A line of delimiters alone, as spreadsheets write for blank rows, is no row; it keeps its number.",
        (
            Example(
                "text,label\nIt works well,good\n,\nIt broke at once,bad\n,\n",
                rows=2,
                labels=("bad", "good"),
                says="hold delimiters alone (line 3, line 5), left out.",
            ),
        ),
    ),
)
