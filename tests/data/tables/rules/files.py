"""Forms of files

What a file is, its first bytes say, and only then its name. What is read in a way that is not plain is said."""

import bz2
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .rule import Example, Rule


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", "text,label\nIt works well,good\nIt broke at once,bad\n")
        archive.writestr("test.csv", "text,label\nIt works still,good\n")


def _bz2(path: Path) -> None:
    path.write_bytes(bz2.compress(b"text,label\nIt works well,good\nIt broke at once,bad\n"))


def _classes(path: Path) -> None:
    names = '{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["bad", "good"]}}}}'
    table = pa.table({"text": ["It works well", "It broke at once", "No idea"], "label": [1, 0, 2]})
    pq.write_table(table.replace_schema_metadata({b"huggingface": names}), path)


RULES = (
    Rule(
        "JSON is read as pandas, polars and others write it: one object per line or an array of objects; columns, each "
        "a list or an object by row; rows by key; the one array of rows in an object, which is then named.",
        (
            Example(
                '{"text": {"0": "It works well", "1": "It broke at once"}, "label": {"0": "good", "1": "bad"}}',
                name="reviews.json",
                rows=2,
                labels=("bad", "good"),
                says="reviews.json is one object of columns, 'text', 'label'.",
            ),
            Example(
                '{"version": 2, "items": [{"text": "It works well", "label": "good"},\n'
                '                         {"text": "It broke at once", "label": "bad"}]}',
                name="reviews.json",
                rows=2,
                says="its rows are those under 'items'",
            ),
            Example(
                '["text", "label"]\n["It works well", "good"]\n["It broke at once", "bad"]\n',
                name="reviews.jsonl",
                rows=2,
                texts=("It works well", "It broke at once"),
            ),
        ),
    ),
    Rule(
        "JSON that holds no table, or two, is refused by what it is.",
        (
            Example(
                '{"text": ["It works well", "It broke at once"], "label": ["good"]}',
                name="reviews.json",
                refused="is one object of columns of different lengths: 'text' has 2, 'label' has 1.",
            ),
            Example(
                '[{"text": "It works well", "label": "good"},]',
                name="reviews.json",
                refused="is not JSON: a comma stands before a closing bracket at character 45.",
            ),
        ),
    ),
    Rule(
        "Text packed by gzip, zstd, bz2, xz or zip is read as it is. Of several files in a zip one is named by its "
        "path, or several by a pattern.",
        (
            Example(_bz2, name="reviews.csv.bz2", shown="reviews.csv, packed by bz2", rows=2),
            Example(
                _zip,
                name="reviews.zip",
                shown="a zip of train.csv and test.csv",
                refused="say which one to read by its path, such as",
            ),
        ),
    ),
    Rule(
        "fastText's lines are read: the words with `__label__` at the start or end of a line are its labels, one or "
        "several, and the number of a row is that of its line.",
        (
            Example(
                "__label__good It works well, so far\n__label__bad It broke, and at once\n",
                name="reviews.txt",
                labels=("bad", "good"),
                texts=("It works well, so far", "It broke, and at once"),
                says="has fastText's form",
            ),
        ),
    ),
    Rule(
        "A backslash before a quote, as MySQL, Spark and R write it, makes the quote part of the text, where more rows "
        "are good with this reading. It is said.",
        (
            Example(
                'text,label\n"They said \\"it works\\", and it does",good\n"It broke, at once",bad\n',
                texts=('They said "it works", and it does', "It broke, at once"),
                says="A backslash in",
            ),
            Example(
                'text,label\n"It is in C:\\temp\\",good\n"It broke, at once",bad\n',
                texts=("It is in C:\\temp\\", "It broke, at once"),
            ),
        ),
    ),
    Rule(
        r"A cell that is `\N` is missing, as MySQL and PostgreSQL write NULL; with it, `\t` and `\n` in a file without "
        "quotes are a tab and a line end.",
        (
            Example(
                "text\tlabel\tby\nIt works\\nwell\tgood\tAnn\nIt broke at once\tbad\t\\N\n",
                name="reviews.tsv",
                texts=("It works\nwell", "It broke at once"),
                says=r"\N, as MySQL and PostgreSQL write NULL",
            ),
        ),
    ),
    Rule(
        "Blanks after all delimiters, or before quotes that enclose fields, are no part of the fields.",
        (
            Example(
                'label, text\ngood, "It works, and well"\nbad, It broke at once\n',
                texts=("It works, and well", "It broke at once"),
                says="Blanks after the delimiters",
            ),
        ),
    ),
    Rule(
        "UTF-16 and UTF-32 are told by their mark, and without one by their null bytes, which is said. `--encoding` "
        "decides.",
        (
            Example(
                "text,label\nIt works well,good\nIt broke at once,bad\n".encode("utf-16-le"),
                shown="text,label\nIt works well,good\nIt broke at once,bad\n(in UTF-16, without a mark)",
                rows=2,
                says="is read as UTF-16-LE",
            ),
        ),
    ),
    Rule(
        "Class numbers of `datasets` have the names that the file's metadata gives them, -1 is no label, and a number "
        "without a name is refused with its row. An index that pandas stores without a name is no column.",
        (
            Example(
                _classes,
                name="reviews.parquet",
                shown="text,label (bad, good)\nIt works well,1\nIt broke at once,0\nNo idea,2",
                refused="row 3 has class number 2 in column 'label', whose ClassLabel has 2 names, bad, good.",
            ),
        ),
    ),
    Rule(
        "Files of other kinds (PDF, Word, HTML, XML, ARFF, pickle, SPSS, R, tar, 7z, tables drawn with characters) are "
        "named and refused, with what to do.",
        (
            Example(
                "| text | label |\n|------|-------|\n| It works well | good |\n",
                name="reviews.md",
                refused="is a table drawn with characters",
            ),
            Example(b"\x80\x04\x95", name="reviews.csv", shown="(a pickle)", refused="it is never loaded"),
        ),
    ),
    Rule(
        "A file whose name says another format than it has is read by what it holds.",
        (
            Example(
                "text,label\nIt works well,good\nIt broke at once,bad\n",
                name="reviews.xls",
                rows=2,
                says="is delimited text, whatever its name says",
            ),
        ),
    ),
)
