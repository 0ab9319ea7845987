"""Which export of a model runs here: the one asked for, or the fastest on this machine, measured once."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textgraft import progress
from textgraft.cache import cache_folder
from textgraft.errors import ArtifactError, listed
from textgraft.hardware import lacking, threads
from textgraft.json_files import is_number, read_json
from textgraft.model_directory.manifest import Export, Manifest
from textgraft.runtimes import Runtime, check_runtime, installed, open_runtime
from textgraft.whole import whole_file

Choice = dict[str, Any]  # what was chosen, and how fast each export was
MEMORY = "runtimes.json"  # in the cache folder
MOST_MEMORY = 1 << 22  # bytes
SECONDS = 0.5  # of measuring, for all exports together
PACKAGES = ("onnxruntime", "openvino")
ROWS, TOKENS = 16, 32  # of the batch that is measured


@dataclass(frozen=True)
class Opened:
    """What computes the network of a model.

    Attributes:
        runtime: of an export, or None for the model's own weights.
        name: of the export, such as ``"openvino-int8"``.
        note: a sentence on what was chosen and why; empty where there was no choice.
    """

    runtime: Runtime | None = None
    name: str | None = None
    note: str = ""


def open_export(folder: Path, manifest: Manifest, wish: str) -> Opened:
    """Opens what computes the network of a model.

    Args:
        folder: of the model.
        manifest: its content.
        wish: ``"auto"``, the name of a runtime, or that of an export such as ``"openvino-int8"``.

    Raises:
        SettingError: there is no such runtime.
        ArtifactError: the model has no export for it, or none that answers on this processor as it did where it was
            compared with the model, or no weights of its own.
        MissingExtraError: a library is not installed.
    """
    if wish != "auto":
        check_runtime(wish.partition("-")[0])
    exports = manifest.exported()
    if wish == "torch":
        if not manifest.weights:
            raise ArtifactError(
                f"{folder} was made to be shipped: it holds an export ({listed(exports)}) and not the weights that "
                "torch reads. Take the directory that it was exported from, or leave out the runtime."
            )
        return Opened()
    if wish == "auto" and (not exports or (manifest.weights and _has_gpu())):
        return Opened()
    wanted = [export for export in exports if wish in ("auto", export.runtime, str(export))]
    if not wanted:
        made = f"; it has {listed(exports)}" if exports else ""
        raise ArtifactError(
            f"{folder} has no export for {wish}{made}. Make it: textgraft export {folder} --runtime "
            f"{wish.partition('-')[0]}"
        )
    right = [export for export in wanted if not lacking(export.needs)]
    runnable = [export for export in right if installed(export.runtime)]
    usable_weights = manifest.weights and installed("torch")
    if not right:
        needs = listed(wanted[0].needs).upper()
        lack = f"its export {wanted[0]} needs {needs}, which this processor does not have"
        if wish == "auto" and usable_weights:
            return Opened(note=f"Computed from the model's own weights: {lack}.")
        again = "the model again, without --full-range, or take the runtime 'torch'"
        if not manifest.weights:
            again = "the model that it was made from again, without --full-range"
        raise ArtifactError(f"{folder}: {lack}, so that it would answer otherwise than the model does. Export {again}.")
    if not runnable and usable_weights:
        return Opened()
    if not runnable:
        check_runtime(right[0].runtime)
    if len(runnable) == 1:
        return Opened(_open(folder, runnable[0]), str(runnable[0]))
    return _fastest(folder, manifest, runnable)


def _open(folder: Path, export: Export) -> Runtime:
    return open_runtime(export.runtime, export.precision, folder, export.files)


def _fastest(folder: Path, manifest: Manifest, exports: Sequence[Export]) -> Opened:
    """The export that this machine runs fastest: as remembered, or measured for half a second."""
    key = _key(manifest, exports)
    remembered = _read_memory().get(key)
    for export in exports:
        if remembered and str(export) == remembered.get("chosen"):
            return Opened(_open(folder, export), str(export), f"{_sentence(remembered)} (measured earlier).")
    best: tuple[float, Runtime, Export] | None = None
    rates: dict[str, float] = {}
    for export in exports:
        runtime = _open(folder, export)
        rate = _tokens_per_second(runtime, SECONDS / len(exports))
        rates[str(export)] = round(rate)
        if best is None or rate > best[0]:
            best = rate, runtime, export
    assert best is not None
    choice: Choice = {"chosen": str(best[2]), "tokens_per_second": rates}
    # A cache that cannot be written to means another measurement the next time.
    with suppress(OSError), whole_file(cache_folder() / MEMORY, durable=False) as part:
        choices = {**_read_memory(), key: choice}
        part.write_text(json.dumps({"sum": _sum(choices), "choices": choices}), "utf-8")
    return Opened(best[1], str(best[2]), f"{_sentence(choice)}.")


def _sentence(choice: Choice) -> str:
    measured = ", ".join(f"{name} {rate:,.0f}" for name, rate in choice["tokens_per_second"].items())
    return f"Computed by {choice['chosen']}, the fastest export here; tokens/s: {measured}"


def _tokens_per_second(runtime: Runtime, seconds: float) -> float:
    """By the fastest of the runs that fit into ``seconds``; at least one after the first, which is slower."""
    ids = np.ones((ROWS, TOKENS), np.int64)
    runtime.run(ids, None)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        runtime.run(ids, None)
        times.append(time.perf_counter() - start)
    return ids.size / min(times)


def _key(manifest: Manifest, exports: Sequence[Export]) -> str:
    """All that speed depends on: the files, the libraries, the threads."""
    from importlib import metadata

    hashes = [manifest.files[name].get("sha256") for export in exports for name in export.files]
    releases = []
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            releases.append(f"{package} {metadata.version(package)}")
    return hashlib.sha256(repr((hashes, releases, threads())).encode()).hexdigest()[:32]


def _read_memory() -> dict[str, Choice]:
    """What was measured here; a file that is damaged is deleted, and it is said."""
    path = cache_folder() / MEMORY
    if not os.path.lexists(path):
        return {}
    try:
        content = read_json(path, most=MOST_MEMORY)
    except ArtifactError:
        content = None
    choices = content.get("choices") if isinstance(content, dict) else None
    if isinstance(choices, dict) and content.get("sum") == _sum(choices) and all(map(_is_choice, choices.values())):
        return choices
    progress.say(f"{path}, which remembers how fast exports are here, is damaged; they are measured again.")
    with suppress(OSError):
        path.unlink()
    return {}


def _sum(choices: dict[str, Choice]) -> int:
    return zlib.crc32(json.dumps(choices, sort_keys=True).encode())


def _is_choice(choice: Any) -> bool:
    if not isinstance(choice, dict) or choice.keys() != {"chosen", "tokens_per_second"}:
        return False
    rates = choice["tokens_per_second"]
    right = isinstance(rates, dict) and all(is_number(rate, 0, math.inf) for rate in rates.values())
    return right and isinstance(choice["chosen"], str) and choice["chosen"] in rates


def _has_gpu() -> bool:
    """Whether torch would compute on a GPU; torch is only asked where a driver is there."""
    if not Path("/dev/nvidiactl").exists() or not installed("torch"):
        return False
    import torch

    return torch.cuda.is_available()
