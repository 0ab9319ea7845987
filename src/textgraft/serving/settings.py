"""All that a service is started with, checked before anything is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textgraft.errors import SettingError
from textgraft.serving.limits import Limits
from textgraft.serving.windows import DriftSettings
from textgraft.unicode import quoted

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+|\*")
MOST_WORKERS = 256


@dataclass(frozen=True)
class Settings:
    """How a service is started.

    Attributes:
        places: the directory of each model, by name; the first one answers where none is named.
        host: the address to listen at.
        port: 0 takes any that is free.
        workers: processes, each with the models.
        runtime: what computes networks, as ``load`` takes it.
        limits: of requests.
        keys: API keys, any of which opens it; none leaves it open.
        cors: addresses of pages that may ask it from a browser.
        log_texts: whether the log holds texts.
        trace: whether OpenTelemetry is told of requests.
        warm_up: whether each model predicts once before the service is ready.
        drift: how texts are watched for changes.
        state_dir: where what was seen of them is kept for a restart; None keeps nothing.
        feedback: the file that keeps corrections; None keeps none.

    Raises:
        SettingError: one of them cannot be used.
    """

    places: dict[str, Path]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    runtime: str = "auto"
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = field(default=(), repr=False)
    cors: tuple[str, ...] = ()
    log_texts: bool = False
    trace: bool = False
    warm_up: bool = False
    drift: DriftSettings = field(default_factory=DriftSettings)
    state_dir: Path | None = None
    feedback: Path | None = None

    def __post_init__(self) -> None:
        for name, value, least, most in (("port", self.port, 0, 65_535), ("workers", self.workers, 1, MOST_WORKERS)):
            if not least <= value <= most:
                raise SettingError(f"--{name} ({name}=) must be from {least} to {most:,}; got {value}.")
        for origin in self.cors:
            if not ORIGIN.fullmatch(origin):
                raise SettingError(
                    f"--cors (cors=) must be an address of pages, such as https://example.org, or * for all; got "
                    f"{quoted(origin)}."
                )


def places_of(models: Sequence[str]) -> dict[str, Path]:
    """Directories by the names of their models, from ``DIR`` or ``NAME=DIR``; a ``DIR`` alone is called as it is.

    Raises:
        SettingError: two have one name, or one has a name that no address can hold.
    """
    places: dict[str, Path] = {}
    for given in models:
        name, is_named, directory = given.partition("=")
        if not is_named or Path(given).is_dir():
            name, directory = Path(given).resolve().name, given
        if not NAME.fullmatch(name) or not directory:
            raise SettingError(
                f"A model's name has letters, digits, dots, hyphens and underscores, at most 64; got {quoted(name)}. "
                "Give it one: NAME=DIR."
            )
        if name in places:
            raise SettingError(
                f"Two models have the name {quoted(name)}: {places[name]} and {directory}. Name them apart: "
                f"{name}-1={places[name]} {name}-2={directory}."
            )
        places[name] = Path(directory)
    if not places:
        raise SettingError("There is no model to serve; give at least one directory.")
    return places
