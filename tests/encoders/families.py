"""Tiny randomly initialised encoders of every family that can be fine-tuned, saved as transformers saves them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = ["the", "a", "film", "book", "game", "was", "is", "good", "bad", "great", "awful", "goal", "not", "and", "of"]
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
DEBERTA = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
T5 = ("<pad>", "</s>", "<unk>")


@dataclass(frozen=True)
class Family:
    """How a family is built.

    Attributes:
        model: the start of its classes' names.
        special: its special tokens in the order of their ids.
        around: its template, where ``$A`` is the text.
        pretraining: the end of the name of the class that it is pretrained as.
        options: of its configuration.
        special_last: the special tokens have the highest ids, not the lowest.
    """

    model: str
    special: tuple[str, ...] = BERT
    around: str = "[CLS] $A [SEP]"
    pretraining: str = "ForMaskedLM"
    options: dict[str, Any] = field(default_factory=dict)
    special_last: bool = False

    @property
    def tokens(self) -> list[str]:
        return [*WORDS, *self.special] if self.special_last else [*self.special, *WORDS]


USUAL = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 66,
}
DISENTANGLED = {
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "position_biased_input": False,
    "max_relative_positions": 16,
}
# Two layers, as many as each of T5's layers has parts.
T5_SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}

FAMILIES = {
    "bert": Family("Bert", options=USUAL),
    "distilbert": Family(
        "DistilBert", options={"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 66}
    ),
    "roberta": Family("Roberta", ROBERTA, "<s> $A </s>", options=USUAL),
    "xlm-roberta": Family("XLMRoberta", ROBERTA, "<s> $A </s>", options=USUAL),
    "electra": Family("Electra", pretraining="ForPreTraining", options=USUAL | {"embedding_size": 16}),
    "deberta": Family("Deberta", DEBERTA, options=USUAL | DISENTANGLED),
    "deberta-v2": Family(
        "DebertaV2",
        DEBERTA,
        options=USUAL
        | DISENTANGLED
        | {"position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True, "conv_kernel_size": 3},
    ),
    "modernbert": Family("ModernBert", BERT, options=USUAL | {"local_attention": 8}, special_last=True),
    "t5": Family("T5", T5, "$A </s>", "ForConditionalGeneration", options=T5_SIZES),
    "mt5": Family("MT5", T5, "$A </s>", "ForConditionalGeneration", options=T5_SIZES),
    "umt5": Family("UMT5", T5, "$A </s>", "ForConditionalGeneration", options=T5_SIZES),
}


def save_family(name: str, folder: Path, *, bare: bool = True) -> Path:
    """Saves an encoder with its tokenizer: the encoder alone, or under the head that its family is pretrained with."""
    import torch
    import transformers

    family = FAMILIES[name]
    half = "EncoderModel" if "T5" in family.model else "Model"
    kind = getattr(transformers, family.model + (half if bare else family.pretraining))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = kind(_configuration(family))
        for place, parameter in network.named_parameters():
            # Norms and biases too: only weights of which no two are alike show which of them were loaded.
            is_norm = parameter.dim() == 1 and place.endswith("weight")
            torch.nn.init.normal_(parameter, mean=float(is_norm), std=0.2)
        network.save_pretrained(folder)
    _tokenizer(family).save_pretrained(folder)
    return folder


def _configuration(family: Family) -> Any:
    import transformers

    ids = {token.strip("[]<>/").lower(): i for i, token in enumerate(family.tokens)}
    # The sentence's bounds have two names: [CLS] and [SEP], or <s> and </s>; T5 has an end only.
    starts = family.tokens.index(family.around.split()[0]) if not family.around.startswith("$A") else None
    ends = family.tokens.index(family.around.split()[-1])
    bounds = {"bos_token_id": starts, "eos_token_id": ends, "cls_token_id": starts, "sep_token_id": ends}
    return getattr(transformers, f"{family.model}Config")(
        vocab_size=len(family.tokens), pad_token_id=ids["pad"], **bounds, **family.options
    )


def _tokenizer(family: Family) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {token: i for i, token in enumerate(family.tokens)}
    unknown = next(token for token in family.special if "unk" in token.lower())
    pad = next(token for token in family.special if "pad" in token.lower())
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    bounds = [token for token in family.around.split() if token != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=family.around, special_tokens=[(token, ids[token]) for token in bounds]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown, pad_token=pad)
