"""What a mask of ``ids > 0`` does to vectors: ``python benchmarks/wrong_mask.py TABLE [ENCODER ...]``.

The first 100 texts of a table, padded to 64 tokens; cosine of the mean-pooled vectors with those by the right mask.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from transformers import AutoModel

import textgraft as tg
from textgraft.encoders.encoder import pool

TEXTS, TOKENS = 100, 64


def cosines(name: str, texts: list[str]) -> torch.Tensor:
    """(n,) cosines of the vectors by ``ids > 0`` with those by the tokenizer's mask."""
    encoder = tg.Encoder(name, precision="fp32")
    network = AutoModel.from_pretrained(encoder.files.folder).eval()
    seen = [encoder.tokenize(text, max_tokens=TOKENS, long="truncate", pad=True) for text in texts]
    ids, mask = (torch.tensor(np.stack(of)) for of in ([s.ids for s in seen], [s.mask for s in seen]))
    with torch.no_grad():
        right, wrong = (
            pool(network(input_ids=ids, attention_mask=by).last_hidden_state, by, "mean")
            for by in (mask, (ids > 0).long())
        )
    return torch.nn.functional.cosine_similarity(right, wrong)


if __name__ == "__main__":
    table, *names = sys.argv[1:]
    for name in names or ["all-mpnet-base-v2", "all-MiniLM-L6-v2"]:
        found = cosines(name, tg.read_table(table).texts[:TEXTS])
        print(f"{name}: mean {found.mean():.3f}, lowest {found.min():.3f}")
