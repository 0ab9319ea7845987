"""The network part of a classifier, and how one of torch becomes an ONNX file."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from textgraft.errors import ExportError
from textgraft.runtimes.conversion.libraries import library, quiet
from textgraft.runtimes.conversion.onnx_files import save, tidy
from textgraft.unicode import quoted_path

if TYPE_CHECKING:
    import torch

MOST_BYTES = 2_000_000_000  # of weights: what one file of protocol buffers holds is 2 GiB


class Graph(Protocol):
    """A network: ``input_ids`` and ``attention_mask``, both (n, length) int64, in; one float32 ``output``.

    Attributes:
        pad_id: what stands in ``input_ids`` where ``attention_mask`` is 0.
    """

    @property
    def pad_id(self) -> int: ...  # noqa: D102

    def write_onnx(self, path: Path) -> None:
        """Writes the network as one ONNX file in fp32, for batches of any size and length.

        Raises:
            ExportError: it cannot be written as ONNX.
            MissingExtraError: a package for that is missing.
        """


class TorchGraph:
    """A network of torch; see ``vectors_graph``, ``logits_graph`` and ``states_graph``.

    Args:
        network: ``network(input_ids, attention_mask)`` gives one tensor. It is never changed. Its weights are written
            as they are, so that one that was loaded in bf16 stays as coarse as that.
        pad_id: the encoder's.
        name: the encoder's, for messages.
    """

    def __init__(self, network: torch.nn.Module, pad_id: int, name: str) -> None:
        self.network = network
        self.pad_id = pad_id
        self.name = name

    def write_onnx(self, path: Path) -> None:
        """See ``Graph``. The same network gives the same bytes.

        Raises:
            ExportError: its weights do not fit into one file, or it computes something that ONNX has no word for.
            MissingExtraError: a package of the extra ``export`` is missing.
        """
        torch = library("torch", "Exporting to ONNX")
        for name in ("onnx", "onnxscript"):
            library(name, "Exporting to ONNX")
        self._check_size()
        ids = torch.full((2, 7), self.pad_id)
        mask = torch.ones_like(ids)
        any_size = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
        with quiet(), torch.no_grad():
            try:
                program = torch.onnx.export(
                    exportable(self.network),
                    (ids, mask),
                    dynamo=True,
                    input_names=["input_ids", "attention_mask"],
                    output_names=["output"],
                    dynamic_shapes={"input_ids": any_size, "attention_mask": any_size},
                    verbose=False,
                )
            except Exception as error:  # the exporter lets through whatever the network's own code raises
                raise ExportError(
                    f"The encoder {quoted_path(self.name)} cannot be written as ONNX, which ONNX Runtime and OpenVINO "
                    f"read: {_reason(error)}. Take the runtime 'torch' for it."
                ) from error
            save(tidy(program.model_proto), path)

    def _check_size(self) -> None:
        tensors = {id(t): t for t in [*self.network.parameters(), *self.network.buffers()]}
        size = 4 * sum(tensor.numel() for tensor in tensors.values())
        if size > MOST_BYTES:
            raise ExportError(
                f"The encoder {quoted_path(self.name)} has {size / 1e9:.1f} GB of weights in fp32; one ONNX file holds "
                f"at most {MOST_BYTES / 1e9:.0f} GB. Take the runtime 'torch' for it, or train a smaller encoder."
            )


def exportable(network: torch.nn.Module) -> torch.nn.Module:
    """A copy on the CPU, in fp32 and for prediction, whose attention is written out in products and a softmax.

    The other attentions of ``transformers`` either depend on the length or hide from the libraries what they compute. A
    last layer that computes the first token only (``finetuning.cpu``) stays one: a copy of it reads its own weights.
    """
    copied = copy.deepcopy(network).to("cpu").float().eval()
    for module in copied.modules():
        choose: Any = getattr(module, "set_attn_implementation", None)
        if choose is not None:
            choose("eager")
            break
    return copied


def _reason(error: BaseException) -> str:
    """The operator that has no translation, or the first line of what went wrong first."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    for link in chain:
        if operator := re.search(r"op='([\w.]+)'", str(link)):
            return f"it has no operator for {operator[1]}"
    lines = str(chain[-1]).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(chain[-1]).__name__
