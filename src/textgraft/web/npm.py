"""onnxruntime-web, which computes networks in a browser: fetched with npm once, and checked."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from textgraft import progress
from textgraft.cache import REMEDY, cache_folder, made, reason
from textgraft.digests import known_sha256
from textgraft.errors import ExportError
from textgraft.unicode import shown
from textgraft.whole import temporary_folder, whole_folder

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
ARCHIVE: Final = f"{PACKAGE}-{VERSION}.tgz"
SHA256: Final = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_PATIENCE = 900  # seconds for 33 MB


def onnxruntime_files() -> list[Path]:
    """The files of onnxruntime-web that a page loads: from the cache, or of the package that npm fetches.

    The package may have been put into the cache by hand, as npm fetches it.

    Raises:
        ExportError: there is no npm, it cannot fetch the package, the package is another one, or nothing can be
            written.
    """

    def find_or_write(folder: Path) -> Path:
        if not _changed(folder):
            return folder
        with temporary_folder() as passing, whole_folder(folder) as part:
            _unpack(_archive(passing), part)
        return folder

    try:
        folder, sentence = made(f"web/{PACKAGE}-{VERSION}", find_or_write)
    except OSError as error:
        raise ExportError(f"{PACKAGE} cannot be unpacked in {cache_folder()} ({reason(error)}); {REMEDY}.") from error
    if sentence:
        progress.say(sentence)
    return [folder / name for name in SHA256]


def _changed(folder: Path) -> str:
    """The name of a file that is not as it was published; empty where all are."""
    wrong = (
        name for name, sha in SHA256.items() if not (folder / name).is_file() or known_sha256(folder / name) != sha
    )
    return next(wrong, "")


def _archive(folder: Path) -> Path:
    """The package as npm packs it."""
    given = cache_folder() / "web" / ARCHIVE
    if given.is_file():
        return given
    line = f"npm pack {PACKAGE}@{VERSION}"
    elsewhere = f"or fetch it elsewhere with `{line}`, and put {ARCHIVE} into {given.parent}"
    npm = shutil.which("npm")
    if npm is None:
        raise ExportError(
            f"A page that computes a network needs {PACKAGE} {VERSION}, which npm fetches, and there is no npm here. "
            f"Install Node.js, which brings it, {elsewhere}."
        )
    progress.say(f"Fetching {PACKAGE} {VERSION} with npm, once for all.")
    try:
        done = subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
        fault = "" if done.returncode == 0 else next(iter(done.stderr.strip().splitlines()[::-1]), "it says nothing")
    except subprocess.TimeoutExpired:
        fault = f"it took more than {_PATIENCE // 60} minutes"
    if fault or not (folder / ARCHIVE).is_file():
        raise ExportError(
            f"npm could not fetch {PACKAGE} {VERSION} ({shown(fault) or 'it left no file'}). Try `{line}`, {elsewhere}."
        )
    return folder / ARCHIVE


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            for name in SHA256:
                content = tar.extractfile(f"package/dist/{name}")
                assert content is not None  # a member of this name that is no file is none of the package
                (folder / name).write_bytes(content.read())
    except (tarfile.TarError, KeyError, AssertionError, EOFError) as error:
        raise ExportError(f"{archive} is not {PACKAGE} {VERSION}: {error}. Delete it, and export again.") from error
    if name := _changed(folder):
        raise ExportError(
            f"{archive} is not {PACKAGE} {VERSION}: its {name} is another one. Delete it, and export again."
        )
