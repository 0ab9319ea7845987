"""The JSON interface: predictions, the models behind them, and Hugging Face's shape of both."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from textgraft.model_directory.manifest import CARD
from textgraft.serving import schemas
from textgraft.serving.bodies import check_texts, parsed
from textgraft.serving.models import Served
from textgraft.serving.predicting import MOST_LABELS, Service
from textgraft.serving.problems import Problem, of_one
from textgraft.unicode import quoted

router: APIRouter = APIRouter()
REPORT_POLICY = (  # the report is a page of its own, whose scripts and styles stand in it
    "sandbox allow-scripts allow-popups; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'"
)


def service_of(request: Request) -> Service:
    """What the routes share."""
    service: Service = request.app.state.service
    return service


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of answers other than the one that is wished."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": "A problem", "content": content} for status in statuses}


def body_of(kind: type[BaseModel], media: str = "application/json") -> dict[str, Any]:
    """What the OpenAPI document says of a body, which the route reads itself."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {media: {"schema": schema}}}}


def as_json(content: Any) -> Response:
    """Plain data as a response."""
    return Response(to_json(content), media_type="application/json")


@router.post(
    "/v1/predict",
    summary="Predict labels of texts",
    tags=["predict"],
    response_model=None,
    responses={
        200: {"model": schemas.PredictResponse},
        **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504),
    },
    openapi_extra=body_of(schemas.PredictRequest),
)
async def predict(request: Request, model: str | None = None) -> Response:
    """One prediction for each text, in their order, all of one version of the model."""
    service, passage = service_of(request), request.state.passage
    wish = await parsed(request, schemas.PredictRequest, service.limits)
    if model is not None and wish.model is not None and model != wish.model:
        raise of_one(
            "/model", f"The body names the model {quoted(wish.model)}, the address {quoted(model)}; name it once."
        )
    served = service.named(wish.model if model is None else model)
    passage.fields |= {"model": served.name, "version": served.version, "texts": len(wish.texts)}
    if request.app.state.log.texts:
        passage.fields["text"] = wish.texts
    rows = await service.predict(served, wish, passage.id)
    answer = {"model": served.name, "version": served.version, "request_id": passage.id, "predictions": rows}
    return as_json(answer)


async def predict_directly(scope: Scope, receive: Receive, send: Send) -> None:
    """``predict`` as an application of its own, without FastAPI's routing, which costs as much as all else."""
    scope["route"] = PREDICT
    request = Request(scope, receive)
    response = await predict(request, request.query_params.get("model"))
    await response(scope, receive, send)


PREDICT = next(route for route in router.routes if isinstance(route, APIRoute) and route.path == "/v1/predict")


@router.post(
    "/",
    summary="Hugging Face's shape of text classification",
    tags=["predict"],
    response_model=None,
    responses={
        200: {"model": list[list[schemas.Score]]},
        **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504),
    },
    openapi_extra=body_of(schemas.InferenceRequest),
)
async def infer(request: Request) -> Response:
    """A list of labels and scores for each text, the highest first."""
    service, passage = service_of(request), request.state.passage
    wish = await parsed(request, schemas.InferenceRequest, service.limits)
    served = service.named(None)
    texts = wish.inputs
    check_texts(texts, service.limits, "/inputs")
    parameters = wish.parameters or schemas.Parameters()
    task = served.classifier.task_
    usual = "sigmoid" if task.multi_label else "softmax"
    if parameters.function_to_apply not in (None, usual):
        detail = f"This model gives calibrated probabilities, by {usual}; leave function_to_apply out."
        raise of_one("/parameters/function_to_apply", detail)
    passage.fields |= {"model": served.name, "version": served.version, "texts": len(texts)}
    ids = [f"{passage.id}-{i}" for i in range(len(texts))]
    answers = await service.answers(served, texts, ids)
    return as_json(scores_of(answers.probabilities, task.labels, parameters.top_k or MOST_LABELS))


@router.get(
    "/v1/models",
    summary="The models",
    tags=["models"],
    response_model=None,
    responses={200: {"model": schemas.Models}, **problems(401)},
)
async def models(request: Request) -> Response:
    """The models that are served, the one that answers where none is named first."""
    served = service_of(request).models
    keeps = getattr(request.app.state, "feedback", None) is not None
    return as_json({"models": [about(served.get(name)) for name in served.names], "feedback": keeps})


@router.get(
    "/v1/models/{name}",
    summary="A model",
    tags=["models"],
    response_model=None,
    responses={200: {"model": schemas.Detail}, **problems(401, 404)},
)
async def model(request: Request, name: str) -> Response:
    """A model with its card, its figures on test data, and the threshold of each label."""
    served = service_of(request).named(name, "")
    card = await asyncio.to_thread(_text, served.directory / CARD)
    sureness = served.classifier.abstention_.sureness
    return as_json(
        {
            **about(served),
            "card": card,
            "metrics": None if served.manifest is None else served.manifest.evaluation,
            "thresholds": served.classifier.thresholds_.tolist(),
            "answers_from": None if sureness is None else sureness.threshold,
            "has_report": report_of(served) is not None,
        }
    )


@router.get(
    "/v1/models/{name}/report",
    summary="A model's report",
    tags=["models"],
    response_model=None,
    responses={200: {"content": {"text/html": {}}}, **problems(401, 404)},
)
async def report(request: Request, name: str) -> Response:
    """The page that ``textgraft report`` wrote beside the model."""
    served = service_of(request).named(name, "")
    place = report_of(served)
    page = None if place is None else await asyncio.to_thread(_text, place)
    if page is None:
        detail = f"There is no report of {quoted(served.name)}; textgraft report DIR TABLE writes one beside the model."
        raise Problem(404, detail, reason="report")
    return Response(page, headers={"Content-Security-Policy": REPORT_POLICY}, media_type="text/html; charset=utf-8")


def about(served: Served) -> dict[str, Any]:
    """What a list of models says of one."""
    model = served.classifier
    return {
        "name": served.name,
        "version": served.version,
        "method": model.method,
        "labels": list(model.task_.labels),
        "multi_label": model.task_.multi_label,
        "runtime": model.export_,
        "abstains": model.abstention_.abstains,
        "sets": model.abstention_.sets is not None,
        "explains": True,
        "neighbours": model.keeps_neighbours,
    }


def scores_of(probabilities: Any, labels: tuple[str, ...], most: int) -> list[list[dict[str, Any]]]:
    """Labels and scores of each row of (n, k) probabilities, the highest first."""
    order = (-probabilities).argsort(axis=1, kind="stable")[:, :most].tolist()
    rows = zip(order, probabilities.tolist(), strict=True)
    return [[{"label": labels[j], "score": row[j]} for j in places] for places, row in rows]


def report_of(served: Served) -> Path | None:
    """Where the report of a model is: beside its directory, or in it."""
    directory = served.directory
    places = (directory.with_name(f"{directory.name}.report.html"), directory / "report.html")
    return next((place for place in places if place.is_file()), None)


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
