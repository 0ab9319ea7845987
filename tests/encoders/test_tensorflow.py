from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import textgraft as tg
from textgraft.encoders import Encoder
from textgraft.encoders.sources import resolve
from textgraft.errors import EncoderError, MissingExtraError

from .families import save_family

torch = pytest.importorskip("torch")
h5py = pytest.importorskip("h5py")

TEXTS = ["the film was great", "a bad book", "not a good game of the goal", "film"]
SCOPES = {"bert": "tf_bert_for_sequence_classification", "distilbert": "tf_distil_bert_for_sequence_classification"}


def tf_name(name: str) -> str:
    """What TensorFlow's classes called a weight: a level for each dot, lists as ``layer_._0``."""
    *outer, last = re.sub(r"\.layer\.(\d+)", r".layer_:_\1", name).split(".")
    norm = "norm" in outer[-1].lower()
    if outer[-1] == "word_embeddings":
        last = "weight"
    elif outer[-1].endswith("_embeddings"):
        last = "embeddings"
    elif norm:
        last = {"weight": "gamma", "bias": "beta"}[last]
    else:
        last = {"weight": "kernel", "bias": "bias"}[last]
    return "/".join([*outer, last]).replace("_:_", "_._") + ":0"


def write_tensorflow(network: Any, path: Path) -> None:
    """The weights of a network as transformers' classes for TensorFlow wrote them."""
    with h5py.File(path, "w") as file:
        for name, value in network.state_dict().items():
            if name.endswith("position_ids"):
                continue
            called = tf_name(name)
            array = value.numpy().T if called.endswith("kernel:0") else value.numpy()
            file[f"{name.split('.')[0]}/{SCOPES[network.config.model_type]}/{called}"] = array


@pytest.fixture(scope="module", params=["bert", "distilbert"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An encoder with a head for two labels: as safetensors, and as TensorFlow would have written it."""
    from transformers import AutoModelForSequenceClassification

    original = save_family(request.param, tmp_path_factory.mktemp("original"))
    torch.manual_seed(1)
    network = AutoModelForSequenceClassification.from_pretrained(original, num_labels=2)
    with torch.no_grad():
        for parameter in network.parameters():  # no norm is all ones, no bias all zeros
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.save_pretrained(original)
    copy = tmp_path_factory.mktemp("tensorflow")
    for file in original.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, copy / file.name)
    write_tensorflow(network, copy / "tf_model.h5")
    return original, copy


def test_weights_of_tensorflow_give_the_same_vectors(written: tuple[Path, Path]) -> None:
    original, copy = written
    expected = Encoder(str(original), cache=False, precision="fp32").encode(TEXTS)
    np.testing.assert_array_equal(Encoder(str(copy), cache=False, precision="fp32").encode(TEXTS), expected)
    (weights,) = resolve(str(copy)).weights()
    made = weights.stat().st_mtime_ns
    (again,) = resolve(str(copy)).weights()
    assert (again, again.stat().st_mtime_ns) == (weights, made)  # from the cache


def test_the_head_of_a_classifier_comes_along_and_it_is_fine_tuned(written: tuple[Path, Path], tmp_path: Path) -> None:
    from textgraft.finetuning.loading import load_with_head
    from textgraft.task import Task

    original, copy = written
    task, ids = Task(("a", "b")), torch.tensor([[0, 1, 2, 3]])
    networks = [load_with_head(resolve(str(place)), task, seed).eval() for seed, place in enumerate((original, copy))]
    logits = [network(input_ids=ids).logits for network in networks]
    torch.testing.assert_close(logits[0], logits[1], atol=0, rtol=0)
    model = tg.FineTunedClassifier(str(copy), epochs=1).fit(TEXTS * 5, ["a", "b", "a", "b"] * 5)
    place = model.save(tmp_path / "model")
    np.testing.assert_allclose(tg.load(place).predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)


def changed(copy: Path, folder: Path, change: Any) -> str:
    shutil.copytree(copy, folder, dirs_exist_ok=True)
    with h5py.File(folder / "tf_model.h5", "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, held: names.append(name) if isinstance(held, h5py.Dataset) else None)
        change(file, sorted(name for name in names if "layer_._0" in name and name.endswith("bias:0")))
    with pytest.raises(EncoderError) as caught:
        resolve(str(folder))
    return str(caught.value)


def test_weights_that_do_not_go_with_the_configuration_are_named(written: tuple[Path, Path], tmp_path: Path) -> None:
    copy = written[1]

    def remove(file: Any, names: list[str]) -> None:
        del file[names[3]]

    def add(file: Any, names: list[str]) -> None:
        file[names[3].replace("layer_._0", "layer_._7")] = np.zeros(3, np.float32)

    def cut(file: Any, names: list[str]) -> None:
        value = file[names[3]][()]
        del file[names[3]]
        file[names[3]] = value[:-1]

    def twice(file: Any, names: list[str]) -> None:
        _, rest = names[3].split("/", 1)
        file[f"mlm___cls/{rest}"] = file[names[3]][()] + 1

    assert "it lacks: " in changed(copy, tmp_path / "a", remove)
    assert "it has besides: " in changed(copy, tmp_path / "b", add)
    assert " and should be " in changed(copy, tmp_path / "c", cut)
    assert " twice, with other numbers" in changed(copy, tmp_path / "d", twice)


def test_a_file_that_does_more_than_hold_numbers_is_refused(written: tuple[Path, Path], tmp_path: Path) -> None:
    copy = written[1]
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.zeros(3, np.float32)

    def link(file: Any, names: list[str]) -> None:
        del file[names[0]]
        file[names[0]] = h5py.ExternalLink(secret, "x")

    def outside(file: Any, names: list[str]) -> None:
        del file[names[0]]
        file.create_dataset(names[0], (32,), np.float32, external=[(str(secret), 0, 128)])

    def bomb(file: Any, names: list[str]) -> None:
        file.create_dataset("zeros", (1 << 40,), np.float32, chunks=(1 << 20,), compression="gzip")

    def strings(file: Any, names: list[str]) -> None:
        file["words"] = np.array([b"a", b"b"])

    def circle(file: Any, names: list[str]) -> None:
        file["again"] = file["/"]

    assert "is a link to elsewhere" in changed(copy, tmp_path / "a", link)
    assert "names another file" in changed(copy, tmp_path / "b", outside)
    assert "packed or in pieces" in changed(copy, tmp_path / "c", bomb)
    assert "weights are float16" in changed(copy, tmp_path / "d", strings)
    assert "larger than the file" in changed(copy, tmp_path / "e", circle)
    (tmp_path / "e" / "tf_model.h5").write_bytes(b"no HDF5")
    with pytest.raises(EncoderError, match="cannot be read as weights in HDF5"):
        resolve(str(tmp_path / "e"))


def test_other_families_and_a_missing_library_are_said(
    written: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(written[1], tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))
    with pytest.raises(EncoderError, match="those of BERT and DistilBERT are read"):
        resolve(str(tmp_path))
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "config.json").write_text(json.dumps(config | {"note": "not yet in the cache"}))
    with pytest.raises(MissingExtraError, match=r'pip install "textgraft\[keras\]"'):
        resolve(str(tmp_path))


HUB_LAYER = {
    "attention.self.query": "_self_attention_layer/query_dense",
    "attention.self.key": "_self_attention_layer/key_dense",
    "attention.self.value": "_self_attention_layer/value_dense",
    "attention.output.dense": "_self_attention_layer/output_dense",
    "attention.output.LayerNorm": "_self_attention_layer_norm",
    "intermediate.dense": "_feedforward_intermediate_dense",
    "output.dense": "_feedforward_output_dense",
    "output.LayerNorm": "_feedforward_layer_norm",
}
HUB_ALONE = {
    "embeddings.word_embeddings": "reversible_embedding",
    "embeddings.position_embeddings": "position_embedding",
    "embeddings.token_type_embeddings": "embedding",
    "embeddings.LayerNorm": "layer_normalization",
    "pooler.dense": "dense",
}


def write_hub(network: Any, words: list[str], folder: Path) -> None:
    """A BERT as KerasHub saves a preset: attention has a dimension for its heads."""
    config = network.config
    heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    (folder / "assets" / "tokenizer").mkdir(parents=True)
    (folder / "assets" / "tokenizer" / "vocabulary.txt").write_text("\n".join(words) + "\n")
    settings = {
        "vocabulary_size": config.vocab_size,
        "num_layers": config.num_hidden_layers,
        "num_heads": heads,
        "hidden_dim": config.hidden_size,
        "intermediate_dim": config.intermediate_size,
        "dropout": 0.1,
        "max_sequence_length": config.max_position_embeddings,
        "num_segments": config.type_vocab_size,
    }
    (folder / "config.json").write_text(json.dumps({"class_name": "BertBackbone", "config": settings}))
    (folder / "tokenizer.json").write_text(json.dumps({"class_name": "BertTokenizer", "config": {"lowercase": True}}))
    with h5py.File(folder / "model.weights.h5", "w") as file:
        for name, value in network.state_dict().items():
            part, _, last = name.rpartition(".")
            array = value.numpy()
            if part.startswith("encoder.layer."):
                _, _, number, inner = part.split(".", 3)
                place = "transformer_encoder" + (f"_{number}" if number != "0" else "") + f"/{HUB_LAYER[inner]}"
            else:
                inner, place = part, HUB_ALONE[part]
            if last == "weight" and "embeddings" not in inner and "Norm" not in inner:
                array = array.T
            if inner.startswith("attention.self"):
                array = array.reshape(*array.shape[:-1], heads, size)
            elif inner == "attention.output.dense" and last == "weight":
                array = array.reshape(heads, size, -1)
            file[f"layers/{place}/vars/{0 if last == 'weight' else 1}"] = array


def test_a_preset_of_keras_hub_gives_the_same_states(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "film", "##s", "was", "great"]
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=64, hidden_act="gelu_new", **sizes)
    torch.manual_seed(0)
    network = BertModel(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    write_hub(network, words, tmp_path)
    encoder = Encoder(str(tmp_path), cache=False, precision="fp32")
    ids = torch.tensor([[2, 5, 7, 8, 9, 10, 3]])  # [CLS] the film ##s was great [SEP]
    with torch.no_grad():
        expected = network(input_ids=ids).last_hidden_state.mean(dim=1).numpy()
    np.testing.assert_allclose(encoder.encode(["The films was GREAT"]), expected, atol=1e-6)

    content = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(content | {"class_name": "GemmaBackbone"}))
    with pytest.raises(EncoderError, match="GemmaBackbone"):
        resolve(str(tmp_path))
