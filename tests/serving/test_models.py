"""Models of a service are read again where their directory changes, and no request notices but by its version."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft
from textgraft.errors import ArtifactError, SettingError
from textgraft.methods import NgramClassifier
from textgraft.model_directory.files import stamp
from textgraft.serving.limits import Limits
from textgraft.serving.metrics import Metrics
from textgraft.serving.models import Models, UnknownModelError

GOOD, BAD = [f"good film {i}" for i in range(12)], [f"awful book {i}" for i in range(12)]
TEXTS = ["a good film", "an awful book"] * 5


def write(place: Path, labels: str) -> None:
    """A model that calls good texts by the first label."""
    first, second = list(labels)
    model = NgramClassifier(C=1.0).fit([*GOOD, *BAD], [first] * 12 + [second] * 12)
    textgraft.save(model, place)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write(tmp_path / "model", "ab")
    return tmp_path / "model"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def counted(metrics: Metrics, outcome: str) -> bool:
    line = f'textgraft_reloads_total{{model="m",outcome="{outcome}"}} 1.0'
    return line in metrics.page().decode()


def test_answers_are_those_of_the_model_itself(place: Path) -> None:
    async def work() -> None:
        models = Models({"m": place})
        await models.load()
        served = models.get()
        rows, familiarity = await served.batcher.scored(TEXTS, familiar=True)
        expected, known = textgraft.load(place).scored(TEXTS, familiar=True)
        np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-6)
        assert familiarity is not None
        assert known is not None
        np.testing.assert_allclose(familiarity, known, rtol=0, atol=1e-6)
        assert served.manifest is not None
        assert (served.name, len(served.version), models.names, models.ready) == ("m", 12, ("m",), True)

    run(work())


def test_a_model_replaced_under_load_fails_no_request_and_each_answer_is_of_one_version(place: Path) -> None:
    async def work() -> None:
        said: list[str] = []
        metrics = Metrics()
        models = Models({"m": place}, metrics=metrics, say=said.append)
        await models.load()
        before = models.get()
        seen: dict[str, set[str]] = {}
        ends = asyncio.Event()

        async def client() -> None:
            while not ends.is_set():
                served = models.get("m")
                rows, _ = await served.batcher.scored(TEXTS)
                labels = [served.classifier.task_.labels[i] for i in rows.argmax(axis=1).tolist()]
                seen.setdefault(served.version, set()).add("".join(labels))

        clients = [asyncio.create_task(client()) for _ in range(8)]
        while not seen:
            await asyncio.sleep(0.001)
        await asyncio.to_thread(write, place, "ba")
        await models.refresh()
        assert models.get() is before  # it may still be being written
        await models.refresh()
        after = models.get()
        while after.version not in seen:
            await asyncio.sleep(0.001)
        ends.set()
        await asyncio.gather(*clients)
        assert seen == {before.version: {"ab" * 5}, after.version: {"ba" * 5}}
        assert counted(metrics, "loaded")
        assert f"version {after.version} answers in place of {before.version}" in said[-1]
        await models.drain()
        assert len((await before.batcher.scored(TEXTS))[0]) == len(TEXTS)  # who holds it is answered

    run(work())


@pytest.mark.parametrize("damage", ["a file is gone", "the manifest is cut", "the directory is gone"])
def test_a_directory_that_breaks_leaves_the_model_serving(place: Path, damage: str) -> None:
    async def work() -> None:
        said: list[str] = []
        metrics = Metrics()
        models = Models({"m": place}, metrics=metrics, say=said.append)
        await models.load()
        before = models.get()
        kept = place.with_name("kept")
        shutil.copytree(place, kept)
        if damage == "a file is gone":
            next(place.glob("*.safetensors")).unlink()
        elif damage == "the manifest is cut":
            (place / "textgraft.json").write_text("{")
        else:
            shutil.rmtree(place)
        for _ in range(5):
            await models.refresh()
        assert models.get() is before
        assert models.ready
        assert len(said) == 1  # once, not at each look
        assert f"cannot be served; version {before.version} stays" in said[0]
        assert counted(metrics, "failed")
        assert len((await before.batcher.scored(TEXTS))[0]) == len(TEXTS)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(kept, place)  # as it was: nothing to change
        for _ in range(3):
            await models.refresh()
        assert models.get() is before

    run(work())


def test_a_directory_that_is_still_being_written_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        models = Models({"m": place}, say=pytest.fail)
        await models.load()
        before = models.get()
        number = itertools.count()
        monkeypatch.setattr("textgraft.serving.models.stamp", lambda path: (*stamp(path), next(number)))
        for _ in range(5):
            await models.refresh()
        assert models.get() is before

    run(work())


def test_names_are_told_apart_and_unknown_ones_refused_with_the_nearest(place: Path, tmp_path: Path) -> None:
    async def work() -> None:
        write(tmp_path / "other", "xy")
        models = Models({"first": place, "second": tmp_path / "other"})
        with pytest.raises(UnknownModelError):
            models.get()
        await models.load()
        await models.warm_up()
        assert models.get().name == "first"
        assert models.get("second").classifier.task_.labels == ("x", "y")
        with pytest.raises(UnknownModelError, match="Did you mean 'second'"):
            models.get("secnd")

    run(work())


def test_a_service_without_a_model_or_with_a_damaged_one_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="needs a model"):
        Models({})
    (tmp_path / "model").mkdir()
    with pytest.raises(ArtifactError, match="not a model directory"):
        run(Models({"m": tmp_path / "model"}).load())


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_queue", 0), ("max_texts", 1.5), ("timeout_s", float("nan")), ("max_wait_ms", -1), ("max_body_bytes", True)],
)
def test_a_limit_that_cannot_be_used_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(SettingError, match=f"^{name} must be a .*number from .*--{name.replace('_', '-')}"):
        Limits(**{name: value})  # type: ignore[arg-type]
