"""A model directory written anew around files that stay, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from textgraft.errors import ArtifactError
from textgraft.model_directory.card import write_card
from textgraft.model_directory.files import description
from textgraft.model_directory.manifest import CARD, Manifest, read_manifest
from textgraft.model_directory.method import MethodFacts
from textgraft.model_directory.saving import new_directory
from textgraft.whole import link


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
        for name in sorted(earlier.files.keys() - without - {path.name for path in new} - {CARD}):
            (link if to == place else shutil.copyfile)(place / name, folder / name)
            files[name] = earlier.files[name]
        for path in new:
            moved = path.rename(folder / path.name)
            files[moved.name] = description(moved)
        manifest = replace(manifest, files=dict(sorted(files.items())))
        manifest = write_card(manifest, facts, folder, to.absolute().name, [to, place])
        manifest.write(folder)
        _check_unchanged(place, earlier)


def _check_unchanged(place: Path, earlier: Manifest) -> None:
    if read_manifest(place) != earlier:
        raise ArtifactError(f"{place} was saved anew meanwhile; nothing was changed. Do it again.")
