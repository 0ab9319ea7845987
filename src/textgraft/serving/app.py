"""The service as an ASGI application: the routes, what all of them share, and the document that describes them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from textgraft.serving import docs, health, routes, schemas, streaming, watching
from textgraft.serving.feedback import Feedback
from textgraft.serving.gate import Gate
from textgraft.serving.keys import Keys
from textgraft.serving.logs import Log
from textgraft.serving.pages import page_routes
from textgraft.serving.predicting import Service
from textgraft.serving.problems import Problem, of_validation
from textgraft.serving.watching import DriftWatch, FeedbackRequest

ROUTERS = (routes.router, streaming.router, watching.router, health.router, docs.router)
DESCRIPTION = (
    "Labels of texts, with calibrated probabilities. One prediction for each text, in their order; problems are JSON "
    "(RFC 9457), with Retry-After where trying again helps."
)


def application(
    service: Service,
    *,
    log: Log,
    keys: Keys | None = None,
    cors: Iterable[str] = (),
    drift: DriftWatch | None = None,
    feedback: Feedback | None = None,
) -> FastAPI:
    """An application that answers with some models, which whoever runs it loads and drains.

    Args:
        service: the models and their limits.
        log: of requests.
        keys: that open it; without any it is open to all who reach it.
        cors: addresses of pages, such as ``"https://example.org"``, that may ask it from a browser; ``"*"`` is all.
        drift: watches texts for changes; None looks as is usual.
        feedback: keeps corrections; None keeps none.
    """

    origins = frozenset(cors)
    # CORS is a middleware behind the gate.
    direct = {} if origins else {("POST", routes.PREDICT.path): routes.predict_directly}
    gate = Middleware(Gate, keys=keys or Keys(), origins=origins, log=log, metrics=service.metrics, direct=direct)
    shared = Middleware(CORSMiddleware, allow_origins=sorted(origins), allow_methods=["*"], allow_headers=["*"])
    app = FastAPI(
        title="textgraft",
        version=version("textgraft"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        middleware=[gate, shared] if origins else [gate],
        exception_handlers={HTTPException: _refused, RequestValidationError: _invalid},
        redirect_slashes=False,
    )
    app.state.service, app.state.log, app.state.draining = service, log, False
    app.state.drift, app.state.feedback = drift or DriftWatch(service.metrics), feedback
    service.watchers.append(app.state.drift)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(page_routes())
    app.openapi = lambda: _document(app, service)  # type: ignore[method-assign]
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {
        404: "There is nothing at this address; /docs says what there is.",
        405: "This address takes other methods.",
    }
    detail = details.get(error.status_code, str(error.detail))
    problem = Problem(error.status_code, detail, reason="address", headers=(error.headers or {}).items())
    return problem.response(request.state.passage.id)


async def _invalid(request: Request, error: Exception) -> Response:
    """What is wrong with a query."""
    assert isinstance(error, RequestValidationError)
    return of_validation(error.errors()).response(request.state.passage.id)


def _document(app: FastAPI, service: Service) -> dict[str, Any]:
    """FastAPI's document, with the bodies that the routes read themselves, and the limits that are in force."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        kinds = (
            schemas.PredictRequest,
            schemas.InferenceRequest,
            schemas.Line,
            schemas.ProblemDetails,
            schemas.Predicted,
            FeedbackRequest,
        )
        _, more = models_json_schema(
            [(kind, "validation") for kind in kinds], ref_template="#/components/schemas/{model}"
        )
        known = document.setdefault("components", {}).setdefault("schemas", {})
        known.update(more["$defs"])
        limits = service.limits
        text = {"type": "string", "maxLength": limits.max_characters}
        texts = known["PredictRequest"]["properties"]["texts"]
        texts |= {"items": text, "maxItems": limits.max_texts}
        several = {"type": "array", "items": text, "maxItems": limits.max_texts}
        known["InferenceRequest"]["properties"]["inputs"] = {"anyOf": [text, several]}
        for kind in ("Line", "FeedbackRequest"):
            known[kind]["properties"]["text"] |= text
    assert app.openapi_schema is not None
    return app.openapi_schema
