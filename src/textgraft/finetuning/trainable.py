"""Which parameters of an encoder with a head are trained, and how far each stands from the head.

The **head** is what stands outside the encoder, and the encoder's pooler: many encoders are saved without one, it is
then as new as the classifier, and nothing but the classifier sees it. A norm after the last layer belongs to the
encoder: it is trained with the last layers and not with the head alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textgraft.errors import EncoderError, MissingExtraError, SettingError, did_you_mean
from textgraft.unicode import quoted, quoted_path

if TYPE_CHECKING:
    import torch

Trained = Literal["all", "head", "lora"] | int
TRAINED: tuple[str, ...] = ("all", "head", "lora")
FINAL_NORMS = {"final_norm", "final_layer_norm"}
# What the families call the linear layers that make queries and values; some make queries, keys and values in one.
PROJECTIONS = {"query", "value", "q_lin", "v_lin", "query_proj", "value_proj", "q", "v", "in_proj", "Wqkv"}
# Of LoRA adapters (Hu et al. 2022, arXiv:2106.09685): W + ALPHA / RANK * B A, with the RANK columns of B and A trained.
RANK, ALPHA = 8, 16


def check_trained(value: object) -> None:
    """Raises SettingError for what is neither ``"all"``, ``"head"``, ``"lora"`` nor a number of layers from 1 on."""
    if isinstance(value, str) and value in TRAINED:
        return
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 1:
        return
    near = did_you_mean(value, TRAINED) if isinstance(value, str) else ""
    raise SettingError(
        "trained must be 'all', 'head', 'lora', or how many of the last layers to train, at least 1; "
        f"got {quoted(value)}.{near}"
    )


def choose_trained(network: torch.nn.Module, trained: Trained, name: str, *, seed: int = 0) -> torch.nn.Module:
    """Sets which parameters are trained; the others get no gradient, and nothing is computed for one.

    Args:
        network: from ``load_with_head``; changed in place.
        trained: ``"all"``; ``"head"``; a number of the encoder's last layers, with all that comes after them; or
            ``"lora"``: adapters on queries and values of all layers, and the head.
        name: the encoder's, for messages.
        seed: of the adapters' first weights.

    Returns:
        The network itself.

    Raises:
        SettingError: ``trained`` is none of these.
        EncoderError: the encoder has fewer layers, or none that can be told.
        MissingExtraError: ``"lora"`` without peft.
    """
    check_trained(trained)
    if trained == "lora":
        _add_adapters(network, name, seed)
        chosen = _head(network) | {name for name, _ in network.named_parameters() if ".lora_" in name}
    elif trained == "head":
        chosen = _head(network)
    elif trained == "all":
        chosen = {name for name, _ in network.named_parameters()}
    else:
        layers = len(layers_of(network))
        if trained > layers:
            raise EncoderError(
                f"The encoder {quoted_path(name)} has {layers} layers; trained={trained} asks for more. "
                f"Give a number from 1 to {layers}, or 'all' to train the embeddings too."
            )
        chosen = {name for name, depth in depths(network).items() if depth <= trained}
    for parameter_name, parameter in network.named_parameters():
        parameter.requires_grad_(parameter_name in chosen)
    return network


def merge_adapters(network: torch.nn.Module) -> torch.nn.Module:
    """Adds the adapters of ``choose_trained(..., "lora")`` to the weights and takes them out, in place.

    Returns:
        The network itself, as transformers knows it; it computes the same, within rounding. Without adapters it is
        left as it is.
    """
    if not hasattr(network, "peft_config"):
        return network
    from peft.tuners.lora import LoraLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            network.set_submodule(name, module.get_base_layer())
    del network.peft_config
    return network


def depths(network: torch.nn.Module) -> dict[str, int]:
    """How far each parameter, by name, stands from the head of a network of L layers.

    0 for the head, the pooler and a norm after the last layer, 1 for the last layer, L for the first one, L + 1 for
    the embeddings and whatever else serves all layers. For learning rates that fall with the depth (Howard & Ruder
    2018, arXiv:1801.06146; Clark et al. 2020, arXiv:2003.10555).

    Raises:
        EncoderError: see ``layers_of``.
    """
    layers = layers_of(network)
    in_layer = {id(parameter): len(layers) - i for i, layer in enumerate(layers) for parameter in layer.parameters()}
    last = _head(network)
    last |= {name for name, _ in network.named_parameters() if FINAL_NORMS.intersection(name.split("."))}
    return {
        name: in_layer.get(id(parameter), 0 if name in last else len(layers) + 1)
        for name, parameter in network.named_parameters()
    }


def layers_of(network: torch.nn.Module) -> torch.nn.ModuleList:
    """The encoder's layers, the one next to the embeddings first.

    Raises:
        EncoderError: there is no list of as many layers as the configuration says; some encoders use one layer
            several times.
    """
    from torch.nn import ModuleList

    config: Any = network.config
    count = getattr(config, "num_hidden_layers", None)
    # Outer modules come first: T5's layers hold lists of their own.
    for module in _base(network).modules():
        if isinstance(module, ModuleList) and len(module) == count:
            return module
    raise EncoderError(
        f"The network {type(network).__name__} has no list of {count} layers, so they cannot be trained one by one; "
        "train 'all' of it, the 'head' or 'lora' adapters, with one learning rate."
    )


def _base(network: torch.nn.Module) -> torch.nn.Module:
    base: torch.nn.Module = getattr(network, str(network.base_model_prefix))
    return base


def _head(network: torch.nn.Module) -> set[str]:
    """The names of the head's parameters."""
    encoder, names = f"{network.base_model_prefix}.", (name for name, _ in network.named_parameters())
    return {name for name in names if not name.startswith(encoder) or name.startswith(f"{encoder}pooler.")}


def _add_adapters(network: torch.nn.Module, name: str, seed: int) -> None:
    import torch

    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise MissingExtraError("Training adapters (trained='lora')", "adapters") from None
    targets = [
        f"{network.base_model_prefix}.{place}"
        for place, module in _base(network).named_modules()
        if isinstance(module, torch.nn.Linear) and place.rpartition(".")[2] in PROJECTIONS
    ]
    if not targets:
        raise EncoderError(
            f"The encoder {quoted_path(name)} has no attention with query and value projections that adapters could be "
            "put on; train 'all' of it, its last layers or the 'head'."
        )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets), network)
