from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from textgraft.errors import DataError, MissingExtraError, TrainingError
from textgraft.training.curves import draw_curves
from textgraft.training.loop import Progress
from textgraft.training.records import read_log, record

SCORES = {5: (0.7, True), 10: (0.8, True), 15: (0.75, False)}


def run(first: int = 1, last: int = 15) -> Iterator[Progress]:
    """Three epochs of five steps: 20 texts in half a second, each."""
    for step in range(first, last + 1):
        score, best = SCORES.get(step, (None, False))
        yield Progress(
            step=step,
            steps=15,
            epoch=(step + 4) // 5,
            loss=1 / step,
            learning_rate=1e-3 / 3,
            done=0.5,
            rows=20,
            seconds=step * 0.5,
            texts_per_second=40.0,
            score=score,
            best=best,
        )


def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["matplotlib", *(m for m in sys.modules if m.startswith("matplotlib."))]:
        monkeypatch.setitem(sys.modules, name, None)


def is_png(path: Path) -> bool:
    data = path.read_bytes()
    return data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82")


def test_the_steps_pass_through_and_each_is_a_line_of_the_log(tmp_path: Path) -> None:
    assert list(record(run(), tmp_path / "new" / "run")) == list(run())
    entries = read_log(tmp_path / "new" / "run" / "log.jsonl")
    assert entries[2] == {
        "step": 3,
        "steps": 15,
        "epoch": 1,
        "loss": 0.333333,
        "learning_rate": 0.000333333,
        "rows": 20,
        "seconds": 1.5,
        "texts_per_second": 40.0,
    }
    assert [(e["step"], e["score"], e["best"]) for e in entries if "score" in e] == [
        (step, *told) for step, told in SCORES.items()
    ]


def test_a_line_is_in_the_file_when_its_step_is_seen(tmp_path: Path) -> None:
    for step in record(run(), tmp_path):
        assert [e["step"] for e in read_log(tmp_path / "log.jsonl")] == list(range(1, step.step + 1))


@pytest.mark.parametrize("torn", ["", '{"step": 9, "steps": 15, "lo', "\0\0\0\0\0"])
def test_a_resumed_run_ends_with_the_log_of_an_uninterrupted_one(tmp_path: Path, torn: str) -> None:
    list(record(run(), tmp_path / "whole"))
    list(record(run(last=8), tmp_path / "killed"))
    log = tmp_path / "killed" / "log.jsonl"
    with log.open("a") as file:
        file.write(torn)
    list(record(run(first=7), tmp_path / "killed"))  # the last checkpoint was of step 6
    assert log.read_bytes() == (tmp_path / "whole" / "log.jsonl").read_bytes()
    assert {path.name for path in log.parent.iterdir()} == {"log.jsonl", "curves.png"}


def test_a_fresh_run_starts_the_log_anew(tmp_path: Path) -> None:
    list(record(run(), tmp_path))
    steps = record(run(), tmp_path)
    next(steps)
    assert [e["step"] for e in read_log(tmp_path / "log.jsonl")] == [1]
    assert not (tmp_path / "curves.png").exists()


def test_resuming_without_an_earlier_log_begins_one(tmp_path: Path) -> None:
    list(record(run(first=7), tmp_path))
    assert [e["step"] for e in read_log(tmp_path / "log.jsonl")] == list(range(7, 16))


def test_a_loss_that_is_no_number_is_null_in_the_log(tmp_path: Path) -> None:
    list(record([replace(next(run()), loss=float("nan"))], tmp_path))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads((tmp_path / "log.jsonl").read_text(), parse_constant=refuse)["loss"] is None


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step": 2\n{"step": 3}\n')
    with pytest.raises(DataError, match=r"Line 2 of the training log .*log\.jsonl is damaged"):
        read_log(log)
    with pytest.raises(DataError, match="Line 2"):
        list(record(run(first=4), tmp_path))
    assert log.read_text().count("\n") == 3


def test_a_log_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"log\.jsonl could not be read: No such file"):
        read_log(tmp_path / "log.jsonl")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"file/run/log\.jsonl could not be written: Not a directory"):
        list(record(run(), tmp_path / "file" / "run"))


def test_a_full_disk_is_a_sentence_and_the_lines_before_it_stay(tmp_path: Path) -> None:
    code = f"""
import itertools, sys
from textgraft.training.loop import Progress
from textgraft.training.records import record
rest = dict(steps=10**6, epoch=1, loss=1.0, learning_rate=1e-3, done=0.5, rows=20, seconds=1.0, texts_per_second=20.0)
steps = (Progress(step=i, **rest) for i in itertools.count(1))
try:
    for step in record(steps, {str(tmp_path)!r}):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # noqa: E731
    ended = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"TrainingError The training log {tmp_path / 'log.jsonl'} could not be written")
    assert ended.stderr == ""
    log = tmp_path / "log.jsonl"
    assert log.stat().st_size == 1000
    assert len(read_log(log)) == log.read_text().count("\n") > 3
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_errors_of_the_run_itself_are_left_as_they_are(tmp_path: Path) -> None:
    def failing() -> Iterator[Progress]:
        yield from run(last=6)
        raise OSError("the checkpoint's disk is full")

    with pytest.raises(OSError, match="the checkpoint's disk"):
        list(record(failing(), tmp_path))
    assert len(read_log(tmp_path / "log.jsonl")) == 6
    assert is_png(tmp_path / "curves.png")


def test_curves_are_drawn_when_the_caller_stops(tmp_path: Path) -> None:
    steps = record(run(), tmp_path)
    for _ in range(7):
        next(steps)
    assert not (tmp_path / "curves.png").exists()
    steps.close()
    assert is_png(tmp_path / "curves.png")


def test_a_run_without_steps_writes_nothing(tmp_path: Path) -> None:
    assert list(record([], tmp_path / "run")) == []
    assert not (tmp_path / "run").exists()


def test_without_matplotlib_the_log_stays_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_matplotlib(monkeypatch)
    assert len(list(record(run(), tmp_path))) == 15
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
    with pytest.raises(MissingExtraError, match=r'pip install "textgraft\[plots\]"'):
        draw_curves(read_log(tmp_path / "log.jsonl"), tmp_path / "curves.png")


def test_curves_that_cannot_be_written_do_not_cost_the_training(tmp_path: Path) -> None:
    steps = record(run(), tmp_path)
    next(steps)
    (tmp_path / "curves.png").mkdir()
    assert len(list(steps)) == 14
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "log.jsonl"]


@pytest.mark.parametrize(
    "entries",
    [
        [{"step": 1, "epoch": 1, "loss": 0.5, "learning_rate": 0.0, "score": 0.5, "best": True}],
        [{"step": 1, "epoch": 1, "loss": None}],
        [{"step": i, "epoch": 1, "loss": -i, "learning_rate": 1e-4} for i in range(1, 100)],
        [{"step": i, "epoch": i, "loss": 0.0, "learning_rate": 1e-4, "score": float("nan")} for i in range(1, 100)],
        [{"step": i, "epoch": 1, "loss": i if i < 200_000 else float("nan")} for i in range(1, 200_001)],
    ],
    ids=["one step", "nothing finite", "negative", "scores that are no numbers", "200,000 steps, the last NaN"],
)
def test_curves_can_be_drawn_of(entries: list[dict[str, object]], tmp_path: Path) -> None:
    draw_curves(entries, tmp_path / "curves.png")
    assert is_png(tmp_path / "curves.png")


def shown(entries: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """The figure that ``draw_curves`` saves."""
    from matplotlib.figure import Figure

    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))[1])
    draw_curves(entries, tmp_path / "curves.png", "macro-F1")
    return figures[0]


def test_the_title_names_the_best_score_and_its_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(record(run(), tmp_path))
    figure = shown(read_log(tmp_path / "log.jsonl"), monkeypatch, tmp_path)
    assert figure.get_suptitle() == "Best macro-F1 0.800 in epoch 2"


def test_a_loss_that_explodes_does_not_press_the_curve_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = [1.5 - i / 1000 for i in range(1000)] + [10.0**i for i in range(30)] + [None]
    figure = shown(
        [{"step": i, "epoch": 1, "loss": v, "learning_rate": 1e-4} for i, v in enumerate(loss, 1)],
        monkeypatch,
        tmp_path,
    )
    assert 1.5 < figure.axes[0].get_ylim()[1] < 10


def test_thinning_hides_no_spike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = [1.0] * 50_000
    loss[30_001] = 2.5
    entries = [{"step": i, "epoch": 1, "loss": v, "learning_rate": 1e-4} for i, v in enumerate(loss, 1)]
    figure = shown(entries, monkeypatch, tmp_path)
    drawn = figure.axes[0].lines[0].get_ydata()
    assert max(drawn) == 2.5
    assert len(drawn) <= 5000


def test_tensorboard_reads_the_events_of_a_resumed_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    list(record(run(last=8), tmp_path, tensorboard=True))
    list(record(run(first=7), tmp_path, tensorboard=True))
    events = accumulators.EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "learning_rate", "texts_per_second", "score"}
    loss = events.Scalars("loss")
    assert [event.step for event in loss] == list(range(1, 16))
    assert [event.value for event in loss] == pytest.approx([1 / i for i in range(1, 16)], rel=1e-5)
    assert {event.step: event.value for event in events.Scalars("score")} == pytest.approx(
        {step: score for step, (score, _) in SCORES.items()}
    )


def test_missing_tensorboard_is_told_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r'pip install "textgraft\[tensorboard\]"'):
        record(run(), tmp_path, tensorboard=True)
    assert not list(tmp_path.iterdir())
