"""Windows of served texts: alarms for what is different, none for what is not, and what is kept of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from textgraft import NgramClassifier, read_table
from textgraft.errors import ArtifactError, SettingError
from textgraft.model_directory.sketch import ScoredTexts, Sketch
from textgraft.serving.drift import DriftMonitor
from textgraft.serving.windows import DriftSettings, Window, Windows

from ..drifting import english, foreign, spanish

A_DAY = 144  # windows


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def model() -> NgramClassifier:
    return NgramClassifier().fit(*english(1_500, 0))


def sketch_of(model: NgramClassifier) -> Sketch:
    assert model.sketch_ is not None
    return model.sketch_


def served(model: NgramClassifier, texts: list[str], *, windows: int = 1, **given: Any) -> DriftMonitor:
    """A monitor that has seen these texts in each of some windows, one by one."""
    clock = Clock()
    settings = DriftSettings()
    monitor = DriftMonitor(model, sketch_of(model), settings, clock=clock, work=lambda: 0.0, **given)
    p = model.predict_proba(texts)
    for _ in range(windows):
        for i, text in enumerate(texts):
            if monitor.observe([text], p[i : i + 1]):
                monitor.count()
        clock.now += settings.window_s
        assert monitor.observe([], p[:0])
        assert monitor.count()
    return monitor


def alarmed(monitor: DriftMonitor) -> set[str]:
    return {quantity for quantity, _ in monitor.windows.alarms}


def test_texts_of_the_same_source_raise_nothing(model: NgramClassifier) -> None:
    monitor = served(model, english(500, 1)[0])
    assert alarmed(monitor) == set()
    assert monitor.to_dict()["said"].startswith("No change since the training is found (the chance of any false alarm ")


@pytest.mark.parametrize(
    ("texts", "quantity"),
    [
        (foreign(300, 2), "unknown words"),
        (spanish(300, 3), "language"),
        ([text.upper() for text in english(300, 4)[0]], "capitals"),
        (english(300, 5, labels=("sad", "sore"))[0], "label"),
        ([" ".join([text] * 4) for text in english(300, 6)[0]], "length"),
    ],
    ids=["foreign", "spanish", "upper", "labels", "length"],
)
def test_one_window_of_other_texts_is_enough(model: NgramClassifier, texts: list[str], quantity: str) -> None:
    monitor = served(model, texts)
    assert quantity in alarmed(monitor)
    content = monitor.to_dict()
    assert content["said"].startswith("Changed since the training: ")
    assert content["raised"][quantity] == 1
    json.dumps(content, allow_nan=False)


def test_an_alarm_stays_while_the_change_does_and_ends_with_it(model: NgramClassifier) -> None:
    clock = Clock()
    settings = DriftSettings(spans=(1,))
    monitor = DriftMonitor(model, sketch_of(model), settings, clock=clock, work=lambda: 0.0)
    begun = set()
    for texts, on in ((spanish(200, 7), True), (spanish(200, 8), True), (english(200, 9)[0], False)):
        monitor.observe(texts, model.predict_proba(texts))
        clock.now += settings.window_s
        assert monitor.count()
        assert ("language" in alarmed(monitor)) == on
        begun |= {alarm.since for alarm in monitor.windows.alarms.values() if alarm.quantity == "language"}
    assert len(begun) == 1
    assert monitor.windows.raised["language"] == 1


def test_a_text_that_is_sent_again_and_again_is_told_and_is_no_change(model: NgramClassifier) -> None:
    texts = english(300, 10)[0]
    monitor = served(model, texts + [texts[0]] * 700)
    assert alarmed(monitor) == set()
    [window] = monitor.windows.over
    assert window.heavy == 700
    assert "700 of 1,000 texts repeat others, which count once" in monitor.to_dict()["said"]


def test_a_window_lasts_until_enough_texts_were_looked_at(model: NgramClassifier) -> None:
    clock = Clock()
    monitor = DriftMonitor(model, sketch_of(model), clock=clock)
    texts = english(99, 11)[0]
    p = model.predict_proba(texts)
    monitor.observe(texts, p)
    clock.now += 10_000
    assert not monitor.count()
    assert monitor.to_dict()["said"].startswith("No window is over yet")
    monitor.observe(texts[:1], p[:1])
    assert monitor.count()


def test_what_is_looked_at_is_a_uniform_sample_of_a_window(model: NgramClassifier) -> None:
    # Of 4,000 texts the second half is Spanish, and so is about half of the sample.
    monitor = served(model, english(2_000, 12)[0] + spanish(2_000, 13))
    [window] = monitor.windows.over
    assert (window.texts, window.looked_at) == (4_000, 1_000)
    language = sketch_of(model)["language"]
    column = [each.name for each in sketch_of(model).quantities].index("language")
    share = window.counts[column][language.places(["en"])[0]] / window.counts[column].sum()
    assert share == pytest.approx(0.5, abs=0.08)


def test_looking_takes_a_small_share_of_the_time_and_skips_the_rest(model: NgramClassifier) -> None:
    clock = Clock()
    work = Clock()

    def busy() -> float:  # each look takes a second
        work.now += 0.5
        return work.now

    monitor = DriftMonitor(model, sketch_of(model), clock=clock, work=busy)
    texts = english(200, 14)[0]
    p = model.predict_proba(texts)
    assert monitor.observe(texts[:100], p[:100])
    monitor.count()
    monitor.observe(texts[100:], p[100:])
    assert monitor.to_dict()["open"]["looked_at"] == 100
    clock.now += 100
    monitor.observe(texts[100:], p[100:])
    assert monitor.to_dict()["open"]["looked_at"] == 200


def test_a_monitor_holds_few_texts(model: NgramClassifier) -> None:
    monitor = served(model, english(200, 15)[0])
    assert monitor._waiting == []
    assert "talk" not in json.dumps(monitor.to_dict())


def test_a_restart_goes_on_from_what_was_seen(model: NgramClassifier, tmp_path: Path) -> None:
    state = tmp_path / "drift.json"
    before = served(model, spanish(200, 16), windows=7, state=state, version="a")
    after = DriftMonitor(model, sketch_of(model), state=state, version="a")
    assert after.note == ""
    assert after.windows.to_dict()["said"] == before.windows.to_dict()["said"]
    assert after.windows.to_dict()["windows"] == before.windows.to_dict()["windows"]
    assert alarmed(after) == alarmed(before)
    assert "habla" not in state.read_text("utf-8")
    other = DriftMonitor(model, sketch_of(model), state=state, version="b")
    assert other.note.endswith("is of another version of the model. The look for drift starts over.")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("number"),
        lambda c: c.update(number="1"),
        lambda c: c.update(windows=3),
        lambda c: c["windows"][0].pop("counts"),
        lambda c: c["windows"][0]["counts"].pop(),
        lambda c: c["windows"][0].update(texts="many"),
        lambda c: c["alarms"][0].update(quantity="mood"),
        lambda c: c["alarms"][0].update(change={}),
    ],
)
def test_a_damaged_state_is_said_and_left(
    model: NgramClassifier, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    state = tmp_path / "drift.json"
    served(model, spanish(200, 17), state=state, version="a")
    content = json.loads(state.read_text("utf-8"))
    change(content)
    state.write_text(json.dumps(content), "utf-8")
    monitor = DriftMonitor(model, sketch_of(model), state=state, version="a")
    assert "is damaged" in monitor.note
    assert not monitor.windows.over


def test_a_state_that_cannot_be_written_is_said(model: NgramClassifier, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monitor = served(model, english(200, 18)[0], state=tmp_path / "file" / "drift.json")
    assert monitor.note.startswith("What was seen is not kept for a restart")


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(SettingError, match=r"--drift-window \(window_s=\) must be from"):
        DriftSettings(window_s=0)
    with pytest.raises(SettingError, match="least= must be from 20 to 1000"):
        DriftSettings(least=2_000)


def test_the_level_of_a_test_goes_by_how_many_fit_into_100_days() -> None:
    settings = DriftSettings()
    tests = 100 * (A_DAY + A_DAY / 6 + 1)
    assert settings.level(1) == pytest.approx(0.05 / tests, rel=0.01)
    assert settings.level(4) == pytest.approx(settings.level(1) / 4)


def simulated(sketch: Sketch, places: np.ndarray, days: int, rows: int, seed: int) -> Windows:
    """Windows of so many days, each of rows that are drawn anew."""
    random = np.random.default_rng(seed)
    windows = Windows(sketch, DriftSettings())
    for i in range(days * A_DAY):
        some = places[random.integers(len(places), size=rows)]
        windows.add(Window(600.0 * i, 600.0 * (i + 1), rows, rows, 0, sketch.counted(some)))
    return windows


def test_days_of_the_same_source_raise_nothing(model: NgramClassifier) -> None:
    texts = english(3_000, 19)[0]
    places = sketch_of(model).places(ScoredTexts(texts, model.predict_proba(texts)), model.task_, model.decision)
    assert simulated(sketch_of(model), places, days=2, rows=300, seed=0).raised == {}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [100, 1_000])
def test_a_hundred_days_of_held_out_rows_raise_nothing_and_others_do(shared_data: Path, rows: int) -> None:
    train, *held_out = (read_table(shared_data / "emotion" / f"{part}.txt") for part in ("train", "val", "test"))
    model = NgramClassifier().fit(train)
    texts = [text for part in held_out for text in part.texts]
    sketch = sketch_of(model)
    places = sketch.places(ScoredTexts(texts, model.predict_proba(texts)), model.task_, model.decision)
    assert simulated(sketch, places, days=100, rows=rows, seed=1).raised == {}
    news = list(read_table(shared_data / "ag_news" / "test.csv").texts[:2_000])
    for others in (news, [text.upper() for text in texts], spanish(500, 1)):
        found = sketch.places(ScoredTexts(others, model.predict_proba(others)), model.task_, model.decision)
        windows = Windows(sketch, DriftSettings())
        windows.add(Window(0.0, 600.0, rows, rows, 0, sketch.counted(found[:rows])))
        assert windows.alarms


def test_a_state_that_is_no_object_is_refused(model: NgramClassifier, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("[]", "utf-8")
    with pytest.raises(ArtifactError, match="another version"):
        Windows(sketch_of(model), DriftSettings()).resume(tmp_path / "s.json", "a")
