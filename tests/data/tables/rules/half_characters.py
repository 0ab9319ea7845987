"""Half characters and foreign names

Some programs cut a character such as 😀 in two. Half of one can be written nowhere, so it is replaced. Names of files
may hold anything; they are shown so that a terminal does not obey them."""

import os
from pathlib import Path

from .rule import Example, Rule


def lines(label: str) -> str:
    return f'{{"text": "It works \\ud83d", "{label}": "good\\ude00"}}\n{{"text": "It broke", "{label}": "bad"}}\n'


def latin(folder: Path) -> None:
    folder.mkdir()
    for name in (b"caf\xe9", b"bar"):
        place = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - a name that is not UTF-8
        os.mkdir(place)  # noqa: PTH102
        with open(os.path.join(place, b"1.txt"), "w") as file:  # noqa: PTH118, PTH123
            file.write(f"a text about {name[:3].decode()}")


RULES = (
    Rule(
        "Half a character is replaced by \ufffd wherever it stands: in texts, labels, names of columns, ids.",
        (
            Example(lines("label"), "reviews.jsonl", rows=2, labels=("bad", "good\ufffd"), texts=("It works \ufffd",)),
            Example(
                lines("label\\ud83d"), "reviews.jsonl", options={"label": "label\ufffd"}, labels=("bad", "good\ufffd")
            ),
        ),
    ),
    Rule(
        "A name that is not UTF-8 is opened as it is, and shown with its bytes.",
        (Example(latin, "places", shown="places/caf\ufffd/1.txt\nplaces/bar/1.txt", labels=("bar", "caf\\xe9")),),
    ),
    Rule(
        "A control character in a name is shown, not obeyed.",
        (
            Example(
                "text,label\nIt works well,\x1b[31mred\nIt broke at once,blue\n",
                shown="text,label\nIt works well,(ESC)[31mred\nIt broke at once,blue",
                rows=2,
                labels=("\x1b[31mred", "blue"),
                says="\\x1b[31mred",
            ),
        ),
    ),
)
