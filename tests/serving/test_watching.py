"""The routes to what a service learns of its texts: drift and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from textgraft import NgramClassifier
from textgraft.serving.feedback import Feedback

from ..drifting import english, spanish

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from textgraft.serving.app import application  # noqa: E402
from textgraft.serving.limits import Limits  # noqa: E402
from textgraft.serving.logs import Log  # noqa: E402
from textgraft.serving.metrics import Metrics  # noqa: E402
from textgraft.serving.models import Models  # noqa: E402
from textgraft.serving.predicting import Service  # noqa: E402
from textgraft.serving.process import loaded  # noqa: E402
from textgraft.serving.watching import DriftWatch  # noqa: E402
from textgraft.serving.windows import DriftSettings  # noqa: E402


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NgramClassifier().fit(*english(600, 0)).save(tmp_path_factory.mktemp("models") / "m")


def with_client(
    place: Path,
    asks: Callable[[httpx.AsyncClient], Awaitable[None]],
    feedback: Path | None = None,
    state: Path | None = None,
) -> None:
    """Asks a service in this process."""

    async def run() -> None:
        metrics = Metrics()
        models = Models({"m": place}, Limits(), metrics=metrics, warm=False)
        settings = DriftSettings(window_s=0.001, least=100, time_share=1e6)
        app = application(
            Service(models, Limits(), metrics),
            log=Log(texts=False),
            drift=DriftWatch(metrics, settings, state_dir=state),
            feedback=None if feedback is None else Feedback(feedback),
        )
        async with (
            loaded(models),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client,
        ):
            await asks(client)

    asyncio.run(run())


def test_other_texts_raise_an_alarm_that_prometheus_sees(saved: Path, tmp_path: Path) -> None:
    async def asks(client: httpx.AsyncClient) -> None:
        before = (await client.get("/v1/drift")).json()["models"]["m"]
        assert before["watched"]
        assert before["windows"] == []
        texts = spanish(200, 1)
        for _ in range(3):
            assert (await client.post("/v1/predict", json={"texts": texts})).status_code == 200
            await asyncio.sleep(0)
        for _ in range(200):
            found = (await client.get("/v1/drift")).json()["models"]["m"]
            if found["alarms"]:
                break
            await asyncio.sleep(0.05)
        assert "language" in {alarm["quantity"] for alarm in found["alarms"]}
        assert found["said"].startswith("Changed since the training: ")
        page = (await client.get("/metrics")).text
        assert 'textgraft_drift_alarm{model="m",quantity="language"} 1.0' in page
        assert 'textgraft_drift_alarms_total{model="m",quantity="language"} 1.0' in page
        assert "habla" not in page + str(found)

    with_client(saved, asks, state=tmp_path / "state")
    assert (tmp_path / "state" / "drift-m-0.json").exists()


def test_corrections_are_kept_and_wrong_ones_refused(saved: Path, tmp_path: Path) -> None:
    async def asks(client: httpx.AsyncClient) -> None:
        right = {"id": "1-0", "text": "the film", "label": "sad"}
        kept = await client.post("/v1/feedback", json=right)
        assert kept.status_code == 201
        assert kept.json()["number"] == 1
        for change, status, pointer in (
            ({"label": "mad"}, 422, "/label"),
            ({"label": None}, 422, "/label"),
            ({"labels": ["sad"]}, 422, "/label"),
            ({"text": "x" * 100_001}, 422, "/text"),
            ({"id": "1" * 201}, 422, "/id"),
            ({"model": "other"}, 404, "/model"),
            ({"more": 1}, 422, "/more"),
        ):
            refused = await client.post("/v1/feedback", json=right | change)
            assert refused.status_code == status, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["errors"][0]["pointer"] == pointer

    with_client(saved, asks, feedback=tmp_path / "feedback.db")
    [(kept, several)] = Feedback(tmp_path / "feedback.db")
    assert (kept.id, kept.text, kept.labels, kept.model, several) == ("1-0", "the film", ("sad",), "m", False)
    assert len(kept.version) == 12


def test_feedback_is_off_unless_there_is_a_file(saved: Path) -> None:
    async def asks(client: httpx.AsyncClient) -> None:
        refused = await client.post("/v1/feedback", json={"id": "1-0", "text": "x", "label": "sad"})
        assert refused.status_code == 404
        assert refused.json()["detail"] == "This service keeps no feedback; start it with --feedback FILE."

    with_client(saved, asks)


def test_a_model_without_a_sketch_is_served_and_says_so(saved: Path, tmp_path: Path) -> None:
    from textgraft import load

    model = load(saved)
    model.sketch_ = None
    earlier = model.save(tmp_path / "earlier")

    async def asks(client: httpx.AsyncClient) -> None:
        assert (await client.post("/v1/predict", json={"texts": ["x"]})).status_code == 200
        found = (await client.get("/v1/drift")).json()["models"]["m"]
        assert not found["watched"]
        assert "keeps no sketch" in found["said"]

    with_client(earlier, asks)
