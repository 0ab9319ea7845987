"""Presets of KerasHub: the weights, settings and words of its BERT and DistilBERT in terms of transformers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import ArtifactError, EncoderError
from textgraft.json_files import is_whole, read_json
from textgraft.unicode import quoted

WEIGHTS = "model.weights.h5"
VOCABULARY = "assets/tokenizer/vocabulary.txt"
BACKBONES = {"BertBackbone": "bert", "DistilBertBackbone": "distilbert"}
MOST_BYTES = 1 << 28  # of a vocabulary
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_VARIABLES = ("weight", "bias")  # of a dense layer or a norm, as transformers calls them, by their places
_ALONE = {
    "bert": {
        "reversible_embedding": "embeddings.word_embeddings",
        "position_embedding": "embeddings.position_embeddings",
        "embedding": "embeddings.token_type_embeddings",
        "layer_normalization": "embeddings.LayerNorm",
        "dense": "pooler.dense",
    },
    "distilbert": {
        "token_and_position_embedding/token_embedding": "embeddings.word_embeddings",
        "token_and_position_embedding/position_embedding": "embeddings.position_embeddings",
        "layer_normalization": "embeddings.LayerNorm",
    },
}
_IN_LAYER = {
    "bert": (
        "encoder.layer",
        {
            "_self_attention_layer/query_dense": "attention.self.query",
            "_self_attention_layer/key_dense": "attention.self.key",
            "_self_attention_layer/value_dense": "attention.self.value",
            "_self_attention_layer/output_dense": "attention.output.dense",
            "_self_attention_layer_norm": "attention.output.LayerNorm",
            "_feedforward_intermediate_dense": "intermediate.dense",
            "_feedforward_output_dense": "output.dense",
            "_feedforward_layer_norm": "output.LayerNorm",
        },
    ),
    "distilbert": (
        "transformer.layer",
        {
            "_self_attention_layer/query_dense": "attention.q_lin",
            "_self_attention_layer/key_dense": "attention.k_lin",
            "_self_attention_layer/value_dense": "attention.v_lin",
            "_self_attention_layer/output_dense": "attention.out_lin",
            "_self_attention_layer_norm": "sa_layer_norm",
            "_feedforward_intermediate_dense": "ffn.lin1",
            "_feedforward_output_dense": "ffn.lin2",
            "_feedforward_layer_norm": "output_layer_norm",
        },
    ),
}
_NAME = re.compile(r"layers/(?:transformer_encoder(?:_(?P<layer>\d+))?/)?(?P<part>.+)/vars/(?P<place>[01])")


def backbone(content: dict[str, Any]) -> dict[str, Any] | None:
    """The settings in a preset's ``config.json``; None where it is none of KerasHub."""
    inner = content.get("config")
    return content if isinstance(inner, dict) and "class_name" in content else None


def configuration(preset: dict[str, Any], path: Path) -> dict[str, Any]:
    """What transformers calls the settings of a preset.

    Raises:
        EncoderError: it is neither BERT nor DistilBERT, or does not say how large it is.
    """
    kind, given = preset["class_name"], preset["config"]
    family = BACKBONES.get(kind) if isinstance(kind, str) else None
    if family is None:
        raise EncoderError(
            f"{path} is of KerasHub's {quoted(str(kind))}; {' and '.join(BACKBONES)} are read. Take the same encoder "
            "as safetensors."
        )
    names = ("hidden_dim", "intermediate_dim", "num_layers", "num_heads", "vocabulary_size", "max_sequence_length")
    for name in names:
        if not is_whole(given.get(name), 1):
            raise EncoderError(f"The config.json beside {path} does not say {name}, a whole number of at least 1.")
    width, inner, layers, heads, words, positions = (given[name] for name in names)
    dropout = given.get("dropout", 0.1)
    common = {"model_type": family, "vocab_size": words, "max_position_embeddings": positions, "pad_token_id": 0}
    if family == "distilbert":
        sizes = {"dim": width, "hidden_dim": inner, "n_layers": layers, "n_heads": heads}
        return common | sizes | {"dropout": dropout, "attention_dropout": dropout, "activation": "gelu"}
    return common | {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "type_vocab_size": given.get("num_segments", 2),
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
        "hidden_act": "gelu_new",  # KerasHub's BERT takes the approximation by tanh
        "layer_norm_eps": 1e-12,
    }


def renamed(arrays: Mapping[str, NDArray[np.float32]], preset: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    """Weights by the names that PyTorch has, in its shapes; what is not known keeps its name."""
    family = BACKBONES[preset["class_name"]]
    alone, (layers, inside) = _ALONE[family], _IN_LAYER[family]
    weights = {}
    for full, array in arrays.items():
        found = _NAME.fullmatch(full)
        in_layer = full.startswith("layers/transformer_encoder")
        known = (inside if in_layer else alone).get(found["part"]) if found else None
        if found is None or known is None:
            weights[full] = array
            continue
        name = f"{layers}.{found['layer'] or 0}.{known}" if in_layer else known
        variable = _VARIABLES[int(found["place"])]
        is_matrix = variable == "weight" and not known.startswith("embeddings.") and not known.lower().endswith("norm")
        weights[f"{name}.{variable}"] = _turned(found["part"], array) if is_matrix else _flat(found["part"], array)
    return weights


def _turned(part: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """(out, in) of a dense layer's (in, out); attention has (in, heads, size), and of its output (heads, size, out)."""
    if array.ndim == 3:
        array = array.reshape(-1, array.shape[2]) if part.endswith("output_dense") else array.reshape(len(array), -1)
    return array.T


def _flat(part: str, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A bias as one row; those of attention are (heads, size)."""
    return array.reshape(-1) if part.startswith("_self_attention_layer/") else array


def tokenizer(folder: Path) -> dict[str, Any]:
    """The content of a ``tokenizer.json`` that splits texts as the preset's own does.

    Raises:
        EncoderError: the preset has no words, or splits them in a way of its own.
    """
    path = folder / VOCABULARY
    settings: dict[str, Any] = {}
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise EncoderError(f"The preset in {folder} has no tokenizer ({VOCABULARY}); save it with its tokenizer.")
    try:
        content = read_json(folder / "tokenizer.json")
        settings = content["config"] if isinstance(content, dict) else {}
        words = path.read_text("utf-8").splitlines()
        if settings.get("suffix_indicator", "##") != "##" or settings.get("split", True) is not True:
            raise ValueError("it does not split words as BERT does")
        places = {word: i for i, word in enumerate(words)}
        missing = [token for token in SPECIAL[:4] if token not in places]
        if missing or len(places) < len(words):
            raise ValueError(f"{missing[0]} is not among its words" if missing else "a word is there twice")
    except (ArtifactError, LookupError, AttributeError, ValueError) as error:
        raise EncoderError(f"The tokenizer of the preset in {folder} cannot be read: {error}.") from None
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": places[token], "content": token, "special": True}
            | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            for token in SPECIAL
            if token in places
        ],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": settings.get("strip_accents") is True,
            "lowercase": settings.get("lowercase") is True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, _special("[SEP]")],
            "pair": [],
            "special_tokens": {
                token: {"id": token, "ids": [places[token]], "tokens": [token]} for token in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": places,
        },
    }


def _special(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}
