from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.cache import cache_folder
from textgraft.digests import file_sha256
from textgraft.encoders import EMBEDDED, Encoder, resolve
from textgraft.encoders.embedded import Embedded, Package
from textgraft.encoders.pieces import Joined, unpack
from textgraft.errors import EncoderError

NAME = "in-pieces"


def carry(encoder: Path, place: Path, n: int = 3) -> Embedded:
    """An encoder as a zip archive in ``n`` pieces, each in a package of its own, in a folder of the import path."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(encoder.iterdir()):
            archive.write(file, f"model/{file.name}")
        archive.writestr("model/1_Pooling/config.json", "{}")
    content = packed.getvalue()
    size = -(-len(content) // n)
    for i in range(n):
        package = place / f"piece-{i}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit('nothing of a package is run')")
        (package / "part").write_bytes(content[i * size : (i + 1) * size])
    return Embedded(
        tuple(Package(f"piece-{i}==1.0", f"piece-{i}", "part") for i in range(n)),
        extra="pieces",
        sha256={name: file_sha256(encoder / name) for name in ("config.json", "model.safetensors", "tokenizer.json")},
        licence="mit",
        hub="",
        unpack=unpack,
    )


@pytest.fixture
def pieces(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that hold the pieces of the encoder NAME."""
    place = tmp_path / "site"
    monkeypatch.setitem(EMBEDDED, NAME, carry(tiny_encoder, place))
    monkeypatch.syspath_prepend(place)
    return place


def test_changed_weights_of_an_embedded_encoder_are_refused(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "foreign_weights"
    shutil.copytree(tiny_encoder, package / "model")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    source = EMBEDDED["all-MiniLM-L6-v2"]
    changed = replace(source, packages=(replace(source.packages[0], module="foreign_weights"),))
    monkeypatch.setitem(EMBEDDED, "all-MiniLM-L6-v2", changed)
    with pytest.raises(EncoderError, match=r"are not the published ones: the sha256 of .* is .*, expected 53aa"):
        resolve("all-MiniLM-L6-v2")


def test_an_encoder_in_pieces_is_the_one_that_was_cut_up(pieces: Path, tiny_encoder: Path) -> None:
    texts = ["good film", "bad book"]
    whole = Encoder(str(tiny_encoder), cache=False, precision="fp32").encode(texts)
    joined = Encoder(NAME, cache=False, precision="fp32")
    np.testing.assert_array_equal(joined.encode(texts), whole)
    assert sorted(path.name for path in joined.files.folder.iterdir()) == sorted(EMBEDDED[NAME].sha256)


def test_once_joined_the_pieces_are_not_needed(pieces: Path) -> None:
    first = resolve(NAME)
    shutil.rmtree(pieces)
    assert resolve(NAME).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("gone", "count", "names"), [((1,), 1, "piece-1==1.0"), ((0, 2), 2, "piece-0==1.0 piece-2==1.0")]
)
def test_missing_pieces_are_named_with_the_line_that_brings_them(
    pieces: Path, gone: tuple[int, ...], count: int, names: str
) -> None:
    for i in gone:
        shutil.rmtree(pieces / f"piece-{i}")
    with pytest.raises(
        EncoderError, match=rf"of which {count} are not installed \(.*textgraft\[pieces\].*pip install {names}\)"
    ):
        resolve(NAME)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.999])
def test_damaged_pieces_are_refused_and_nothing_is_kept(pieces: Path, at: float) -> None:
    part = pieces / "piece-1" / "part"
    content = bytearray(part.read_bytes())
    content[int(at * len(content))] ^= 0xFF
    part.write_bytes(content)
    with pytest.raises(EncoderError, match=r"damaged|not the published ones"):
        resolve(NAME)
    assert not list((cache_folder() / "encoders").glob("*"))


def test_a_piece_cut_short_is_refused(pieces: Path) -> None:
    part = pieces / "piece-2" / "part"
    part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(EncoderError, match="is damaged"):
        resolve(NAME)


def test_a_package_without_its_piece_is_said(pieces: Path) -> None:
    (pieces / "piece-1" / "part").unlink()
    with pytest.raises(
        EncoderError, match=r"lacks .*part, which its package should hold.*--force-reinstall piece-1==1.0"
    ):
        resolve(NAME)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_damage_in_the_cache_is_mended(pieces: Path, file: str) -> None:
    before = resolve(NAME)
    (before.folder / file).write_bytes(b"{}")
    assert resolve(NAME).fingerprint == before.fingerprint


def test_an_archive_that_gives_more_than_a_model_may_have_is_not_unpacked(
    pieces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTGRAFT_MOST_MODEL_BYTES", "1000")
    with pytest.raises(EncoderError, match=r"bytes in the archive .* are more than the 1,000 that are taken"):
        resolve(NAME)


def test_a_full_disk_is_a_sentence(pieces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> OSError:
        return OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("textgraft.encoders.pieces.no_room", full)
    with pytest.raises(EncoderError, match=r"cannot be unpacked in .*No space left on device.*TEXTGRAFT_CACHE"):
        resolve(NAME)


OPEN = f"""
import sys, pickle, textgraft.encoders.embedded as room
from textgraft.encoders import resolve
room.EMBEDDED["{NAME}"] = pickle.loads(bytes.fromhex(sys.argv[1]))
"""


def start(pieces: Path, code: str) -> subprocess.Popen[str]:
    import pickle

    path = os.pathsep.join([str(pieces), *sys.path])
    words = [sys.executable, "-c", OPEN + code, pickle.dumps(EMBEDDED[NAME]).hex()]
    return subprocess.Popen(words, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True)


def test_one_killed_while_it_unpacks_leaves_nothing_that_counts(pieces: Path) -> None:
    killed = start(
        pieces,
        f"""
import os, signal
room._check = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
resolve("{NAME}")
""",
    )
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert [path.suffix for path in (cache_folder() / "encoders").iterdir()] == [".part"]
    files = resolve(NAME)
    assert list((cache_folder() / "encoders").iterdir()) == [files.folder]


def test_two_processes_may_unpack_at_once(pieces: Path) -> None:
    runs = [start(pieces, f"print(resolve('{NAME}').fingerprint)") for _ in range(2)]
    said = {run.communicate()[0] for run in runs}
    assert said == {resolve(NAME).fingerprint + "\n"}


@given(st.lists(st.binary(max_size=7), min_size=1, max_size=5), st.data())
def test_joined_files_read_as_their_concatenation(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("joined")
    paths = [folder / str(i) for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    whole = io.BytesIO(b"".join(contents))
    joined = io.BufferedReader(Joined(paths))
    for _ in range(5):
        at, n = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
        joined.seek(at), whole.seek(at)
        assert joined.read(n) == whole.read(n)
        assert joined.tell() == whole.tell()


def test_all_mpnet_base_v2_is_the_published_model() -> None:
    if any(package.place is None for package in EMBEDDED["all-mpnet-base-v2"].packages):
        pytest.skip("needs the packages of the extra mpnet")
    encoder = Encoder("all-mpnet-base-v2", cache=False, precision="fp32")
    assert (encoder.files.width, encoder.max_tokens, encoder.files.positions) == (768, 384, 512)
    vectors = encoder.encode(["A man is eating food.", "A man eats a meal.", "Stocks fell."])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[1] > 0.9
    assert vectors[0] @ vectors[2] < 0.1
