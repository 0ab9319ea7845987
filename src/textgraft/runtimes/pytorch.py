"""PyTorch as a runtime: a model's own weights, on the device and in the precision that this machine really has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from textgraft.hardware import Precision, best_device, matmul_dtype, short
from textgraft.runtimes.running import Floats, Ids

if TYPE_CHECKING:
    import torch

Compute: TypeAlias = "Callable[[Any, torch.Tensor, torch.Tensor | None], torch.Tensor]"


class TorchRuntime:
    """A network of torch, loaded when it is first needed.

    Args:
        load: gives the network; it is moved to the device and the type of the products.
        compute: ``compute(network, ids, mask)`` gives the output as a tensor.
        precision: of the matrix products.

    Raises:
        MissingExtraError: torch is not installed.
        SettingError: an unknown precision.
    """

    name = "torch"

    def __init__(
        self,
        load: Callable[[], torch.nn.Module],
        compute: Compute,
        precision: Precision,
    ) -> None:
        self._load, self._compute = load, compute
        self.device = best_device()
        self.dtype = matmul_dtype(precision, self.device)
        self.precision = short(self.dtype)
        self._network: torch.nn.Module | None = None

    def run(self, ids: Ids, mask: Ids | None) -> Floats:  # noqa: D102
        return self.through(self._compute, ids, mask)

    def through(self, compute: Compute, ids: Ids, mask: Ids | None) -> Floats:
        """What another ``compute`` gives of the same network."""
        import torch

        if self._network is None:
            self._network = self._load().to(self.device, self.dtype).eval()
        with torch.inference_mode():
            inputs = torch.from_numpy(ids).to(self.device)
            attention = None if mask is None else torch.from_numpy(mask).to(self.device)
            output: Floats = compute(self._network, inputs, attention).float().cpu().numpy()
        return output

    def __getstate__(self) -> dict[str, Any]:
        # Loaded again where it is needed: a pickle holds where the weights are, not the weights.
        return {**vars(self), "_network": None}
