"""AdamW on fp32 master weights that lie in one piece, for a network that is computed in another precision."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from textgraft.training.settings import TrainingSettings

FIRST_SCALE, GROW_AFTER = 2.0**14, 200


class MasterAdamW:
    """Mixed precision after Micikevicius et al. 2018 (arXiv:1710.03740), with fused AdamW.

    While it lives, the network's trained parameters are views of one low-precision vector, which is rewritten from
    fp32 master weights after each step; so update, norm and copy are a few passes over memory, not a few hundred
    calls. With fp16 the loss is scaled so that small gradients survive, and steps that overflow are left out.

    Args:
        network: its parameters with ``requires_grad`` are trained.
        settings: learning rate, decays, clipping.
        dtype: of the network as it is computed.
        depths: for ``layer_decay``, how far from the head a parameter is, by its name.

    Attributes:
        decay: the product of 1 - learning rate * weight decay over all steps, at the bottom of the network, where the
            embeddings are; what a row of theirs that is never touched shrinks by.
    """

    network: torch.nn.Module
    settings: TrainingSettings
    parameters: list[torch.nn.Parameter]
    weights: torch.Tensor
    low: torch.Tensor
    decay: float
    scale: float

    def __init__(
        self,
        network: nn.Module,
        settings: TrainingSettings,
        dtype: torch.dtype,
        depths: Mapping[str, int] | None = None,
    ) -> None:
        self.network, self.settings = network, settings
        kinds: dict[tuple[int, bool], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                depth = depths[name] if depths and settings.layer_decay != 1 else 0
                # Scales of norms are vectors; biases too, but for those that stand beside each other in one matrix.
                decays = parameter.ndim > 1 and not name.endswith("bias")
                kinds.setdefault((depth, decays), []).append(parameter)
        self.parameters = [parameter for members in kinds.values() for parameter in members]
        self.weights = torch.cat([p.detach().float().flatten() for p in self.parameters])
        self._gradient = torch.zeros_like(self.weights)
        self.low = self.weights if dtype == torch.float32 else self.weights.to(dtype)
        # What is not trained must come out as it went in, not rounded.
        self._frozen = [(p, p.data) for p in network.parameters() if not p.requires_grad]
        for parameter in network.parameters():
            parameter.data = parameter.data.to(dtype)
        self._views = self._split(self._gradient)
        for parameter, view in zip(self.parameters, self._split(self.low), strict=True):
            parameter.data = view
        groups, start = [], 0
        for (depth, decays), members in kinds.items():
            end = start + sum(p.numel() for p in members)
            master = nn.Parameter(self.weights[start:end])
            master.grad = self._gradient[start:end]
            share = settings.layer_decay**depth
            groups.append({"params": [master], "weight_decay": settings.weight_decay * decays, "share": share})
            start = end
        self._adamw = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self._bottom = min(float(group["share"]) for group in groups)  # type: ignore[arg-type]
        self._fresh = True
        self._good = 0
        self.scale = FIRST_SCALE if dtype == torch.float16 else 1.0
        self.decay = 1.0

    def _split(self, flat: Tensor) -> list[Tensor]:
        parts = torch.split(flat, [p.numel() for p in self.parameters])
        return [part.view(p.shape) for part, p in zip(parts, self.parameters, strict=True)]

    @property
    def gradient(self) -> Tensor:
        """(n,) fp32: what the step's parts gave so far; zeros where there was none, as in a process without rows."""
        if self._fresh:
            self._gradient.zero_()
            self._fresh = False
        return self._gradient

    def gradients(self, loss: Tensor) -> list[Tensor | None]:
        """Of a part of the step's loss, one for each trained parameter; several threads may call this at once."""
        scaled = loss * self.scale if self.scale != 1 else loss
        return list(torch.autograd.grad(scaled, self.parameters, allow_unused=True))

    def gather(self, gradients: list[Tensor | None]) -> None:
        """Adds the gradients of a part of the step's loss, in fp32."""
        for view, gradient in zip(self._views, gradients, strict=True):
            if gradient is not None:
                (view.copy_ if self._fresh else view.add_)(gradient)
            elif self._fresh:
                view.zero_()
        self._fresh = False

    def restart(self) -> None:
        """Begins the step anew: what was gathered so far does not count."""
        self._fresh = True

    def norm(self, weight: float) -> float:
        """The norm of the step's gradients, divided by ``weight``; infinite or NaN where they are."""
        return float(torch.linalg.vector_norm(self.gradient)) / (weight * self.scale)

    def step(self, rate: float, weight: float, norm: float) -> bool:
        """Updates the weights by the gathered gradients, divided by ``weight`` and clipped.

        Args:
            rate: share of the peak learning rate.
            weight: the sum of the weights of the step's rows.
            norm: as ``norm`` told.

        Returns:
            Whether there was an update; not where fp16 overflowed, after which the scale is smaller.
        """
        self._fresh = True
        if self.low.dtype == torch.float16:
            self._good = self._good + 1 if math.isfinite(norm) else 0
            if not self._good:
                self.scale /= 2
                return False
        divisor = weight * self.scale * max(1.0, norm / self.settings.clip)
        # The fused kernel divides while it reads; a pass over all gradients is saved.
        self._adamw.grad_scale = torch.tensor(divisor, device=self.weights.device)  # type: ignore[attr-defined]
        self._adamw.found_inf = torch.tensor(0.0, device=self.weights.device)  # type: ignore[attr-defined]
        for group in self._adamw.param_groups:
            group["lr"] = self.settings.learning_rate * rate * group["share"]
        self._adamw.step()
        self._round()
        self.decay *= 1 - self.settings.learning_rate * rate * self._bottom * self.settings.weight_decay
        if self._good >= GROW_AFTER:
            self.scale, self._good = self.scale * 2, 0
        return True

    def _round(self) -> None:
        if self.low is not self.weights:
            self.low.copy_(self.weights)

    def put_back(self, weights: Tensor) -> None:
        """Leaves the network in fp32, its trained parameters with ``weights``, and itself unusable."""
        for parameter, original in self._frozen:
            parameter.data = original
        for parameter, values in zip(self.parameters, self._split(weights), strict=True):
            parameter.data = values.clone()

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        result = {"weights": self.weights}
        for i, state in enumerate(self._adamw.state_dict()["state"].values()):
            result |= {f"{name}.{i}": value for name, value in state.items()}
        return result

    def numbers(self) -> dict[str, float]:
        """What a checkpoint keeps beside the tensors."""
        return {"decay": self.decay, "scale": self.scale, "good": self._good}

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, float]) -> None:
        """Goes on from a checkpoint."""
        self.weights.copy_(tensors["weights"])
        self._round()
        state = self._adamw.state_dict()
        state["state"] = {
            i: {name: tensors[f"{name}.{i}"] for name in ("step", "exp_avg", "exp_avg_sq")}
            for i in range(len(self._adamw.param_groups))
            if f"step.{i}" in tensors  # not where fp16 has overflowed in all steps so far
        }
        self._adamw.load_state_dict(state)
        self.decay, self.scale, self._good = numbers["decay"], numbers["scale"], int(numbers["good"])
