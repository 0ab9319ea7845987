"""Which texts a model was given: hashes that it keeps, so that an evaluation can tell rows that it has seen.

A model directory then holds no text of the data, but whoever has a text can look whether it was among them, and may
guess short ones. So hashes go where the sample of validation texts goes: ``save(keep_sample=False)``, an export with
``to=`` and publishing leave both out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from textgraft.digests import text_number
from textgraft.errors import ArtifactError
from textgraft.tensors import Tensors

FILE = "seen.safetensors"
MOST = 250_000  # of each kind, so that the file has at most 4 MB


@dataclass(frozen=True, eq=False)
class SeenTexts:
    """The distinct hashes of texts as ``folding.fold`` makes them, in ascending order.

    They have 64 bits: a million texts meet 250,000 others by chance with a probability of 1 in 70 million, so nothing
    that is found has to be explained by chance. Of more than 250,000 the lowest are kept. Hashes are uniform, so these
    are a random sample of the texts: of a text with a hash beyond the last one it is not known whether it was seen, of
    all others it is (the bottom-k sketch of Cohen and Kaplan, PODC 2007).

    Attributes:
        trained: (m,) int64, of the training data; the part that ``fit`` held out for its choices is among them.
        chosen: (c,) int64, of the validation data that ``fit`` was given for its choices.
    """

    trained: NDArray[np.int64]
    chosen: NDArray[np.int64]

    @classmethod
    def of(cls, trained: Sequence[str], chosen: Sequence[str] = ()) -> Self:
        """Of the texts that ``fit`` was given; their order plays no part."""
        return cls(*(np.unique(_hashes(texts))[:MOST] for texts in (trained, chosen)))

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of n texts stand in the training data, which only in the validation data, and of which that is known.

        Returns:
            Three arrays (n,); what is not known is in neither of the first two.
        """
        hashes = _hashes(texts)
        trained, chosen = (np.isin(hashes, kind) for kind in (self.trained, self.chosen))
        known = np.ones(len(hashes), np.bool_)
        for kind in (self.trained, self.chosen):
            if len(kind) == MOST:
                known &= hashes <= kind[-1]
        return trained & known, chosen & ~trained & known, known

    def write(self, folder: Path) -> None:
        """Writes ``seen.safetensors``."""
        from safetensors.numpy import save_file

        save_file({"trained": self.trained, "chosen": self.chosen}, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What ``write`` wrote; None where the model keeps no hashes, as those of earlier releases do.

        Raises:
            ArtifactError: the file is damaged.
        """
        path = folder / FILE
        if not path.exists():
            return None
        tensors = Tensors.read(path)
        kinds = [tensors(name, None, dtypes=("int64",)) for name in ("trained", "chosen")]
        for hashes in kinds:
            if len(hashes) > MOST:
                raise ArtifactError(f"{path} is damaged: it has {len(hashes):,} hashes of a kind, at most {MOST:,}.")
            if (hashes[1:] <= hashes[:-1]).any():
                raise ArtifactError(f"{path} is damaged: its hashes are not in ascending order.")
        return cls(*kinds)


def _hashes(texts: Sequence[str]) -> NDArray[np.int64]:
    """(n,) of n texts after folding."""
    from textgraft.data.folding import fold  # its room reads tables, which a model that predicts does without

    hashes = (text_number(fold(text)) for text in texts)
    return np.fromiter(hashes, np.uint64, len(texts)).view(np.int64)
