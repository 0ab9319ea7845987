"""Where a table may be

In a file, a folder, a pipe, at an address, in an object store, or on the Hugging Face Hub: it is read alike. What is no
file of this machine is copied to the folder for temporary files first, since a table is looked at more than once; the
copy is gone at the end, whatever happens."""

import os
import threading
from pathlib import Path

from textgraft.data.tables.asked import CommaNames

from .rule import Example, Rule

REVIEWS = "text,label\nIt works well,good\nIt broke at once,bad\nStill works,good\n"
SURVEY = """"What did you like, and why?","Overall rating, please",id
"The screen, it is bright",5,1
"Nothing, it broke at once",1,2
"The sound, it is clear",5,3
"""
TITLES = "title,body,label\nGood,It works well,1\nBad,It broke at once,2\n"
PAGE = "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"


def pipe(path: Path) -> None:
    """A named pipe that gives the reviews."""
    os.mkfifo(path)
    threading.Thread(target=path.write_text, args=(REVIEWS,)).start()


def packed(path: Path) -> None:
    """An archive of two tables."""
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("may.csv", REVIEWS)
        archive.writestr("june.csv", REVIEWS)


RULES = (
    Rule(
        "A name of a column may hold commas: --text, --label and --keep take a value that is the name of a column as "
        "that column, and only cut it at its commas where there is none.",
        (
            Example(
                SURVEY,
                options={
                    "text": CommaNames(["What did you like, and why?"]),
                    "label": CommaNames(["Overall rating, please"]),
                    "header": True,
                },
                rows=3,
                labels=("1", "5"),
                texts=("The screen, it is bright",),
            ),
            Example(TITLES, options={"text": CommaNames(["title,body"])}, rows=2, texts=("Good\nIt works well",)),
            Example(
                TITLES,
                options={"text": CommaNames(["titel,body"])},
                refused="There is no column 'titel,body'; separated at its commas, 'titel' is not there either. "
                "Did you mean 'title'?",
            ),
        ),
    ),
    Rule(
        "These options may be given several times, once for each column.",
        (Example(TITLES, options={"text": CommaNames(["title", "body"])}, rows=2, texts=("Good\nIt works well",)),),
    ),
    Rule(
        "A name is also found where it differs from the column's only in blanks or in the way that accents are stored.",
        (Example("te\u0301xte,label\nCa marche,1\nCa casse,2\n", options={"text": "t\u00e9xte"}, rows=2),),
    ),
    Rule(
        "A value that can be cut at its commas into columns in two ways is refused.",
        (
            Example(
                'a,"a,b","b,c",c,label\nIt works,so well,so far,indeed,yes\nIt broke,at once,too,sadly,no\n',
                options={"text": CommaNames(["a,b,c"]), "header": True},
                refused="'a,b,c' can mean the columns 'a' and 'b,c' or 'a,b' and 'c'",
            ),
        ),
    ),
    Rule(
        "What a pipe gives is read once, to its end: - is standard input, as in `cat reviews.csv | textgraft train - "
        "--out model` and `textgraft predict model --input -`; a named pipe and `<(...)` of a shell are read alike.",
        (Example(pipe, name="pipe", shown=REVIEWS, rows=3, labels=("bad", "good")),),
    ),
    Rule(
        "An address (https://..., s3://..., gs://..., az://..., file://..., zip://... and others of fsspec) may stand "
        "wherever a file may, and a pattern where the store can list its files. http, https and file need nothing "
        "more; the others the extra `remote`, and some a package of their own, which the refusal names.",
        (
            Example(
                packed,
                name="reviews.zip",
                source="zip://*.csv::{file}",
                shown="An archive with may.csv and june.csv.",
                rows=6,
            ),
            Example(
                code='tg.read_table("s3x://bucket/reviews.csv")',
                refused="s3x://bucket/reviews.csv cannot be read: s3x:// is no kind of address that is known here",
            ),
        ),
    ),
    Rule(
        "Of an address, user, password and all behind ? are never shown nor kept.",
        (
            Example(
                code='tg.read_table("s3x://ada:secret@bucket/reviews.csv?key=secret")',
                refused="s3x://bucket/reviews.csv cannot be read",
            ),
        ),
    ),
    Rule(
        "A web page is no table, whatever its name: often it is a login, or shows the file. The addresses of such "
        "pages of GitHub, GitLab, Google and others are refused with the address of the file.",
        (
            Example(PAGE, refused="reviews.csv is an HTML page, not a table"),
            Example(
                code='tg.read_table("https://github.com/ada/films/blob/main/reviews.csv")',
                refused="give https://raw.githubusercontent.com/ada/films/main/reviews.csv",
            ),
        ),
    ),
    Rule(
        "A data set of the Hugging Face Hub is named hf://datasets/OWNER/NAME, with @REVISION or :CONFIG behind it, or "
        "with a file or pattern of it (extra `hub`). Its card says which files it is, else their names do; rows get a "
        "column `split` where these say one. Several configurations are refused unless one is named.",
        (Example(code='tg.read_table("hf://ada/films")', refused="these are named as hf://datasets/OWNER/NAME"),),
    ),
)
