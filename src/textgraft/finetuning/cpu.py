"""The same network, computed faster on a CPU: cheap dropout masks, attention for short rows, no idle last layer.

Nothing here changes what is computed, up to rounding and to which random units are dropped. What each part brought is
in ``docs/lab.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, autograd, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from textgraft.training.dropout import CheapDropout, dropout_mask

ATTENTION = "textgraft_cpu"
# Others may group their keys, or need what this attention does not know, such as a soft cap.
FAMILIES = {"bert", "distilbert", "roberta", "xlm-roberta", "electra", "modernbert"}
LONGEST = 384  # tokens; from here on the memory-saving attention of torch is faster


def make_faster(network: nn.Module) -> bool:
    """Changes a sequence classifier of ``transformers`` in place; its weights and their names stay as they are.

    Returns:
        Whether all its dropout is drawn as ``draw_from`` says.
    """
    _cheap_dropout(network)
    if getattr(network.config, "model_type", None) not in FAMILIES:
        return False
    network.set_attn_implementation(ATTENTION)  # type: ignore[operator]
    _first_token_only(network)
    return True


def _cheap_dropout(network: nn.Module) -> None:
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, CheapDropout(child.p).train(child.training))


class _Attention(autograd.Function):
    """softmax(q k' scale + mask) v, for rows so short that the scores fit into the cache.

    torch's own attention for CPUs is made for long rows: at 20 tokens its backward pass takes ten times as long.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, p: float) -> Tensor:
        batch, heads, rows, width = q.shape
        q, k, v = (x.reshape(batch * heads, x.shape[2], width) for x in (q, k, v))
        scores = torch.baddbmm(q.new_empty(()), q, k.transpose(1, 2), beta=0, alpha=scale).float()
        if mask is not None:
            scores.view(batch, heads, rows, -1).add_(mask)
        weights = torch.softmax(scores, -1).to(q.dtype)
        drop = dropout_mask(weights.shape, p, weights.dtype) if p > 0 else None
        ctx.save_for_backward(q, k, v, weights, drop)
        ctx.batch, ctx.scale = batch, scale
        mixed = torch.bmm(weights if drop is None else weights * drop, v)
        return mixed.view(batch, heads, rows, width)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights, drop = ctx.saved_tensors
        mixed = gradients[0].reshape(q.shape)
        v_gradient = torch.bmm((weights if drop is None else weights * drop).transpose(1, 2), mixed)
        upstream = torch.bmm(mixed, v.transpose(1, 2)).float()
        if drop is not None:
            upstream.mul_(drop)
        scores = torch._softmax_backward_data(upstream, weights.float(), -1, torch.float32).mul_(ctx.scale).to(q.dtype)
        q_gradient = torch.bmm(scores, k)
        k_gradient = torch.bmm(scores.transpose(1, 2), q)
        back = (x.view(ctx.batch, -1, x.shape[1], x.shape[2]) for x in (q_gradient, k_gradient, v_gradient))
        return (*back, None, None, None)


def _attention(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """The signature that ``transformers`` calls: (b, h, n, d) in, (b, n, h, d) out."""
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    short = key.shape[2] <= LONGEST or dropout > 0
    mask = None if attention_mask is None else attention_mask.to(torch.float32 if short else query.dtype)
    if short:
        mixed = _Attention.apply(query, key, value, mask, scale, dropout)  # type: ignore[no-untyped-call]
    else:
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, mask, scale=scale)
    return mixed.transpose(1, 2), None


# At import, since a network that comes out of a pickle needs it too.
AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, eager_mask)


def _first_token_only(network: nn.Module) -> None:
    """Lets the last layer compute the one state that the head reads, the first token's.

    The other tokens enter it as keys and values only. In a network of six layers that is a seventh of all work.
    """
    from transformers.models.bert import modeling_bert as bert
    from transformers.models.distilbert import modeling_distilbert as distilbert
    from transformers.models.electra import modeling_electra as electra
    from transformers.models.roberta import modeling_roberta as roberta
    from transformers.models.xlm_roberta import modeling_xlm_roberta as xlm

    heads = (
        bert.BertForSequenceClassification,
        electra.ElectraForSequenceClassification,
        roberta.RobertaForSequenceClassification,
        xlm.XLMRobertaForSequenceClassification,
        distilbert.DistilBertForSequenceClassification,
    )
    bert_like = (bert.BertLayer, electra.ElectraLayer, roberta.RobertaLayer, xlm.XLMRobertaLayer)
    if not isinstance(network, heads):
        return
    layers = [module for module in network.modules() if isinstance(module, (*bert_like, distilbert.TransformerBlock))]
    # Not a bound method: that cannot be pickled under another name.
    layers[-1].forward = partial(_bert_layer if isinstance(layers[-1], bert_like) else _distilbert_layer, layers[-1])


@contextmanager
def all_states(network: nn.Module) -> Iterator[None]:
    """Lets the last layer compute the states of all tokens inside the block, not only the one that the head reads.

    Threads that predict at the same time get the same answers, somewhat later.
    """
    shortened = [module for module in network.modules() if isinstance(vars(module).get("forward"), partial)]
    ways = [vars(module).pop("forward") for module in shortened]
    try:
        yield
    finally:
        for module, way in zip(shortened, ways, strict=True):
            module.forward = way


def _bert_layer(layer: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any) -> Tensor:
    attention, first = layer.attention.self, hidden_states[:, :1]
    key, value = attention.key(hidden_states), attention.value(hidden_states)
    mixed = _from_first(attention, attention.query(first), key, value, attention_mask)
    result: Tensor = layer.feed_forward_chunk(layer.attention.output(mixed, first))
    return result


def _distilbert_layer(
    layer: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, *_: Any, **__: Any
) -> Tensor:
    attention, first = layer.attention, hidden_states[:, :1]
    key, value = attention.k_lin(hidden_states), attention.v_lin(hidden_states)
    mixed = _from_first(attention, attention.q_lin(first), key, value, attention_mask)
    attended = layer.sa_layer_norm(attention.out_lin(mixed) + first)
    result: Tensor = layer.output_layer_norm(layer.ffn(attended) + attended)
    return result


def _from_first(attention: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """(b, 1, h * d): what the first token takes from all tokens."""
    q, k, v = (x.view(*x.shape[:2], -1, attention.attention_head_size).transpose(1, 2) for x in (query, key, value))
    first = None if mask is None else mask[:, :, :1]
    p = attention.dropout.p if attention.training else 0.0
    mixed, _ = _attention(attention, q, k, v, first, dropout=p, scaling=attention.scaling)
    return mixed.reshape(query.shape)
