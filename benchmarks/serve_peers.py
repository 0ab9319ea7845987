"""The contenders of ``serve.py``, each as its own documentation shows it, on one port; started by that script.

    python benchmarks/serve_peers.py pipeline MODEL PORT

``offline`` is no server: it prints the texts a second that the model predicts in batches as large as it likes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

try:
    from litserve import LitAPI
except ImportError:
    LitAPI = object


def offline(model: str, _port: int) -> None:
    from textgraft import load
    from textgraft.encoders.vector_store import without_cache

    texts, classifier = sys.stdin.read().splitlines(), load(model)
    rates, batches = [], []
    with without_cache():
        classifier.scored(texts[:64])
        for turn in range(3):
            start, used = time.perf_counter(), time.process_time()
            classifier.scored(texts)
            rates.append((len(texts) / (time.perf_counter() - start), len(texts) / (time.process_time() - used)))
            start = time.perf_counter()
            classifier.scored(texts[64 * turn : 64 * turn + 64])
            batches.append(time.perf_counter() - start)
    rate, per_cpu = max(rates)
    print(json.dumps({"texts/s": rate, "texts/cpu s": per_cpu, "ms of a batch of 64": 1000 * min(batches)}))


def pipeline(model: str, port: int) -> None:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel
    from transformers import pipeline as make

    classify, app = make("text-classification", model=model, top_k=None), FastAPI()

    class Body(BaseModel):
        text: str

    def predict(body: Body) -> Any:
        return classify(body.text)

    predict.__annotations__["body"] = Body
    app.post("/predict")(predict)
    uvicorn.run(app, port=port, log_level="warning")


class LitApi(LitAPI):  # at the top of a file, since its processes find it by its name
    def __init__(self, model: str) -> None:
        super().__init__(max_batch_size=64, batch_timeout=0.005)
        self.model = model

    def setup(self, device):  # noqa: ARG002
        self.predict_rows = _rows_of(self.model)

    def decode_request(self, request):
        return str(request["text"])

    def predict(self, texts):
        return self.predict_rows(texts)

    def encode_response(self, row):
        return {"probabilities": row}


def litserve(model: str, port: int) -> None:
    from litserve import LitServer

    LitServer(LitApi(model), accelerator="cpu").run(port=port, log_level="warning", generate_client_file=False)


def ray(model: str, port: int) -> None:
    from ray import serve
    from starlette.requests import Request

    class Deployed:
        def __init__(self) -> None:
            self.predict_rows = _rows_of(model)

        @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.005)
        async def many(self, texts: list[str]) -> list[list[float]]:
            return self.predict_rows(texts)

        async def __call__(self, request: Request) -> dict[str, list[float]]:
            return {"probabilities": await self.many((await request.json())["text"])}

    Deployed.__call__.__annotations__["request"] = Request
    serve.start(http_options={"port": port})
    deployment = serve.deployment(Deployed).options(max_ongoing_requests=512, ray_actor_options={"num_cpus": 1})
    serve.run(deployment.bind(), route_prefix="/predict", blocking=True)


def _rows_of(model: str) -> Callable[[list[str]], list[list[float]]]:
    """The same model as textgraft serves, by the same runtime."""
    from textgraft import load

    classifier = load(model)

    def rows(texts: list[str]) -> list[list[float]]:
        scores: list[list[float]] = classifier.predict_proba(texts).tolist()
        return scores

    return rows


if __name__ == "__main__":
    {each.__name__: each for each in (offline, pipeline, litserve, ray)}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
