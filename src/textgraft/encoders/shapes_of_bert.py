"""The weights that a BERT or DistilBERT has, by the names of transformers, and their shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textgraft.errors import EncoderError
from textgraft.json_files import is_whole
from textgraft.unicode import quoted

Shapes = dict[str, tuple[int, ...]]
MOST_LAYERS = 1_000
FAMILIES = ("bert", "distilbert")


def shapes_of(config: dict[str, Any], path: Path) -> Shapes:
    """Names and shapes of an encoder's weights; those of a pooler too, which may be missing.

    Args:
        config: the content of ``config.json``.
        path: of the weights, for messages.

    Raises:
        EncoderError: it is of another family, or does not say how large the network is.
    """
    family = config.get("model_type")
    if family not in FAMILIES:
        raise EncoderError(
            f"{path} is of the family {quoted(str(family))}; of TensorFlow's and Keras' weights those of BERT and "
            "DistilBERT are read. Load it with the transformers 4 that wrote it and save it as safetensors."
        )
    if family == "bert":
        names = ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "max_position_embeddings")
        width, inner, layers, words, positions = (_whole(config, name, path) for name in names)
        kinds = _whole(config | {"type_vocab_size": config.get("type_vocab_size", 2)}, "type_vocab_size", path)
        linear = {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
            "attention.output.dense": (width, width),
            "intermediate.dense": (inner, width),
            "output.dense": (width, inner),
        }
        norms, layer = ("attention.output.LayerNorm", "output.LayerNorm"), "encoder.layer"
        whole: Shapes = {"embeddings.token_type_embeddings.weight": (kinds, width)}
        pooler: Shapes = {"pooler.dense.weight": (width, width), "pooler.dense.bias": (width,)}
    else:
        names = ("dim", "hidden_dim", "n_layers", "vocab_size", "max_position_embeddings")
        width, inner, layers, words, positions = (_whole(config, name, path) for name in names)
        linear = {f"attention.{name}_lin": (width, width) for name in ("q", "k", "v", "out")}
        linear |= {"ffn.lin1": (inner, width), "ffn.lin2": (width, inner)}
        norms, layer = ("sa_layer_norm", "output_layer_norm"), "transformer.layer"
        whole, pooler = {}, {}
    shapes: Shapes = {
        "embeddings.word_embeddings.weight": (words, width),
        "embeddings.position_embeddings.weight": (positions, width),
        **whole,
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    if layers > MOST_LAYERS:
        raise EncoderError(f"The config.json beside {path} asks for {layers:,} layers; at most {MOST_LAYERS:,} can be.")
    for i in range(layers):
        for name, shape in linear.items():
            shapes |= {f"{layer}.{i}.{name}.weight": shape, f"{layer}.{i}.{name}.bias": shape[:1]}
        for name in norms:
            shapes |= {f"{layer}.{i}.{name}.weight": (width,), f"{layer}.{i}.{name}.bias": (width,)}
    return shapes | pooler


def _whole(config: dict[str, Any], name: str, path: Path) -> int:
    value = config.get(name)
    if not is_whole(value, 1):
        raise EncoderError(f"The config.json beside {path} does not say {name}, a whole number of at least 1.")
    return value
