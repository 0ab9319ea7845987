"""Several labels in one cell

A text can carry any number of labels, and they can stand in one cell in many ways. What is found is said; what cannot
be read for certain is refused."""

from __future__ import annotations

from .rule import Example, Rule

_FOOD = (
    'text,label\nA bowl of soup,Food\nA glass of juice,Drink\nSoup and juice,"Food, Drink"\n'
    "A train ride,Travel\n"
    'Tea on the train,"Drink, Travel"\nBread and milk,"Food, Drink"\n'
)

RULES = (
    Rule(
        "Lists are read as JSON, Python, NumPy, pandas and polars write them: with commas or with blanks, tuples and "
        "sets too. Nothing is joined: ['good' 'plot'] are two labels.",
        (
            Example(
                "text,labels\nIt works well,['good' 'price']\nIt broke at once,\"('bad',)\"\n"
                'Cheap and bad,"{\'bad\', \'price\'}"\nNo idea yet,[]\nStill works,"[""good""]"\n',
                rows=5,
                labels=("bad", "good", "price"),
            ),
        ),
    ),
    Rule(
        "A list that is shortened, has names without quotes or stands among cells that are none is refused.",
        (
            Example(
                "text,labels\nIt works well,['good' ... 'price']\nIt broke at once,['bad']\n", refused="it is shortened"
            ),
            Example(
                'text,labels\nIt works well,"[good, price]"\nIt broke at once,[bad]\n',
                refused="its names stand without quotes",
            ),
            Example(
                "text,labels\nIt works well,good\nIt broke at once,\"['bad', 'price']\"\n",
                refused="row 1, which is not a list such as ['joy', 'love'] as in other rows",
            ),
        ),
    ),
    Rule(
        "Equally long lists of 0 and 1 are a value per label, however many labels there are; the labels are named by "
        "their place, from 0.",
        (
            Example(
                'text,labels\nIt works well,"[1, 0, 1]"\nIt broke at once,"[0, 1, 0]"\nNo idea yet,"[0, 0, 0]"\n',
                rows=3,
                labels=("0", "1", "2"),
                says="a 0 or 1 for each of 3 labels",
            ),
        ),
    ),
    Rule(
        "Where each of them has exactly one 1, a text has one label.",
        (
            Example(
                'text,labels\nIt works well,"[1, 0]"\nIt broke at once,"[0, 1]"\nStill works,"[1, 0]"\n',
                labels=("0", "1"),
                says="with one 1 in each row: one label per text",
            ),
        ),
    ),
    Rule(
        "Names with 0 or 1 in one cell are the labels that have 1.",
        (
            Example(
                '{"text": "It works well", "labels": {"good": 1, "price": 1}}\n'
                '{"text": "It broke at once", "labels": {"good": 0, "price": 0}}\n',
                name="reviews.jsonl",
                labels=("good", "price"),
            ),
        ),
    ),
    Rule(
        "Names with a delimiter (a semicolon, a bar, a comma or a line end) are divided where nearly all parts stand "
        "in other cells too, and it is said; `--single-label` reads each cell as one name, `--label-delimiter` says "
        "what divides them.",
        (
            Example(
                _FOOD,
                labels=("Drink", "Food", "Travel"),
                says="'Food, Drink' is read as 2 labels; --single-label",
            ),
            Example(
                _FOOD,
                options={"single_label": True},
                labels=("Drink", "Drink, Travel", "Food", "Food, Drink", "Travel"),
            ),
            Example(_FOOD, options={"label_delimiter": ""}, refused="must not be empty; where each cell is one name"),
        ),
    ),
    Rule(
        "Where two delimiters divide names of the same column, the table is refused.",
        (
            Example(
                "text,labels\nIt works well,good;price\nIt is good,good\nIt is cheap,price\nIt is bad,bad\n"
                'Bad but cheap,bad;price\nCheap again,"price,good"\n',
                refused="',' divides names that are labels of their own, and other rows are divided by ';'",
            ),
        ),
    ),
    Rule(
        "Lists of scores are refused.",
        (
            Example(
                'text,labels\nIt works well,"[0.9, 0.1]"\nIt broke at once,"[0.2, 0.8]"\n',
                refused="a list of scores",
            ),
        ),
    ),
)
