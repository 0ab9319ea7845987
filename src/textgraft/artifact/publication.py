"""What of a model directory is published: what loading needs, and nothing that texts could be read or guessed from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from textgraft.encoders.embedded import EMBEDDED
from textgraft.encoders.sources import may_be_on_hub
from textgraft.errors import ArtifactError, SettingError
from textgraft.methods.registry import method_of
from textgraft.model_directory.card import FILE as CARD
from textgraft.model_directory.card import card, digest, file_name, is_as_written
from textgraft.model_directory.files import check_files
from textgraft.model_directory.manifest import FILE, Manifest, read_manifest
from textgraft.model_directory.method import MethodFacts
from textgraft.model_directory.seen import FILE as SEEN
from textgraft.model_directory.sketch import FILE as SKETCH
from textgraft.unicode import quoted_path
from textgraft.wording import counted, megabytes

NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
PUBLIC = {".json", ".safetensors", ".onnx", ".xml"}  # besides them OpenVINO's .bin; texts are in .jsonl


@dataclass(frozen=True)
class Publication:
    """The files of a model as others will see them.

    Attributes:
        name: ``"user/name"`` on the Hub.
        written: files that are written for it, by name: the manifest and the card.
        copied: files that are taken as they are, by name, with their bytes.
        stay: files of the directory that are not published.
        version: of textgraft, which made the model.
    """

    name: str
    written: Mapping[str, bytes]
    copied: Mapping[str, int]
    stay: tuple[str, ...]
    version: str = ""

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file, by name."""
        return dict(sorted({**{file: len(content) for file, content in self.written.items()}, **self.copied}.items()))

    def __str__(self) -> str:
        sizes = self.sizes
        widest = max(map(len, sizes))
        lines = [f"{self.name}: {counted(len(sizes), 'file')}, {megabytes(sum(sizes.values()))}"]
        lines += [f"  {file:<{widest}}  {size:>11,} bytes" for file, size in sizes.items()]
        if self.stay:
            lines.append(f"Stays here: {', '.join(self.stay)}")
        return "\n".join(lines)


def is_name(name: str | Path) -> bool:
    """Whether ``name`` can be a model of the Hub, as in ``"user/name"``, and is nothing that is or was on this disk."""
    said = name if isinstance(name, str) else name.as_posix()
    return NAME.fullmatch(said) is not None and may_be_on_hub(said)


def publication(directory: str | Path, name: str) -> Publication:
    """What ``push`` publishes of a model directory; nothing is sent, and neither a token nor a network is needed.

    Raises:
        SettingError: a name that the Hub does not take.
        ArtifactError: the directory is damaged, or of use on this machine only.
    """
    if not NAME.fullmatch(name):
        raise SettingError(
            f"name must be of the form 'user/name', in letters, digits, '-', '_' and '.'; got {quoted_path(name)}."
        )
    folder = Path(directory)
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    facts = method_of(manifest, folder).facts
    shown, readme = _with_card(folder, manifest, _public(folder, manifest, facts), facts, name)
    copied = {file: (folder / file).stat().st_size for file in shown.files}
    return Publication(
        name=name,
        written={FILE: shown.to_json().encode(), CARD: readme},
        copied=copied,
        stay=tuple(sorted(set(manifest.files) - set(copied) - {CARD})),
        version=manifest.versions.get("textgraft", ""),
    )


def is_of(kinds: set[str], file: str, files: Iterable[str]) -> bool:
    """Whether a file is of these kinds, or the weights of an OpenVINO network; torch's, which can run code, are not."""
    path = PurePath(file)
    return path.suffix in kinds or (path.suffix == ".bin" and f"{path.stem}.xml" in files)


def _public(folder: Path, manifest: Manifest, facts: MethodFacts) -> Manifest:
    """The manifest as others may see it: without files of texts, and without the names of folders on this machine.

    And without the hashes of texts, of which short ones can be guessed; and without the card, which is for people: on
    the Hub it is edited in place, and loading goes on without it.
    """
    parameters = dict(manifest.parameters)
    encoder = parameters.get("encoder")
    if isinstance(encoder, str) and encoder not in EMBEDDED and not is_name(encoder):
        if not facts.is_encoder and not manifest.exports:  # these have all of it in the directory
            raise ArtifactError(
                f"{folder} reads its encoder from {encoder}, a folder of this machine, so nobody else could load it. "
                "Push that encoder first and train with its name, or fine-tune, which keeps the encoder in the model."
            )
        parameters["encoder"] = file_name(encoder)
    vectors = parameters.get("vectors")
    if isinstance(vectors, str) and not vectors.startswith(("http://", "https://")):
        parameters["vectors"] = file_name(vectors)
    return replace(
        manifest,
        parameters=parameters,
        fitted_on=manifest.fitted_on | {"files": list(map(file_name, manifest.fitted_on["files"]))},
        files={
            file: entry
            for file, entry in manifest.files.items()
            if file not in (SEEN, SKETCH) and is_of(PUBLIC, file, manifest.files)
        },
    )


def _with_card(
    folder: Path, manifest: Manifest, shown: Manifest, facts: MethodFacts, name: str
) -> tuple[Manifest, bytes]:
    """What is published with its model card; or with that in the folder, where its owner has edited it."""
    path = folder / CARD
    if path.is_file() and not is_as_written(manifest, facts, folder):
        return replace(shown, card=None), path.read_bytes()
    content = card(shown, facts, folder, name)
    return replace(shown, card=digest(content)), content.encode()
