"""The models of a service: each in a thread of its own, and read again when its directory changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from textgraft import progress
from textgraft.artifact import load
from textgraft.digests import file_sha256
from textgraft.encoders.vector_store import without_cache
from textgraft.errors import SettingError, TextgraftError, did_you_mean, listed
from textgraft.methods import TextClassifier
from textgraft.model_directory.files import stamp
from textgraft.model_directory.manifest import FILE, Manifest, read_manifest
from textgraft.serving.batching import Batcher, Scores
from textgraft.serving.limits import Limits
from textgraft.serving.metrics import Metrics
from textgraft.unicode import quoted

DIGITS: Final = 12  # of a version
WARM: Final = (1, 8, 32)  # texts of the batches that warm a model up
USUAL_TEXT: Final = "a text of a few words as most are"

Stamps = tuple[tuple[str, tuple[int, ...]], ...]  # of the files of a directory; empty where there is none


class UnknownModelError(TextgraftError):
    """The service has no model of this name."""


@dataclass(frozen=True, eq=False)
class Served:
    """One version of a model. Whoever holds it is answered by it to the end, also when a newer one has taken its place.

    Attributes:
        name: in requests.
        version: the first digits of the SHA-256 of its manifest.
        directory: of the model.
        classifier: is used in ``batcher``'s thread alone, but for what was set when it was loaded.
        batcher: computes it.
        manifest: of its directory; None of a model that ``transformers`` saved.
    """

    name: str
    version: str
    directory: Path
    classifier: TextClassifier
    batcher: Batcher
    manifest: Manifest | None


class Models:
    """The models of a service by their names.

    Args:
        places: directories, or names on the Hub, by the names of the models; the first is the usual one.
        limits: of their queues and batches.
        runtime: as for ``textgraft.load``.
        metrics: are told of batches and reloads.
        warm: whether a model is warmed up before it answers.
        say: is told in a sentence of each model that is read again, or cannot be.

    Raises:
        SettingError: there is no model.
    """

    def __init__(
        self,
        places: Mapping[str, str | Path],
        limits: Limits | None = None,
        *,
        runtime: str = "auto",
        metrics: Metrics | None = None,
        warm: bool = True,
        say: Callable[[str], None] = progress.say,
    ) -> None:
        if not places:
            raise SettingError("A service needs a model; give its directory.")
        self._places = {name: Path(place) for name, place in places.items()}
        self._limits = limits or Limits()
        self._runtime, self._metrics, self._warm, self._say = runtime, metrics, warm, say
        self._served: dict[str, Served] = {}
        self._tried: dict[str, Stamps] = {}  # what was last read, well or not
        self._seen: dict[str, Stamps] = {}  # what was there at the last look
        self._draining: set[asyncio.Task[None]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all models, in the order in which they were given."""
        return tuple(self._places)

    @property
    def ready(self) -> bool:
        """Whether all of them answer."""
        return self._served.keys() == self._places.keys()

    def get(self, name: str | None = None) -> Served:
        """The newest version of a model; None is the first one.

        Raises:
            UnknownModelError: there is none of this name, or it is not loaded yet.
        """
        wanted = self.names[0] if name is None else name
        if wanted not in self._served:
            raise UnknownModelError(
                f"There is no model {quoted(wanted)} here, only {listed(map(quoted, self._served))}."
                f"{did_you_mean(wanted, self._served)}"
            )
        return self._served[wanted]

    async def load(self) -> None:
        """Loads all of them, each in its thread.

        Raises:
            ArtifactError: a model is not there or is damaged.
            MissingExtraError: what it needs is not installed.
        """
        for name, place in self._places.items():
            self._tried[name] = self._seen[name] = _stamps(place)
            self._served[name] = await self._load(name)

    async def warm_up(self) -> None:
        """Answers a few texts with each model, so that its first requests take no longer than others."""
        for served in self._served.values():
            await _warm_up(served)

    async def drain(self) -> None:
        """Waits until all that was accepted is answered, by whichever version."""
        await asyncio.gather(*(served.batcher.drain() for served in self._served.values()), *self._draining)

    async def watch(self, seconds: float = 1.0) -> None:
        """Looks for changed directories every so many seconds, until it is cancelled; see ``refresh``."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()

    async def refresh(self) -> None:
        """Reads models again whose directories have changed, and not since the last look.

        A version that is read well takes the place of the one before, which answers what it has accepted. Where the new
        one cannot be read, the old one stays.
        """
        for name, place in self._places.items():
            now = _stamps(place)
            settled, self._seen[name] = now == self._seen[name], now
            if now == self._tried[name] or not settled:
                continue
            self._tried[name] = now
            old = self._served[name]
            try:
                new = await self._load(name)
            except Exception as error:  # whatever a half-written directory makes a reader trip over
                self._say(f"{place} has changed and cannot be served; version {old.version} stays: {error}")
                well = False
            else:
                if new.version == old.version:
                    continue
                self._served[name] = new
                self._retire(old)
                self._say(f"{place} has changed: version {new.version} answers in place of {old.version}.")
                well = True
            if self._metrics is not None:
                self._metrics.reloaded(name, well=well)

    def _retire(self, old: Served) -> None:
        task = asyncio.get_running_loop().create_task(old.batcher.drain())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _load(self, name: str) -> Served:
        thread = ThreadPoolExecutor(1, f"textgraft-{name}")
        loading = partial(self._load_here, name, thread)
        served = await asyncio.get_running_loop().run_in_executor(thread, loading)
        if self._warm:
            await _warm_up(served)
        return served

    def _load_here(self, name: str, thread: Executor) -> Served:
        """Loads a model in the thread that will compute it."""
        place = self._places[name]
        version, manifest = _version(place)
        classifier = load(place, runtime=self._runtime)
        if _version(place)[0] != version:
            raise TextgraftError(f"{place} was changed while it was read.")
        for note in classifier.notes_:
            self._say(note)
        batcher = Batcher(
            partial(_scored, classifier),
            max_batch_tokens=self._limits.max_batch_tokens,
            max_wait=self._limits.max_wait_ms / 1000,
            max_queue=self._limits.max_queue,
            patience=self._limits.max_delay_s,
            thread=thread,
            observer=None if self._metrics is None else self._metrics.of(name),
        )
        return Served(name, version, place, classifier, batcher, manifest)


def _scored(classifier: TextClassifier, texts: list[str], familiar: bool) -> Scores:
    # Texts to predict are seen once; keeping their vectors would fill the disk with them.
    with without_cache():
        return classifier.scored(texts, familiar=familiar)


async def _warm_up(served: Served) -> None:
    sample = served.classifier.checked_on_
    known = [USUAL_TEXT] if sample is None or not len(sample) else list(sample.texts[: max(WARM)])
    for count in WARM:
        await served.batcher.scored((known * count)[:count])


def _version(place: Path) -> tuple[str, Manifest | None]:
    """The version of a model, and its manifest; a model of ``transformers``, which has none, goes by its files."""
    if (place / FILE).is_file():
        return file_sha256(place / FILE)[:DIGITS], read_manifest(place)
    files = sorted(path for path in place.glob("[!.]*") if path.is_file())
    return sha256("".join(path.name + file_sha256(path) for path in files).encode()).hexdigest()[:DIGITS], None


def _stamps(place: Path) -> Stamps:
    with suppress(OSError):
        return tuple(sorted((path.name, stamp(path)) for path in place.glob("[!.]*")))
    return ()
