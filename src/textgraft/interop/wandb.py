"""Runs in Weights & Biases: https://docs.wandb.ai/ref/python/sdk/."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from textgraft.errors import MissingExtraError
from textgraft.extras import library

PROJECT: Final = "textgraft"
WISH: Final = "Logging in Weights & Biases"


class WandbTracker:
    """The active run of this process, or a new one as the variables ``WANDB_...`` say; its project is ``textgraft``
    where they name none.

    Raises:
        MissingExtraError: wandb is not installed.
    """

    name: str = "W&B"

    def __init__(self, run_name: str | None = None) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # crashes are nobody's business; who sets it is heard
        self._wandb: Any = library("wandb", WISH, "wandb")
        if not hasattr(self._wandb, "init"):  # a folder of that name, where runs are kept, passes for a package
            raise MissingExtraError(WISH, "wandb")
        self._starts = self._wandb.run is None
        self._run: Any = self._wandb.run
        if self._starts:
            project = os.environ.get("WANDB_PROJECT", PROJECT)
            # What a terminal shows may hold texts of the data.
            self._run = self._wandb.init(project=project, name=run_name, settings=self._wandb.Settings(console="off"))
        for kind in ("train", "valid"):
            self._run.define_metric(f"{kind}*", step_metric="step")

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Fills the run's configuration."""
        self._run.config.update(dict(values), allow_val_change=True)

    def metrics(self, rows: Sequence[tuple[int | None, Mapping[str, float]]]) -> None:
        """Logs figures by their step; those of the whole run go to its summary."""
        for step, figures in rows:
            if step is None:
                self._run.summary.update(dict(figures))
            else:
                self._run.log({**figures, "step": step})

    def file(self, path: Path) -> None:
        """Logs an artifact; a folder is a model."""
        kind = "model" if path.is_dir() else "file"
        artifact = self._wandb.Artifact(re.sub(r"[^\w\-.]", "-", path.name), type=kind)
        if path.is_dir():
            artifact.add_dir(str(path))
        else:
            artifact.add_file(str(path), name=path.name)
        self._run.log_artifact(artifact)

    def end(self, *, failed: bool) -> None:
        """Ends a run that was started here, when all is sent."""
        if self._starts:
            self._run.finish(exit_code=int(failed))
