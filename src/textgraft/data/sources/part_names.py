"""What the parts of a data set are called: those to train, to choose and to test on, and texts without labels."""

from __future__ import annotations

import re
from typing import Any

_UNLABELLED = frozenset(("unsup", "unsupervised", "unlabeled", "unlabelled"))
_SET = re.compile(r"[\s_-]*(set|data|split)$")  # of "training set" and "testset"
_PARTS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev", "development"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


def part_of(value: Any) -> str | None:
    """``"train"``, ``"valid"`` or ``"test"`` for the names that these go by, else None."""
    name = str(value).strip().lower()
    if len(name) > 100:  # no name, and a run of blanks would take long
        return None
    return _PARTS.get(name) or _PARTS.get(_SET.sub("", name))


def is_unlabelled(value: Any) -> bool:
    """Whether a part or a folder is named as one of texts without labels, as ``unsup`` of IMDB is."""
    return str(value).strip().lower() in _UNLABELLED
