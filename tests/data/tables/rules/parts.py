"""Nothing is ignored without a word

A table may say by itself which rows are for training and which for testing. What says so is used, or textgraft says
why it is not; and what is left out is said."""

from pathlib import Path

from .rule import Example, Rule

TABLE = (
    "text,label,{name}\nIt works well,good,{0}\nIt broke at once,bad,{1}\nStill works,good,{2}\nBroke again,bad,{3}\n"
)


def table(name: str, *values: object) -> str:
    return TABLE.format(*values, name=name)


def folder(*names: str):
    def write(place: Path) -> None:
        for name in names:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"the text of {path.stem} in {path.parent.name}")

    return write


def tree(root: str, *names: str) -> str:
    return "\n".join(f"{root}/{name}" for name in names)


INNER = ("train/good/1.txt", "train/bad/2.txt", "test/good/3.txt", "test/bad/4.txt")
UNSUP = (*INNER, "train/unsup/5.txt")
FLAT = ("train/good/1.txt", "train/bad/2.txt", "test/3.txt")

RULES = (
    Rule(
        "A column that says train, valid or test in every row is used, whatever it is called.",
        (
            Example(
                table("split", "train", "train", "TEST", "dev"), rows=4, says="(test 1, train 2, valid 1); it is used"
            ),
            Example(
                table("usage", "training set", "train", "test set", "testing"), says="(test 2, train 2); it is used"
            ),
        ),
    ),
    Rule(
        "A row that names no part is refused: whether it was to be trained on, nobody but you knows. `--no-split` "
        "leaves the column aside.",
        (
            Example(table("split", "train", "train", "test", "holdout"), refused="has the value 'holdout' in 1 row"),
            Example(table("fold", "train", "train", "test", ""), refused="has no value in 1 row"),
            Example(table("split", "train", "train", "test", "dev2"), options={"split": False}, rows=4),
        ),
    ),
    Rule(
        "A column that is only called so divides nothing, and is said.",
        (
            Example(table("fold", 0, 1, 2, 0), says="Column 'fold' holds '0', '1', '2' and never train"),
            Example(table("split", *["train"] * 4), says="says train 4 and no other; it divides nothing"),
        ),
    ),
    Rule(
        "Rows and folders that are called unsup, unsupervised or unlabeled hold texts without labels; they are left "
        "out, and said.",
        (
            Example(
                table("split", "train", "train", "test", "unsup"),
                rows=3,
                says="1 row is left out: column 'split' says unsup",
            ),
            Example(
                folder(*UNSUP),
                "films",
                shown=tree("films", *UNSUP),
                rows=4,
                labels=("bad", "good"),
                says="it is left out",
            ),
        ),
    ),
    Rule(
        "Folders called train and test hold a folder per class, all of them.",
        (
            Example(folder(*INNER), "news", shown=tree("news", *INNER), rows=4, says="(test 2, train 2); it is used"),
            Example(folder(*FLAT), "mails", shown=tree("mails", *FLAT), refused="test holds no folder per class"),
        ),
    ),
    Rule(
        "What divides the rows is given once: a column beside `--group` or `--time` is refused.",
        (
            Example(
                "text,label,shop,split\nIt works,good,A,train\nIt broke,bad,A,train\nStill works,good,B,test\n",
                options={"group": "shop"},
                refused="--group asks for another division",
            ),
        ),
    ),
    Rule(
        "An option that means nothing to a file is said.",
        (
            Example(
                table("kind", *"abcd"),
                options={"label": "label", "sheet": "2024"},
                says="--sheet (sheet=) means nothing to",
            ),
        ),
    ),
)
