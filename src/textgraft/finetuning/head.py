"""The linear layer that a network's logits come out of, and calibrating the network by changing its weights.

``scale * (W h + b) + shift`` is a linear layer as well, so a calibrated network has the form of any other: whatever
reads it answers with calibrated probabilities. Logits of windows are averaged, which the scale and the shift pass
through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textgraft.evaluation.calibration import Calibration

if TYPE_CHECKING:
    import torch


def last_linear(network: torch.nn.Module) -> torch.nn.Linear:
    """The layer that the logits come out of: the last one called with an output for each label.

    It is found by running the network on one token, not by its name: every family has its own.
    """
    import torch

    called: list[torch.nn.Linear] = []
    k = network.config.num_labels  # type: ignore[union-attr]

    def note(layer: torch.nn.Linear, _inputs: Any, _output: Any) -> None:
        called.append(layer)

    heads = [one for one in network.modules() if isinstance(one, torch.nn.Linear) and one.out_features == k]
    hooks = [one.register_forward_hook(note) for one in heads]
    device = next(network.parameters()).device
    token = torch.zeros((1, 1), dtype=torch.int64, device=device)
    try:
        with torch.inference_mode():
            network(input_ids=token, attention_mask=torch.ones_like(token))
    finally:
        for hook in hooks:
            hook.remove()
    return called[-1]


def fold(calibration: Calibration, head: torch.nn.Linear) -> None:
    """Changes a head so that its logits are the calibrated ones; without a bias it takes no shift."""
    import torch

    scale, shift = (torch.from_numpy(of).to(head.weight) for of in (calibration.scale, calibration.shift))
    with torch.no_grad():
        head.weight.mul_(scale[:, None])
        if head.bias is not None:
            head.bias.mul_(scale).add_(shift)
