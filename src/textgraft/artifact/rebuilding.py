"""A model directory written anew around files that stay, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from textgraft.errors import ArtifactError
from textgraft.model_directory.card import FILE as CARD
from textgraft.model_directory.card import card, write_card
from textgraft.model_directory.files import description
from textgraft.model_directory.manifest import FILE, Manifest, read_manifest
from textgraft.model_directory.method import MethodFacts
from textgraft.model_directory.saving import new_directory


def rebuild(
    place: Path,
    earlier: Manifest,
    manifest: Manifest,
    facts: MethodFacts,
    *,
    without: Collection[str],
    added: Path,
    to: Path,
) -> None:
    """Writes a model directory anew, whole or not at all: files of ``place``, further ones and another manifest.

    Args:
        place: a model directory.
        earlier: its manifest as it was read.
        manifest: the new one; ``files`` is set here.
        facts: of its method, for the card.
        without: names of files that are left out.
        added: a folder of files that are new, or take the place of others of the same name; it is emptied.
        to: where to, which may be ``place`` itself. Files that stay there are the same ones (hard links) where the
            file system has such; another directory has its own.

    Raises:
        ArtifactError: it cannot be written, or ``place`` was changed since ``earlier`` was read.
    """
    _check_unchanged(place, earlier)
    with new_directory(to) as folder:
        files = {}
        new = sorted(added.iterdir())
        for name in sorted(earlier.files.keys() - without - {path.name for path in new}):
            # The card is written to below, and what is linked must not be.
            _same(place / name, folder / name, linked=to == place and name != CARD)
            files[name] = earlier.files[name]
        for path in new:
            moved = path.rename(folder / path.name)
            files[moved.name] = description(moved)
        written = replace(manifest, files=files)
        _write_card(place, earlier, written, facts, folder, to.absolute().name)
        files[CARD] = description(folder / CARD)
        (folder / FILE).write_text(replace(manifest, files=dict(sorted(files.items()))).to_json(), "utf-8")
        _check_unchanged(place, earlier)


def _check_unchanged(place: Path, earlier: Manifest) -> None:
    if read_manifest(place) != earlier:
        raise ArtifactError(f"{place} was saved anew while it was exported; nothing was changed. Export it again.")


def _write_card(
    place: Path, earlier: Manifest, manifest: Manifest, facts: MethodFacts, folder: Path, name: str
) -> None:
    """Writes the model card anew, unless somebody has edited it."""
    path = folder / CARD
    if path.exists() and path.read_text("utf-8") == card(earlier, facts, place, place.absolute().name):
        path.unlink()
    write_card(manifest, facts, folder, name)


def _same(source: Path, copy: Path, *, linked: bool) -> None:
    if linked:
        try:
            copy.hardlink_to(source)
        except OSError:  # not every file system has links
            pass
        else:
            return
    shutil.copyfile(source, copy)
