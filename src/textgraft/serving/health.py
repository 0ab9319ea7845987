"""Whether the process lives, and whether it takes requests."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from textgraft.serving import schemas
from textgraft.serving.metrics import CONTENT_TYPE
from textgraft.serving.problems import Problem
from textgraft.serving.routes import as_json, problems

router: APIRouter = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Whether it lives", response_model=schemas.Health)
async def healthz() -> Response:
    """The process answers."""
    return as_json({"status": "ok"})


@router.get("/readyz", summary="Whether it is ready", response_model=schemas.Health, responses=problems(503))
async def readyz(request: Request) -> Response:
    """All models are loaded, and the service is not about to end."""
    if not request.app.state.service.models.ready:
        raise Problem(503, "The models are not loaded yet.", reason="loading", retry_after=1)
    if request.app.state.draining:
        raise Problem(503, "The service is ending.", reason="ending", retry_after=5)
    return as_json({"status": "ok"})


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_model=None,
    responses={200: {"content": {"text/plain": {}}}, **problems(401)},
)
def metrics(request: Request) -> Response:
    """Requests, latency, batches, queues, refusals and labels, of all processes together."""
    page = request.app.state.service.metrics.page()
    return Response(page, headers={"Content-Type": CONTENT_TYPE})
