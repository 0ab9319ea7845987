"""Any column can be named, commas and all; what could mean two things is refused."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import textgraft as tg
from textgraft import MajorityClassifier, predict_table
from textgraft.cli.options import TableOptions
from textgraft.data.tables.asked import CommaNames, asked, check_columns
from textgraft.errors import DataError

from ...cli.commands import refused, said, textgraft
from ...trying import EXAMPLES

# Names as people write them in forms: sentences with commas, quotes, blanks, letters of any language.
PIECES = st.sampled_from(
    ["What did you like", "why?", "a", "b", 'the "best"', "größe", "e\u0301té", "好, 不", "it's", "1"]
)
NAMES = st.lists(PIECES, min_size=1, max_size=4).flatmap(
    lambda pieces: st.sampled_from([",", ", ", " ", " , "]).map(lambda between: between.join(pieces))
)
ANYTHING = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(str.strip)


def asked_form(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


COLUMNS = st.lists(st.one_of(NAMES, ANYTHING.filter(bool)), min_size=2, max_size=8, unique_by=asked_form)


def refused_by(look: Callable[[], object]) -> str:
    """What a search for columns says where it refuses."""
    try:
        look()
    except DataError as error:
        return str(error)
    return ""


def table(columns: list[str]) -> dict[str, list[str]]:
    return {name: [f"cell {i} {j}" for j in range(3)] for i, name in enumerate(columns)}


@settings(max_examples=EXAMPLES)
@given(columns=COLUMNS, data=st.data())
def test_a_column_that_is_there_is_meant_by_its_name(columns: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
    assert asked(CommaNames(wanted), table(columns)) == tuple(wanted)
    assert asked(wanted, table(columns)) == tuple(wanted)
    blanks = [f" {name} " for name in wanted]
    composed = [unicodedata.normalize("NFD", name) for name in wanted]
    assert asked(CommaNames(blanks), table(columns)) == tuple(wanted)
    assert asked(CommaNames(composed), table(columns)) == tuple(wanted)


@settings(max_examples=EXAMPLES)
@given(columns=COLUMNS, data=st.data())
def test_several_columns_with_commas_between_are_these_or_refused_as_unclear(
    columns: list[str], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.sampled_from(columns), min_size=2, max_size=3, unique=True))
    value = data.draw(st.sampled_from([",", ", "])).join(wanted)
    assume(asked_form(value) not in map(asked_form, columns))
    refusal = refused_by(lambda: asked(CommaNames([value]), table(columns)))
    assert not refusal or (repr(value) in refusal and "give the option once for each column" in refusal)
    assert refusal or asked(CommaNames([value]), table(columns)) == tuple(wanted)


@settings(max_examples=EXAMPLES)
@given(columns=COLUMNS, value=st.one_of(NAMES, ANYTHING))
def test_what_is_found_are_columns_and_the_rest_is_refused_by_name(columns: list[str], value: str) -> None:
    refusal = refused_by(lambda: check_columns(asked(CommaNames([value]), table(columns)), table(columns)))
    assert not refusal or repr(value) in refusal
    assert refusal or set(asked(CommaNames([value]), table(columns))) <= set(columns)


QUESTIONS = ("What did you like, and why?", "Overall rating, please", "Country, or region")
ANSWERS = [
    (f"It was {how} to see film {i}", label, "Peru") for i in range(10) for how, label in (("good", "1"), ("bad", "2"))
]


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "survey.csv"
    rows = [QUESTIONS, *ANSWERS]
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows), "utf-8")
    return path


def test_questions_name_columns_on_the_command_line_wherever_names_are_given(survey: Path, tmp_path: Path) -> None:
    text, label, country = QUESTIONS
    columns = ("--text", text, "--label", label)
    ended = textgraft("train", survey, *columns, "--group", country, "--test-size", 0, "--out", tmp_path / "m")
    assert f"Text: '{text}' (as asked). Label: '{label}' (as asked; 2 values: 1, 2)." in ended.stderr
    output = tmp_path / "p.csv"
    said("predict", tmp_path / "m", "--input", survey, "--keep", label, "--keep", country, "--output", output)
    assert output.read_text("utf-8").splitlines()[0] == f'file,row,"{label}","{country}",text,label,probability'
    said("predict", tmp_path / "m", "--input", survey, "--keep", f"{label},{country}", "--output", tmp_path / "q.csv")
    assert (tmp_path / "q.csv").read_bytes() == output.read_bytes()
    assert "on 20 rows" in said("evaluate", tmp_path / "m", survey, *columns)


def test_predictions_of_a_survey_are_gone_on_with_in_python_and_on_the_command_line(
    survey: Path, tmp_path: Path
) -> None:
    model = MajorityClassifier().fit(tg.read_table(str(survey), *QUESTIONS[:2])).save(tmp_path / "m")
    output = tmp_path / "p.csv"
    said(
        "predict",
        model,
        "--input",
        survey,
        "--keep",
        QUESTIONS[1],
        "--text",
        QUESTIONS[0],
        "--output",
        output,
        "--resume",
    )
    predict_table(model, survey, tmp_path / "q.csv", keep=QUESTIONS[1], text=QUESTIONS[0], resume=True)
    assert (tmp_path / "q.csv").read_bytes() == output.read_bytes()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "What did you like, and wy?",
            "There is no column 'What did you like, and wy?'; separated at its commas, 'What did you like', 'and wy?' "
            "are not there either. Did you mean 'What did you like, and why?'?",
        ),
        ("COUNTRY, OR REGION", "Did you mean 'Country, or region'?"),
        ("Overall rating, please,Contry", "'Contry'"),
        ("", "There is no column ''."),
    ],
)
def test_an_unknown_name_is_refused_whole_and_in_parts(survey: Path, text: str, sentence: str) -> None:
    assert sentence in refused("inspect", survey, "--header", "--text", text)


def test_a_value_that_can_be_cut_in_two_ways_is_refused_with_both() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_text('a,"a,b","b,c",c,label\nIt works,so well,so far,indeed,yes\nIt broke,at once,too,sadly,no\n')
        with pytest.raises(DataError, match=r"'a,b,c' can mean the columns 'a' and 'b,c' or 'a,b' and 'c': give the"):
            TableOptions(text=["a,b,c"], header=True).read(str(path))
        data = TableOptions(text=["a", "b,c"], header=True).read(str(path))
    assert data.texts[0] == "It works\nso far"


def test_in_python_a_string_is_one_name(survey: Path) -> None:
    with pytest.raises(DataError, match="There is no column 'Overall rating, please,Country, or region'"):
        tg.read_table(str(survey), text="Overall rating, please,Country, or region", label=QUESTIONS[1])
