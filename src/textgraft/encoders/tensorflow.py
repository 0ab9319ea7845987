"""Weights of BERT and DistilBERT that TensorFlow or Keras wrote, as an encoder like any other; neither is needed.

Two layouts are known:

- ``tf_model.h5``, of the TensorFlow classes that transformers had until its release 5, and what ``save_weights`` of
  these classes wrote in HDF5. A name begins with the layer of the model and the name of the model:
  ``bert/tf_bert_model/bert/encoder/layer_._0/attention/self/query/kernel:0``.
- ``model.weights.h5`` of a KerasHub preset, whose ``config.json`` names its ``BertBackbone`` or ``DistilBertBackbone``:
  ``layers/transformer_encoder_1/_self_attention_layer/query_dense/vars/0``.

A dense layer's matrix stands transposed in both. The weights are written once into the cache as safetensors, beside the
configuration and the tokenizer, and from there on nothing differs from other encoders.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textgraft import progress
from textgraft.cache import check_seal, made, reason, seal
from textgraft.digests import known_sha256
from textgraft.encoders import keras_hub
from textgraft.encoders.h5_file import read_h5
from textgraft.encoders.shapes_of_bert import shapes_of
from textgraft.errors import ArtifactError, EncoderError, listed
from textgraft.json_files import read_json
from textgraft.limits import MODEL_BYTES
from textgraft.unicode import quoted, quoted_path
from textgraft.whole import whole_folder

FILES = ("tf_model.h5", keras_hub.WEIGHTS)
HUB_FILES = (*FILES, keras_hub.VOCABULARY)
COPIED = {".json", ".txt", ".model"}
MOST_BESIDE = 1 << 28  # bytes of a file that is copied
LAST = {"kernel": "weight", "embeddings": "weight", "gamma": "weight", "beta": "bias"}
# What the weights of a whole model hold besides its encoder. A classifier's head is kept, others are left out.
HEADS = re.compile(r"(pre_)?classifier\.(weight|bias)")
LEFT_OUT = re.compile(r"(cls\.|qa_outputs\.|vocab_(transform|layer_norm|projector)\.|optimizer)")

Weights = dict[str, NDArray[np.float32]]


def weights_file(folder: Path) -> Path | None:
    """The file of a folder that TensorFlow or Keras wrote; None where there is none."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def converted(name: str, path: Path) -> Path:
    """A folder of the cache with the encoder whose weights are in ``path``, as safetensors.

    Args:
        name: of the encoder, for messages.
        path: from ``weights_file``; the configuration and the tokenizer are beside it.

    Raises:
        MissingExtraError: h5py is not installed.
        EncoderError: it is not a BERT or DistilBERT; weights are missing, unknown or of another shape; or it cannot be
            written.
    """
    folder = path.parent
    if sentence := MODEL_BYTES.exceeded(path.stat().st_size, f"bytes of {path}"):
        raise EncoderError(sentence)
    beside = [file for file in sorted(folder.iterdir()) if file.suffix in COPIED and file.is_file()]
    beside = [file for file in beside if file.stat().st_size <= MOST_BESIDE]
    if (vocabulary := folder / keras_hub.VOCABULARY).is_file():
        beside.append(vocabulary)
    digests = "".join(f"{file.relative_to(folder)}:{known_sha256(file)}" for file in [path, *beside])
    key = f"{path.stem.partition('.')[0]}-{hashlib.sha256(digests.encode()).hexdigest()[:24]}"

    def find_or_write(place: Path) -> Path:
        if place.is_dir():
            try:
                check_seal(place)
            except ValueError:
                progress.say(f"{place} is damaged and is written anew.")
            else:
                return place
        with whole_folder(place) as part:
            _write(name, path, beside, part)
            seal(part, key)
        return place

    try:
        found, sentence = made(f"encoders/{key}", find_or_write)
    except OSError as error:
        raise EncoderError(f"The weights in {path} cannot be written as safetensors ({reason(error)}).") from error
    if sentence:
        progress.say(sentence)
    return found


def _write(name: str, path: Path, beside: list[Path], part: Path) -> None:
    from safetensors.numpy import save_file

    try:
        content = read_json(path.parent / "config.json", most=1 << 25)
    except ArtifactError as error:
        raise EncoderError(str(error)) from None
    if not isinstance(content, dict):
        raise EncoderError(f"{path.parent / 'config.json'} is not the configuration of an encoder.")
    progress.say(f"Reading the weights of {name} that TensorFlow or Keras wrote, once for all.")
    backbone = keras_hub.backbone(content)
    config = content if backbone is None else keras_hub.configuration(backbone, path)
    expected = shapes_of(config, path)
    arrays = read_h5(path)
    read = _renamed(arrays, path) if backbone is None else keras_hub.renamed(arrays, backbone)
    weights, heads = _accounted_for(read, expected, str(config["model_type"]), path)
    prefix = f"{config['model_type']}."
    tensors = {prefix + key: value for key, value in weights.items()} | heads
    whole = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    save_file(whole, part / "model.safetensors", {"format": "pt"})
    if backbone is not None:
        (part / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        (part / "tokenizer.json").write_text(json.dumps(keras_hub.tokenizer(path.parent), ensure_ascii=False), "utf-8")
        return
    for file in beside:
        shutil.copyfile(file, part / file.name)


def _renamed(arrays: Mapping[str, NDArray[np.float32]], path: Path) -> Weights:
    """Weights by the names that PyTorch has, turned as it has them; what several layers share stands there once.

    Raises:
        EncoderError: a shared weight is not the same everywhere.
    """
    weights: Weights = {}
    for full, array in arrays.items():
        parts = full.removesuffix(":0").replace("_._", "/").split("/")
        parts = [part.rpartition("___")[2] for part in parts if part]
        # The layer as the file has it, and the name of the model.
        inner = parts[2:] if len(parts) > 3 else parts[1:]
        value = array.T if inner[-1] == "kernel" else array
        name = ".".join([*inner[:-1], LAST.get(inner[-1], inner[-1])])
        if name in weights and not np.array_equal(weights[name], value):
            raise EncoderError(f"{path} holds {quoted(name)} twice, with other numbers; save the checkpoint again.")
        weights[name] = value
    return weights


def _accounted_for(
    read: Weights, expected: Mapping[str, tuple[int, ...]], family: str, path: Path
) -> tuple[Weights, Weights]:
    """The encoder's weights by their names without the family's, and those of a classification head.

    Raises:
        EncoderError: weights are missing, unknown, or of another shape.
    """
    prefix = f"{family}."
    heads = {name: value for name, value in read.items() if HEADS.fullmatch(name)}
    rest = {name: value for name, value in read.items() if name not in heads}
    left_out = sorted(name for name in rest if LEFT_OUT.match(name))
    weights = {name.removeprefix(prefix): value for name, value in rest.items() if name not in left_out}
    optional = {name for name in expected if name.startswith("pooler.")}
    missing = [name for name in expected if name not in weights and name not in optional]
    unknown = sorted(weights.keys() - expected.keys())
    shapes = [
        f"{name} is {_size(value.shape)} and should be {_size(expected[name])}"
        for name, value in weights.items()
        if name in expected and value.shape != expected[name]
    ]
    faults = {"lacks": missing, "has besides": unknown, "has weights of another shape": shapes}
    said = "; ".join(f"it {what}: {listed(names, 3)}" for what, names in faults.items() if names)
    if said:
        raise EncoderError(
            f"The weights in {quoted_path(str(path))} are not those of the {family} in its config.json: {said}. Take "
            "the files of one checkpoint."
        )
    if left_out:
        progress.say(f"Left out of {path.name}, since an encoder has no use for it: {listed(left_out, 3)}.")
    if optional - weights.keys():
        progress.say(f"{path.name} has no pooler; one that is trained with a head begins anew.")
    return {name: weights[name] for name in expected if name in weights}, dict(sorted(heads.items()))


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
