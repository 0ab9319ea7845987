"""Runs in MLflow's local store and in W&B's offline files, and trackers that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from textgraft import NgramClassifier, RecurrentClassifier, TextgraftError, evaluate, track
from textgraft.cli import main
from textgraft.errors import MissingExtraError, SettingError
from textgraft.progress import listening
from textgraft.training.loop import Progress

TEXTS = ["a great goal", "the goal", "a match", "the bank", "a rate", "rates of a bank"] * 6
LABELS = (["sport"] * 3 + ["money"] * 3) * 6


class Kept:
    """A tracker that keeps what it gets, and fails where it is told to."""

    name = "Kept"

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at, self.calls = fails_at, list[str]()
        self.values, self.rows, self.files = dict[str, Any](), list[tuple[int | None, dict[str, float]]](), list[Path]()
        self.ended: bool | None = None

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails_at:
            raise ConnectionError("no route to host.")

    def parameters(self, values: Mapping[str, Any]) -> None:
        self._called("parameters")
        self.values |= values

    def metrics(self, rows: Sequence[tuple[int | None, Mapping[str, float]]]) -> None:
        self._called("metrics")
        self.rows += [(step, dict(figures)) for step, figures in rows]

    def file(self, path: Path) -> None:
        self._called("file")
        self.files.append(path)

    def end(self, *, failed: bool) -> None:
        self._called("end")
        self.ended = failed


class Heard:
    """A listener that keeps what is said."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def start(self, what: str, total: float | None) -> object:
        return None

    def advance(self, work: object, amount: float, detail: str) -> None: ...

    def finish(self, work: object) -> None: ...

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def step(number: int, loss: float, score: float | None = None) -> Progress:
    known = {"steps": 4, "epoch": 1, "learning_rate": 0.1, "done": 0.5, "rows": 8, "seconds": 1.0}
    return Progress(step=number, loss=loss, score=score, texts_per_second=8.0, **known)  # type: ignore[arg-type]


def network(**settings: Any) -> RecurrentClassifier:
    return RecurrentClassifier(epochs=2, batch_size=12, hidden=4, min_count=1, **settings)


def test_every_step_of_a_network_is_logged_and_no_fold() -> None:
    pytest.importorskip("torch")
    kept = Kept()
    with track(kept) as run:
        model = network().fit(TEXTS, LABELS)
        network().twin().fit(TEXTS, LABELS)
        run.model(model)
    steps = [number for number, _ in kept.rows]
    assert steps == list(range(1, model.chosen_["steps"] + 1))
    scores = [row["valid/score"] for _, row in kept.rows if "valid/score" in row]
    assert [round(score, 4) for score in scores] == model.chosen_["valid_scores"]
    assert all(row["train/loss"] > 0 for _, row in kept.rows)
    assert kept.values["hidden"] == 4
    assert kept.values["method"] == "recurrent"
    assert kept.values["chosen/steps"] == model.chosen_["steps"]
    assert kept.ended is False


def test_an_evaluation_is_logged_with_its_bounds() -> None:
    kept, model = Kept(), NgramClassifier().fit(TEXTS, LABELS)
    found = evaluate(model, TEXTS, LABELS)
    with track(kept) as run:
        run.evaluation(found)
    [(number, row)] = kept.rows
    accuracy = found.metrics["accuracy"]
    assert number is None
    assert (row["test/accuracy"], row["test/accuracy_low"], row["test/accuracy_high"]) == (
        accuracy.value,
        accuracy.low,
        accuracy.high,
    )
    assert row["test/f1/sport_low"] < row["test/f1/sport"] == 1


def test_a_second_training_and_model_have_names_of_their_own() -> None:
    kept = Kept()
    with track(kept) as run:
        for number, loss in ((1, 0.5), (2, 0.4), (1, 0.9)):
            run.step(step(number, loss))
        run.model(NgramClassifier().fit(TEXTS, LABELS))
        run.model(NgramClassifier().fit(TEXTS[:12], LABELS[:12]))
    assert [row.get("train/loss", row.get("train-2/loss")) for _, row in kept.rows] == [0.5, 0.4, 0.9]
    assert "train-2/loss" in kept.rows[2][1]
    assert (kept.values["rows"], kept.values["rows-2"]) == (36, 12)


@pytest.mark.parametrize("at", ["metrics", "parameters", "file", "end"])
def test_a_tracker_that_fails_is_said_once_and_ends_nothing(at: str, tmp_path: Path) -> None:
    kept, said = Kept(fails_at=at), Heard()
    with listening(said), track(kept) as run:
        for number in range(1, 5):
            run.step(step(number, 0.5, score=0.5))
        run.model(NgramClassifier().fit(TEXTS, LABELS))
        run.file(tmp_path)
    [sentence] = said.sentences
    assert sentence.startswith("Kept fails, so the rest of this run is not logged; training goes on. It says: no route")
    assert run.trouble == sentence
    assert kept.calls.count(at) == 1


def test_where_nobody_listens_it_is_a_warning() -> None:
    with pytest.warns(UserWarning, match="Kept fails"), track(Kept(fails_at="end")):
        pass


def test_a_run_whose_training_fails_is_a_failed_one() -> None:
    kept = Kept()
    with pytest.raises(TextgraftError), track(kept):
        NgramClassifier().fit(TEXTS, ["sport"] * len(TEXTS))
    assert kept.ended is True


def test_no_such_tracker_or_library_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="There is no tracker 'mlfow'; there are mlflow and wandb"):
        track("mlfow").__enter__()
    for name in ("mlflow", "wandb"):
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(MissingExtraError, match=rf'pip install "textgraft\[{name}\]"'):
            track(name).__enter__()


# What a team runs, in a process of its own: trackers keep threads, and variables that they read once.
TRAIN = "from textgraft.cli import main; main()"


def test_the_command_line_says_it_before_a_table_is_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words, said in (
        (("--log", "mlfow"), "There is no tracker 'mlfow'; there are mlflow and wandb. Did you mean 'mlflow'?"),
        (("--log-files",), "--log-files says what --log hands over; say to whom: --log mlflow or --log wandb."),
    ):
        given = ["textgraft", "train", "no.csv", "--out", str(tmp_path / "model"), *words]
        with patch.object(sys, "argv", given), pytest.raises(SystemExit):
            main()
        assert said in capsys.readouterr().err


def trained(folder: Path, log: str, *more: str, method: str = "ngrams", **variables: str) -> str:
    """Standard error of a training whose run is logged."""
    rows = [f"{text} number {i},{label}" for i, (text, label) in enumerate(zip(TEXTS * 4, LABELS * 4, strict=True))]
    (folder / "table.csv").write_text("\n".join(["text,label", *rows]), "utf-8")
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            TRAIN,
            "train",
            "table.csv",
            "--method",
            method,
            "--out",
            "model",
            "--folds",
            "0",
            "--log",
            log,
            "--log-files",
            *more,
        ],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_mlflow_has_the_run_in_its_local_store(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("torch")
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    small = ("--epochs", "2", "--hidden", "4", "--min-count", "1")
    said = trained(
        tmp_path, "mlflow", *small, method="recurrent", MLFLOW_TRACKING_URI=store, MLFLOW_EXPERIMENT_NAME="e"
    )
    assert "The run is logged in MLflow." in said
    read = f"""
import json, mlflow
client = mlflow.MlflowClient(tracking_uri={store!r})
[run] = client.search_runs([client.get_experiment_by_name("e").experiment_id])
print(json.dumps({{
    "name": run.info.run_name, "status": run.info.status, "metrics": run.data.metrics, "params": run.data.params,
    "loss": [[each.step, each.value] for each in client.get_metric_history(run.info.run_id, "train/loss")],
    "files": [each.path for each in client.list_artifacts(run.info.run_id)],
}}))
"""
    found = json.loads(subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True).stdout)
    assert (found["name"], found["status"]) == ("model", "FINISHED")
    metrics, log = found["metrics"], (tmp_path / "model.training" / "log.jsonl").read_text("utf-8").splitlines()
    assert metrics["test/accuracy_low"] <= metrics["test/accuracy"] <= metrics["test/accuracy_high"]
    assert [[number, pytest.approx(loss, rel=1e-5)] for number, loss in found["loss"]] == [
        [entry["step"], entry["loss"]] for entry in map(json.loads, log)
    ]
    assert found["params"]["hidden"] == "4"
    assert {"README.md", "model"} <= set(found["files"])


# The file of a run: after 7 bytes blocks of 32 kB, as the logs of LevelDB are, with a protocol buffer in each record.
WANDB_READER = """
import json, struct
from pathlib import Path
from wandb.proto import wandb_internal_pb2
content, at, record, found = Path({log!r}).read_bytes(), 7, b"", {{"artifacts": []}}
while at + 7 <= len(content):
    if (left := 32768 - at % 32768) < 7:
        at += left
        continue
    _, length, kind = struct.unpack_from("<IHB", content, at)
    record += content[at + 7 : at + 7 + length]
    at += 7 + length
    if kind not in (1, 4):  # all of a record, or its end
        continue
    read, record = wandb_internal_pb2.Record.FromString(record), b""
    for item in (*read.summary.update, *read.config.update, *read.run.config.update):
        found["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    requested = read.artifact if read.HasField("artifact") else read.request.log_artifact.artifact
    if requested.type:
        found["artifacts"].append([requested.type, requested.name])
print(json.dumps(found))
"""


def test_wandb_has_the_run_in_its_offline_files(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    said = trained(tmp_path, "wandb", WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(tmp_path))
    assert "The run is logged in W&B." in said
    [log] = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    read = WANDB_READER.format(log=str(log))
    found = json.loads(subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True).stdout)
    assert found["method"] == "ngrams"
    assert found["test/accuracy_low"] <= found["test/accuracy"] <= found["test/accuracy_high"]
    assert ["model", "model"] in found["artifacts"]


def test_a_store_that_is_not_there_ends_no_training(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    said = trained(tmp_path, "mlflow", MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert said.count("mlflow fails, so the rest of this run is not logged; training goes on.") == 1
    assert "Saved in model." in said
