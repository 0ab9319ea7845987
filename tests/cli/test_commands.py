"""The commands as a user runs them, on real files."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from .commands import COMMAND, process, refused, said, textgraft

GOOD = [
    "goal match great",
    "a great match",
    "the goal of the game",
    "match and game",
    "goal goal",
    "the match was great",
]
BAD = ["bank rate awful", "an awful bank", "the rate of the bank", "bank and rate", "rate rate", "the bank was awful"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 rows of two labels."""
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label"])
        for i in range(96):
            good = i % 2 == 0
            writer.writerow([1000 + i, f"{(GOOD if good else BAD)[i % 6]} number{i}", "sport" if good else "money"])
    return path


@pytest.fixture(scope="module")
def model(table: Path) -> Path:
    out = table.parent / "model"
    trained = process("train", table, "--method", "ngrams", "--out", out)
    assert trained.returncode == 0, trained.stderr
    return out


def test_train_evaluates_on_held_out_rows_and_saves(model: Path) -> None:
    manifest = json.loads((model / "textgraft.json").read_text())
    accuracy = manifest["evaluation"]["metrics"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert manifest["fitted_on"]["columns"]["text"] == ["text"]


@pytest.mark.parametrize("command", ["train", "compare", "evaluate"])
def test_metrics_in_json_have_scorer_names_and_intervals(
    command: str, table: Path, model: Path, tmp_path: Path
) -> None:
    if command == "evaluate":
        content = json.loads(said("evaluate", model, table, "--json"))
    elif command == "train":
        content = json.loads(said("train", table, "--method", "majority", "--out", tmp_path / "m", "--json"))
    else:
        content = json.loads(said("compare", table, "--methods", "ngrams", "--json"))
        assert [one["method"] for one in content["methods"]] == ["majority", "ngrams"]
        content = content["methods"][0]
    for name in ("accuracy", "f1_macro", "f1_micro", "f1_weighted"):
        assert set(content["metrics"][name]) == {"value", "low", "high"}


def test_compare_names_the_cheapest_method_that_is_not_measurably_worse(table: Path, tmp_path: Path) -> None:
    output = said("compare", table, "--methods", "majority,ngrams", "--out", tmp_path / "runs")
    assert "Recommended: ngrams" in output
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["majority", "ngrams"]
    assert "sport" in said("predict", tmp_path / "runs" / "ngrams", "a great match", "--all")


def test_leaks_between_given_files_are_said_with_the_result(table: Path, tmp_path: Path) -> None:
    leaky = textgraft("train", table, "--test", table, "--method", "majority", "--out", tmp_path / "m")
    assert leaky.returncode == 0, leaky.stderr
    assert "96 of 96 test texts also stand in train" in leaky.stdout
    assert "--drop-leaks" in leaky.stdout


def test_inspect_as_table_and_as_json(table: Path) -> None:
    assert "96" in said("inspect", table)
    content = json.loads(said("inspect", table, "--json"))
    assert content["parts"]["all"]["rows"] == 96


def test_a_report_is_written_as_a_page_beside_what_is_printed(table: Path, model: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "report.html"
    for words in (("inspect", table), ("evaluate", model, table), ("compare", table, "--methods", "ngrams", "--json")):
        ended = textgraft(*words, "--html", page)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout
        assert f"The report is in {page}." in ended.stderr
        assert page.read_text("utf-8").startswith("<!doctype html>")
    assert "Recommended: ngrams" in page.read_text("utf-8")
    assert {page} <= set(page.parent.iterdir()) <= {page, page.with_suffix(".json")}
    assert "is a folder" in refused("inspect", table, "--html", tmp_path)


def test_the_headline_comes_first_and_the_rest_where_asked(table: Path, model: Path) -> None:
    few, every = said("evaluate", model, table), said("evaluate", model, table, "--all")
    for name in ("accuracy", "macro-F1", "log loss", "calibration error"):
        assert name in few
    assert "precision_micro" not in few
    assert every.count("precision_micro") == 1
    assert "balanced accuracy" in every


def test_notes_name_a_file_by_its_name_and_tell_two_of_the_same_name_apart(table: Path, tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    later = tmp_path / "later" / table.name
    later.write_text(table.read_text())
    alone, both = textgraft("inspect", table).stderr, textgraft("inspect", table, "--test", later).stderr
    assert "\nreviews.csv: Text: " in f"\n{alone}"
    assert "\nlater/reviews.csv: Text: " in f"\n{both}"
    assert f"\n{table.parent.name}/reviews.csv: Text: " in f"\n{both}"
    assert str(table.parent) not in alone


def test_predict_keeps_order_row_numbers_and_asked_columns(table: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "predicted.csv"
    said("predict", model, "--input", table, "--output", out, "--all", "--keep", "id")
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [str(i) for i in range(1, 97)]
    assert [row["id"] for row in rows] == [str(1000 + i) for i in range(96)]
    assert {row["label"] for row in rows} == {"sport", "money"}
    for row in rows:
        shares = float(row["p(sport)"]), float(row["p(money)"])
        assert sum(shares) == pytest.approx(1, abs=1e-5)
        assert float(row["probability"]) == max(shares)


def test_predict_writes_the_same_in_every_format(table: Path, model: Path, tmp_path: Path) -> None:
    for name in ("p.csv", "p.tsv", "p.jsonl", "p.parquet"):
        said("predict", model, "--input", table, "--output", tmp_path / name)
    with (tmp_path / "p.csv").open(newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    with (tmp_path / "p.tsv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file, delimiter="\t")] == labels
    assert [json.loads(line)["label"] for line in (tmp_path / "p.jsonl").read_text().splitlines()] == labels
    assert pq.read_table(tmp_path / "p.parquet")["label"].to_pylist() == labels


def test_predict_reads_standard_input_line_by_line(model: Path) -> None:
    ended = process("predict", model, stdin="great match\n\nawful bank\n")
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(ended.stdout.splitlines()))
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert [rows[0]["label"], rows[2]["label"]] == ["sport", "money"]


def test_a_label_in_square_brackets_is_shown_as_it_is(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd[b].csv"
    path.write_text(table.read_text().replace(",sport", ",a [spam]").replace(",money", ",b [/x]"))
    output = said("train", path, "--method", "majority", "--out", tmp_path / "m")
    assert "[spam]" in output
    assert "[/x]" in output


def test_rows_that_were_trained_on_are_said_first(table: Path, tmp_path: Path) -> None:
    said("train", table, "--method", "majority", "--test-size", "0", "--out", tmp_path / "m")
    assert "these rows stand in its training data, so nothing here tells" in said("evaluate", tmp_path / "m", table)
    header, *lines = table.read_text("utf-8").splitlines()
    new = [line.replace(" number", " and again number") for line in lines]
    (tmp_path / "new.csv").write_text("\n".join([header, *lines[:30], *new]) + "\n")
    content = json.loads(said("evaluate", tmp_path / "m", tmp_path / "new.csv", "--json"))
    assert content["seen"]["trained"] == 30
    assert content["leaks"][0].startswith("30 of these rows (")
    assert content["leaks"][0] in said("evaluate", tmp_path / "m", tmp_path / "new.csv").splitlines()[1]


def test_a_mistyped_encoder_is_not_passed_over_by_inspect(table: Path) -> None:
    assert "all-MiniLM-L6-v2" in refused("inspect", table, "--encoder", "./no-such")


def test_blank_texts_to_predict_are_counted_and_named(model: Path) -> None:
    assert "1 text is blank" in process("predict", model, stdin="great match\n \n").stderr


def test_standard_input_that_is_not_utf8_is_a_sentence(model: Path) -> None:
    ended = subprocess.run(
        [*COMMAND, "predict", str(model)], input=b"great match\ncaf\xe9\n", capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert b"Error: Standard input is not UTF-8" in ended.stderr


def test_several_labels_travel_from_indicator_columns_to_predictions(tmp_path: Path) -> None:
    path = tmp_path / "tweets.tsv"
    rows = [f"{text} n{i}\t{int(i % 2 == 0)}\t{int(i % 3 == 0)}" for i, text in enumerate((GOOD + BAD) * 8)]
    path.write_text("tweet\thappy\tloud\n" + "\n".join(rows) + "\n")
    said("train", path, "--method", "ngrams", "--out", tmp_path / "m")
    said("predict", tmp_path / "m", "--input", path, "--output", tmp_path / "p.jsonl", "--all")
    first = json.loads((tmp_path / "p.jsonl").read_text().splitlines()[0])
    assert set(first["labels"]) <= {"happy", "loud"}
    assert set(first["probabilities"]) == {"happy", "loud"}


def test_a_pipe_that_closes_early_is_no_error(table: Path, model: Path) -> None:
    script = f"{sys.executable} -c 'from textgraft.cli import main; main()' predict {model} --input {table} | head -1"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert ended.stdout == "file,row,text,label,probability\n"
    assert "Traceback" not in ended.stderr


def test_wrong_input_is_one_sentence_and_leaves_nothing(table: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "nowhere.csv" in refused("train", "nowhere.csv", "--out", out)
    assert "Did you mean 'text'" in refused("train", table, "--text", "texst", "--out", out)
    assert "no method 'ngram'" in refused("train", table, "--method", "ngram", "--out", out)
    assert "--epochs means nothing to ngrams" in refused("train", table, "--epochs", "3", "--out", out)
    assert "all-MiniLM-L6-v2" in refused("train", table, "--method", "features", "--encoder", "/no/such", "--out", out)
    assert "not both" in refused("predict", model, "a text", "--input", table)
    assert "must end in .csv" in refused("predict", model, "--input", table, "--output", tmp_path / "p.docx")
    assert "no column 'idd' to keep" in refused("predict", model, "--input", table, "--keep", "idd")
    assert "There is no model directory" in refused("predict", tmp_path / "none", "a text")
    assert list(tmp_path.iterdir()) == []


def test_labels_that_train_never_saw_are_named_with_their_rows(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("text,label\ngreat match,sport\nawful bank,money\nrain today,weather\n")
    sentence = refused("evaluate", model, other)
    assert "'weather'" in sentence
    assert "other.csv row 3" in sentence


def test_empty_texts_are_named_and_left_out_only_when_asked(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    path.write_text(table.read_text() + "1,   ,sport\n")
    assert "holes.csv row 97" in refused("train", path, "--method", "majority", "--out", tmp_path / "m")
    said("train", path, "--method", "majority", "--drop-empty", "--out", tmp_path / "m")


def test_wrong_usage_exits_with_2(table: Path) -> None:
    assert textgraft("train").returncode == 2
    assert textgraft("train", table, "--no-such-option").returncode == 2


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_stop_is_a_sentence_and_leaves_nothing_half_written(
    model: Path, tmp_path: Path, asked: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "predict", str(model), "--output", str(tmp_path / "p.csv")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    while not any(tmp_path.iterdir()):  # it has begun once its hidden half-written file is there
        assert process.poll() is None
        process.stdin.write("great match\n" * 1000)
        process.stdin.flush()
        time.sleep(0.05)
    os.kill(process.pid, asked)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + asked
    assert errors.splitlines() == ["Stopped."]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_command_line_is_imported_is_one_line() -> None:
    script = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from textgraft.__main__ import run\n"
        "run()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "Stopped.\n")


def test_starting_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        "import sys, textgraft, textgraft.cli\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def tuning(table: Path, encoder: Path, out: Path, *more: object) -> list[object]:
    """The words of a small fine-tuning."""
    settings = ["--encoder", encoder, "--epochs", 2, "--batch-size", 8, "--precision", "fp32", "--learning-rate", 0.01]
    return ["train", table, "--method", "finetune", "--out", out, *settings, *more]


def test_ctrl_c_in_a_training_is_one_line_and_leaves_no_model(table: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    words = [str(word) for word in tuning(table, tiny_encoder, tmp_path / "model", "--epochs", 100_000)]
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "model.training" / "log.jsonl").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Stopped."
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


def test_a_fine_tuning_leaves_its_log_and_curves_and_no_checkpoints(
    table: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    ended = textgraft(*tuning(table, tiny_encoder, tmp_path / "model", "--class-weight", "sport=2,money=1"))
    assert ended.returncode == 0, ended.stderr
    assert "Trained in fp32 on " in ended.stderr
    assert "Writing model shards" not in ended.stderr
    log = [json.loads(line) for line in (tmp_path / "model.training" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == list(range(1, log[-1]["steps"] + 1))
    assert sum("score" in entry for entry in log) == 2
    assert (tmp_path / "model.training" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not list((tmp_path / "model.training").glob("*step-*"))
    manifest = json.loads((tmp_path / "model" / "textgraft.json").read_text())
    assert not {"folder", "resume"} & manifest["parameters"].keys()
    assert str(tmp_path) not in json.dumps(manifest["chosen"])


def test_resuming_ends_with_the_weights_of_a_training_that_was_never_stopped(
    table: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    said(*tuning(table, tiny_encoder, tmp_path / "whole"))
    words = [str(word) for word in tuning(table, tiny_encoder, tmp_path / "model")]
    code = (
        "import os, signal, sys, textgraft.training.checkpoints as c\n"
        "def due(self, step, seconds):\n"
        "    return step % 7 == 0 if step < 11 else os.kill(os.getpid(), signal.SIGKILL)\n"
        "c.Checkpoints.due = due\n"
        "from textgraft.cli import main; main()"
    )
    killed = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in (tmp_path / "model.training").glob("step-*")] == ["step-00000007"]
    assert not (tmp_path / "model").exists()
    said(*words, "--resume")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "model")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--trained", "heads"], "trained must be 'all', 'head', 'lora', or how many"),
        (["--trained", "9"], "has 2 layers"),
        (["--budget", "soon"], "budget must be a time above zero, such as 90s, 10m or 1h; got 'soon'"),
        (["--class-weight", "sprot=2"], "class_weight names 'sprot', which is no label.*Did you mean 'sport'"),
        (["--class-weight", "good=much"], "--class-weight must be like joy=2,anger=0.5"),
        (["--learning-rate", "1e30"], "training diverged. Lower the learning rate"),
    ],
)
def test_a_fine_tuning_that_cannot_be_is_a_sentence(
    table: Path, tiny_encoder: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    assert re.search(sentence, refused(*tuning(table, tiny_encoder, tmp_path / "model", *words)))
    assert not (tmp_path / "model").exists()


def test_resuming_is_for_methods_that_can(table: Path, tmp_path: Path) -> None:
    assert "ngrams trains in one go" in refused("train", table, "--out", tmp_path / "model", "--resume")


def test_what_was_merged_at_training_is_found_at_evaluation_in_any_spelling(tmp_path: Path) -> None:
    rows = [
        (f"a {word} text of number {i}", label)
        for i in range(20)
        for word, label in (("fine", "Good"), ("poor", "bad"))
    ]
    table, other = tmp_path / "t.csv", tmp_path / "o.csv"
    table.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in [*rows, ("a fine day", "good")]))
    other.write_text("text,label\n" + "".join(f"{text} again,{label.upper()}\n" for text, label in rows))
    said("train", table, "--method", "ngrams", "--merge-labels", "case", "--out", tmp_path / "m")
    manifest = tmp_path / "m" / "textgraft.json"
    assert json.loads(manifest.read_text())["fitted_on"]["columns"]["merged"] == ["case"]
    for options in ((), ("--label", "label")):
        assert json.loads(said("evaluate", tmp_path / "m", other, *options, "--json"))["n"] == 40
    content = json.loads(manifest.read_text())
    del content["fitted_on"]["columns"]["merged"]  # as models of earlier versions have it
    manifest.write_text(json.dumps(content))
    assert json.loads(said("evaluate", tmp_path / "m", table, "--merge-labels", "case", "--json"))["n"] == 41
    assert "--merge-labels case" in refused("evaluate", tmp_path / "m", other)
