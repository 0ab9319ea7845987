"""Runs in MLflow: https://mlflow.org/docs/latest/ml/tracking/."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from textgraft.extras import library

MOST_METRICS: Final = 1000  # that the server takes at once
MOST_PARAMETERS: Final = 100
MOST_OF_A_VALUE: Final = 6000  # characters
# MLflow's own patience would stop a training for minutes, and it reports to its makers. Who sets these is heard.
USUAL: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class MlflowTracker:
    """The active run of this process, or a new one where ``MLFLOW_TRACKING_URI`` and ``MLFLOW_EXPERIMENT_NAME`` say.

    Raises:
        MissingExtraError: MLflow is not installed.
    """

    name: str = "MLflow"

    def __init__(self, run_name: str | None = None) -> None:
        for variable, value in USUAL.items():
            os.environ.setdefault(variable, value)
        self._mlflow: Any = library("mlflow", "Logging in MLflow", "mlflow")
        self._entities: Any = library("mlflow.entities", "Logging in MLflow", "mlflow")
        self._client: Any = self._mlflow.MlflowClient()
        active = self._mlflow.active_run()
        self._starts = active is None
        self._id: str = (active or self._mlflow.start_run(run_name=run_name)).info.run_id

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Logs parameters as text; a value of more than 6,000 characters is cut."""
        given = [self._entities.Param(name, str(value)[:MOST_OF_A_VALUE]) for name, value in values.items()]
        for batch in _batches(given, MOST_PARAMETERS):
            self._client.log_batch(self._id, params=batch)

    def metrics(self, rows: Sequence[tuple[int | None, Mapping[str, float]]]) -> None:
        """Logs figures with their steps; those of the whole run stand at step 0."""
        now = int(time.time() * 1000)
        given = [
            self._entities.Metric(name, value, now, step or 0)
            for step, figures in rows
            for name, value in figures.items()
        ]
        for batch in _batches(given, MOST_METRICS):
            self._client.log_batch(self._id, metrics=batch)

    def file(self, path: Path) -> None:
        """Logs an artifact."""
        if path.is_dir():
            self._client.log_artifacts(self._id, str(path), path.name)
        else:
            self._client.log_artifact(self._id, str(path))

    def end(self, *, failed: bool) -> None:
        """Ends a run that was started here."""
        if self._starts:
            self._mlflow.end_run("FAILED" if failed else "FINISHED")


def _batches(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
