"""Embedding tables in int8."""

from __future__ import annotations

from typing import Any

import numpy as np

from textgraft.runtimes.conversion.libraries import library

LARGE = 1 << 16  # values; smaller tables are not worth it


def shrink_tables(model: Any) -> Any:
    """The model, changed in place: large tables that a Gather takes rows of are int8 with a scale for each row.

    Half of a small encoder, and nearly all of a recurrent network on words, is such a table. The quantisers of ONNX
    Runtime have one scale for all of it.
    """
    onnx = library("onnx", "Exporting in int8")
    helper, arrays, types = onnx.helper, onnx.numpy_helper, onnx.TensorProto
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = list(model.graph.node)
    readers: dict[str, list[Any]] = {}
    for node in nodes:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    del model.graph.node[:]
    small: set[str] = set()
    for node in nodes:
        table = tensors.get(node.input[0]) if node.op_type == "Gather" else None
        others = readers[node.input[0]] if table is not None else []
        is_table = table is not None and table.data_type == types.FLOAT and len(table.dims) == 2
        rows_only = all(
            reader.op_type == "Gather" and reader.input[0] == node.input[0] and not any(a.i for a in reader.attribute)
            for reader in others
        )
        if not is_table or not rows_only or table is None or np.prod(table.dims) < LARGE:
            model.graph.node.append(node)
            continue
        name, out = node.input[0], node.output[0]
        if name not in small:
            values = arrays.to_array(table)
            scales = np.maximum(np.abs(values).max(axis=1, keepdims=True) / 127, np.finfo(np.float32).tiny)
            table.CopyFrom(arrays.from_array(np.rint(values / scales).astype(np.int8), name))
            model.graph.initializer.append(arrays.from_array(scales.astype(np.float32), f"{name}/scales"))
            small.add(name)
        ids = node.input[1]
        for kind, inputs, output, options in (
            ("Gather", [name, ids], f"{out}/int8", {}),
            ("Cast", [f"{out}/int8"], f"{out}/cast", {"to": types.FLOAT}),
            ("Gather", [f"{name}/scales", ids], f"{out}/scale", {}),
            ("Mul", [f"{out}/cast", f"{out}/scale"], out, {}),
        ):
            model.graph.node.append(helper.make_node(kind, inputs, [output], name=f"{output}/{kind}", **options))
    return model
