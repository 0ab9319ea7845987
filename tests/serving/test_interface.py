"""What the service answers: predictions as ``textgraft predict`` has them, models, Hugging Face's shape, streams."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import numpy as np
import pytest

import textgraft

from .running import LABELS, SPORT, TEXTS, Running, saved, serving

NEW = ["the goal of the game", "rates, banks and 3% more", "", "Wörter 語 never seen", "null \0 byte", "😀 " * 40]


def test_predictions_are_those_of_the_model(service: Running, model: Path) -> None:
    loaded = textgraft.load(model)
    answer = service.predict(texts=NEW).json()
    rows = answer["predictions"]
    assert [row["label"] for row in rows] == loaded.predict(NEW).tolist()  # type: ignore[union-attr]
    for row, expected in zip(rows, loaded.predict_proba(NEW), strict=True):
        given = {each["label"]: each["probability"] for each in row["probabilities"]}
        np.testing.assert_allclose([given[name] for name in loaded.task_.labels], expected, atol=1e-6)
        assert list(given.values()) == sorted(given.values(), reverse=True)
        assert row["confidence"] == max(given.values())
    assert [row["id"] for row in rows] == [f"{answer['request_id']}-{i}" for i in range(len(NEW))]


def test_no_texts_have_no_predictions(service: Running) -> None:
    assert service.predict(texts=[]).json()["predictions"] == []


def test_a_model_is_chosen_in_the_body_or_in_the_address(service: Running) -> None:
    assert service.predict(texts=SPORT).json()["model"] == "news"
    assert service.predict(texts=SPORT, model="other").json()["model"] == "other"
    named = httpx.post(f"{service.url}/v1/predict?model=other", json={"texts": SPORT})
    assert named.json()["model"] == "other"
    both = httpx.post(f"{service.url}/v1/predict?model=other", json={"texts": SPORT, "model": "news"})
    assert both.status_code == 422


def test_labels_are_given_from_a_threshold_on(service: Running) -> None:
    [row] = service.predict(texts=["the goal of the bank"], threshold=1.0, top_k=1).json()["predictions"]
    assert row["label"] is None
    assert row["reason"] == "unsure"
    assert len(row["probabilities"]) == 1


def test_words_that_mattered_are_those_of_explain_in_code_points(service: Running, model: Path) -> None:
    text = "😀 what a goal"
    [row] = service.predict(texts=[text], explain=True).json()["predictions"]
    found = textgraft.explain(textgraft.load(model), text)
    assert row["explanation"] == {
        "label": found.label,
        "method": found.how,
        "said": found.meaning,
        "words": [vars(span) for span in found.spans],
    }
    assert {text[word["start"] : word["end"]] for word in row["explanation"]["words"]} >= {"what", "goal"}


def test_neighbours_are_null_where_the_model_keeps_none(service: Running) -> None:
    assert service.predict(texts=SPORT[:1], neighbours=3).json()["predictions"][0]["neighbours"] is None
    assert not httpx.get(f"{service.url}/v1/models").json()["models"][0]["neighbours"]


def test_models_say_what_they_are(service: Running, model: Path) -> None:
    first, second = httpx.get(f"{service.url}/v1/models").json()["models"]
    assert (first["name"], second["name"]) == ("news", "other")
    assert first["labels"] == ["money", "sport"]
    detail = httpx.get(f"{service.url}/v1/models/news").json()
    assert detail["card"] == (model / "README.md").read_text("utf-8")
    assert len(detail["thresholds"]) == 2
    assert not detail["has_report"]
    assert httpx.get(f"{service.url}/v1/models/news/report").status_code == 404
    assert httpx.get(f"{service.url}/v1/models/nobody").status_code == 404


def test_clients_of_hugging_face_work_unchanged(service: Running, model: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    answer = hub.InferenceClient(model=service.url).text_classification("the goal of the game", top_k=1)
    assert [(each.label, round(each.score, 5)) for each in answer] == [
        ("sport", round(float(textgraft.load(model).predict_proba(["the goal of the game"]).max()), 5))
    ]
    several = httpx.post(service.url, json={"inputs": NEW}).json()
    assert len(several) == len(NEW)
    assert {each["label"] for each in several[0]} == {"sport", "money"}
    refused = httpx.post(service.url, json={"inputs": "a", "parameters": {"function_to_apply": "none"}})
    assert refused.status_code == 422


def test_streams_answer_line_by_line_in_order(service: Running, model: Path) -> None:
    lines = [{"text": text, "id": i} for i, text in enumerate(TEXTS * 20)]
    lines[7] = {"txt": "no text"}
    body = "".join(json.dumps(line) + "\n" for line in lines)
    answer = httpx.post(f"{service.url}/v1/predict/stream?top_k=1", content=body, timeout=60)
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert len(rows) == len(lines)
    assert rows[7]["error"]["status"] == 422
    labels = textgraft.load(model).predict(TEXTS * 20).tolist()  # type: ignore[union-attr]
    good = [(row["id"], row["label"]) for row in rows if "error" not in row]
    assert good == [(i, label) for i, label in enumerate(labels) if i != 7]


def test_a_stream_answers_before_its_end(service: Running) -> None:
    start = b"POST /v1/predict/stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(service.address, timeout=60) as connection:
        connection.sendall(start + b'15\r\n{"text": "the goal"}\n\r\n')
        seen = b""
        while b'"label":"sport"' not in seen:
            seen += connection.recv(1 << 16)
        connection.sendall(b'15\r\n{"text": "the bank"}\n\r\n0\r\n\r\n')
        while piece := connection.recv(1 << 16):
            seen += piece
    assert b'"label":"money"' in seen


def test_the_interface_is_described_without_outside_resources(service: Running) -> None:
    document = httpx.get(f"{service.url}/openapi.json").json()
    assert document["components"]["schemas"]["PredictRequest"]["properties"]["texts"]["maxItems"] == 50
    page = httpx.get(f"{service.url}/docs")
    assert "/v1/predict" in page.text
    assert "<script" not in page.text
    assert "http://" not in page.text.replace("http://json-schema", "")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_several_labels_are_a_list(tmp_path: Path) -> None:
    labels = [[label] for label in LABELS[:-1]] + [["sport", "money"]]
    directory = saved(tmp_path / "several", TEXTS, labels)  # type: ignore[arg-type]
    with serving(directory) as running:
        [low] = running.predict(texts=["the goal"], threshold=0.0).json()["predictions"]
        [high] = running.predict(texts=["the goal"], threshold=1.0).json()["predictions"]
    assert set(low["labels"]) == {"sport", "money"}
    assert high["labels"] == []
