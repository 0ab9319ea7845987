"""From Python

Lists, arrays, Series, frames, tensors and generators are read alike, and as the same table in a file is."""

from .rule import Example, Rule

TEXTS = '["It works", "It broke"]'
FITTED = 'tg.NgramClassifier().fit(["It works", "It broke"] * 5, ["good", "bad"] * 5)'

RULES = (
    Rule(
        "`fit`, `evaluate`, `split`, `compare`, `inspect` and `valid=` take a Dataset, texts and labels, or (text, "
        "label) pairs; a file or a frame is read by `read_table` first.",
        (
            Example(
                code='tg.given_splits((["It works", "It broke"], ["good", "bad"]), [("Works still", "good")]).train',
                rows=2,
                labels=("bad", "good"),
            ),
            Example(
                code=f"tg.evaluate({FITTED}, {TEXTS})",
                refused="evaluate needs labels",
            ),
            Example(code=f'tg.split(pd.DataFrame({{"text": {TEXTS}, "label": ["a", "b"]}}))', refused="read_table"),
        ),
    ),
    Rule(
        "What pandas, polars, NumPy or Arrow calls missing is missing, wherever it stands: an empty text, no label, no "
        "class.",
        (
            Example(
                code='tg.read_table(pd.DataFrame({"text": ["It works", None], "label": [1, 2], "n": [None, 1]})'
                ".convert_dtypes())",
                texts=("It works", ""),
                labels=("1", "2"),
            ),
            Example(
                code=f'tg.split({TEXTS}, pd.Series([None, 1], dtype="Int64"))',
                refused="1 label is missing, at item 0",
            ),
        ),
    ),
    Rule(
        "Labels in a table of one column are one label per text, which is said; a table or matrix of 0 and 1 has a "
        "column per label, and a frame names them. A matrix of anything else is refused.",
        (
            Example(
                code=f'tg.given_splits(({TEXTS}, np.array([["good"], ["bad"]]))).train',
                labels=("bad", "good"),
                says="one label per text",
            ),
            Example(
                code=f'tg.given_splits(({TEXTS}, pd.DataFrame({{"joy": [1, 0], "fear": [1, 1]}}))).train',
                labels=("joy", "fear"),
            ),
            Example(code=f"tg.split({TEXTS}, np.array([[0, 2], [1, 0]]))", refused="item 0 has 2 in column 1"),
        ),
    ),
    Rule(
        "Lists of labels are lists in every row: a plain string, None or a missing label among them is refused with "
        "its item.",
        (
            Example(code=f'tg.split({TEXTS}, [["good"], "bad"])', refused="item 1 is 'bad'. Write ['bad']"),
            Example(code=f'tg.split({TEXTS}, [["good"], None])', refused="item 1 is None. Write []"),
            Example(code=f'tg.split({TEXTS}, [["good"], [None]])', refused="Item 1 of the labels is [None]"),
        ),
    ),
    Rule(
        "A fitted model answers with the labels as they were given, and knows them by their names: one that was fitted "
        "on 0.0 and 1.0, or on labels with a blank at the end, is evaluated on the same table from a file. Bytes, "
        "dates, members of an Enum and numbers of no fixed size are answered by their names.",
        (
            Example(
                code="tg.given_splits(\n"
                f'    ({TEXTS}, [0.0, 1.0]), tg.read_table({{"text": {TEXTS}, "label": ["0", "1"]}})\n'
                ").valid",
                labels=("0", "1"),
            ),
        ),
    ),
    Rule(
        "Rows come as dictionaries, named tuples, dataclasses or (text, label) pairs, in a list or a generator; "
        "columns as a dictionary, a frame of pandas or polars, an Arrow table, batch or reader, or a Dataset of "
        "`datasets`.",
        (
            Example(
                code='tg.read_table(zip(["It works", "It broke"], ["good", "bad"]))',
                rows=2,
                labels=("bad", "good"),
            ),
            Example(
                code='tg.read_table([("text", "label"), ("It works", "good"), ("It broke", "bad")])',
                refused="the names of columns",
            ),
        ),
    ),
)
