"""Reading, cleaning and writing ONNX files."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter
from pathlib import Path
from typing import Any

from textgraft.whole import whole_file

_SCOPES = "pkg.torch.onnx.name_scopes"


def save(model: Any, path: Path) -> None:
    """Writes a model; the same one gives the same bytes."""
    with whole_file(path, durable=False) as part:
        part.write_bytes(model.SerializeToString(deterministic=True))


def tidy(model: Any) -> Any:
    """The model as torch exports it, changed in place: clean, and its nodes named by their module.

    ``encoder.layer.3.output.dense/MatMul`` says to people and to quantisers where a product belongs.
    """
    seen: Counter[str] = Counter()
    for node in model.graph.node:
        name = f"{_module(node)}/{node.op_type}"
        seen[name] += 1
        node.name = name if seen[name] == 1 else f"{name}_{seen[name]}"
    return clean(model)


def clean(model: Any) -> Any:
    """The model, changed in place, without the notes of what made it: paths of this machine are among them."""
    graph = model.graph
    for noted in (*graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output, graph, model):
        noted.doc_string = ""
        del noted.metadata_props[:]
    model.producer_name, model.producer_version = "textgraft", ""
    return model


def _module(node: Any) -> str:
    """The path of the innermost module around a node: ``encoder.layer.3.output.dense``; empty where there is none."""
    notes = [note.value for note in node.metadata_props if note.key == _SCOPES]
    # The last one is the operation; modules are named by their path, the outermost first.
    scopes: list[str] = literal_eval(notes[0])[:-1] if notes else []
    named = [scope for scope in scopes if not scope.startswith("_")]
    return named[-1].removeprefix("network").lstrip(".") if named else ""


def weighted_products(model: Any) -> list[str]:
    """The names of the nodes that multiply by a matrix of weights."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in weights and node.input[0] not in weights
    ]
