"""N-grams: a linear model on the TF-IDF of words and characters. Nothing pretrained, seconds to train."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from textgraft.dataset import Dataset
from textgraft.errors import SettingError, did_you_mean, listed
from textgraft.evaluation.calibration import Calibration, score_columns
from textgraft.evaluation.log_odds import log_odds_of, mean_slopes
from textgraft.extras import import_scipy
from textgraft.json_files import read_object
from textgraft.linear.choosing import fit_chosen, fits_for
from textgraft.linear.fitting import ClassWeight, LinearModel
from textgraft.methods.answering import Familiarity
from textgraft.methods.attributing import Attributed, Attribution, ngram_contributions
from textgraft.methods.base import TextClassifier, unicode_form
from textgraft.methods.constraints import SEED, Choice, Number, Regularisation, SizeRange, refuse
from textgraft.methods.hyperparameters import fitted, hyperparameter, hyperparameters
from textgraft.model_directory import MethodFacts
from textgraft.progress import track
from textgraft.runtimes import Runtime
from textgraft.tensors import Tensors
from textgraft.text.characters import LONGEST, CharacterNgrams
from textgraft.text.ngrams import Counts, WordNgrams
from textgraft.text.sparse import SparseRows
from textgraft.text.tokens import MOST_CHARACTERS, chunks
from textgraft.unicode import Form, quoted
from textgraft.wording import megabytes

if TYPE_CHECKING:
    from scipy import sparse

Floats = NDArray[np.float32]
Sizes = tuple[int, int]

_CHARACTERS: Sizes = (3, 6)  # on four tables as good as 2 to 5 or better
_FEWEST_FEATURES, _MOST_FEATURES, _MOST_WEIGHTS = 1_000, 1_000_000, 1 << 27
_MOST_SUMS = 1 << 26  # numbers: those of words, and as many of their characters
_LONG_TEXT = 70  # different words; in longer texts characters cost much and tell nothing more


@hyperparameters
class NgramClassifier(TextClassifier):
    """A linear classifier on the TF-IDF of word n-grams and of character n-grams within words.

    Term frequencies are sublinear. The word part and the character part of a text have Euclidean length 1 each; the
    length of the character part is taken as if n-grams of different words were different, which makes the score of a
    text a sum over its words that can be looked up. The model is a linear SVM (squared hinge loss, one label
    against the rest), its regularisation chosen on validation data, its scores turned into probabilities there too
    (see ``textgraft.evaluation.calibration``). Without validation data these choices are made on a tenth held out of
    the training data, or of less than 2,000 texts out of fold, and the model is then fitted to all of it.

    Attributes:
        words_: the word n-grams.
        characters_: the character n-grams, or None.
        model_: weights of all n-grams, (f, m), and the bias; see ``LinearModel``.
        calibration_: what turns scores into probabilities.
    """

    method = "ngrams"
    rung = 10
    facts: ClassVar[MethodFacts] = MethodFacts(
        "a linear model on word and character n-grams", holds_of_texts="words and character sequences"
    )

    words: Sizes = hyperparameter(
        SizeRange(LONGEST, first=1), "the shortest (always 1) and the longest word n-grams.", default=(1, 2), option=""
    )
    characters: Sizes | Literal["auto"] | None = hyperparameter(
        SizeRange(LONGEST, words=("auto",)),
        'the shortest and the longest character n-grams; None for none; ``"auto"`` takes 3 to 6 (the spaces around a '
        "word count) unless texts have more than 70 different words on average.",
        default="auto",
        option="",
    )
    min_count: int = hyperparameter(Number(1), "n-grams in fewer training texts are left out.", default=2)
    max_features: int | Literal["auto"] = hyperparameter(
        Number(1, words=("auto",)),
        'word n-grams of each length, and character n-grams, to keep: the most frequent ones. ``"auto"`` keeps '
        "1,000,000; fewer, but 1,000, where there are so many labels that the weights would take more than 512 MB.",
        default="auto",
        option="",
    )
    C: float | Sequence[float] | Literal["auto"] = hyperparameter(
        Regularisation(),
        'inverse strength of the regularisation: one value, several to choose from, or ``"auto"``.',
        default="auto",
        option="",
    )
    class_weight: ClassWeight = hyperparameter(
        Choice(None, "balanced"),
        '``"balanced"`` weighs rare labels up, so that each label counts the same in the loss.',
        default=None,
        option="balanced weighs rare labels up",
    )
    unicode: Form = unicode_form(
        "nfkc", "NFKC, since a word is known only as it is written; on texts of the web accuracy is the same."
    )
    seed: int = hyperparameter(SEED, "of the choice of the held-out part.", default=0, option="")

    words_: WordNgrams = fitted()
    characters_: CharacterNgrams | None = fitted()
    model_: LinearModel = fitted()
    calibration_: Calibration = fitted()

    def top_ngrams(
        self, label: str, n: int = 10, kind: Literal["words", "characters"] = "words"
    ) -> list[tuple[str, float]]:
        """The n-grams that speak most for a label, with their weights, the heaviest first.

        Args:
            label: the label's name, as in ``task_.labels``.
            n: how many.
            kind: ``"words"`` or ``"characters"``; a space in a character n-gram is the border of a word.

        Raises:
            SettingError: the task has no such label.
        """
        refuse(Choice("words", "characters").faults("kind", kind))
        if str(label) not in self.task_.labels:
            known = self.task_.labels
            raise SettingError(
                f"There is no label {quoted(label)}, only {listed(known)}.{did_you_mean(str(label), known)}"
            )
        column, sign = self.task_.labels.index(str(label)), np.float32(1)
        if self.model_.weights.shape[1] == 1 and not self.task_.multi_label:
            column, sign = 0, np.float32(1 if column == 1 else -1)
        t = len(self.words_)
        if kind == "words":
            grams, weights = self.words_.grams(), self.model_.weights[:t, column] * self.words_.idf
        elif self.characters_ is None:
            return []
        else:
            grams, weights = self.characters_.grams, self.model_.weights[t:, column] * self.characters_.idf
        order = np.argsort(-sign * weights, kind="stable")[:n]
        return [(grams[i], float(sign * weights[i])) for i in order.tolist()]

    @property
    def known_words(self) -> WordNgrams:  # noqa: D102
        return self.words_

    def is_drawn(self, valid: Dataset | None) -> bool:
        """What it draws is which rows are held out for its choices."""
        return not valid

    def passes(self, rows: int) -> float:  # noqa: D102
        return fits_for(rows)

    def _fit(self, train: Dataset, valid: Dataset | None) -> None:
        most = self._most_of_a_kind(len(train.task))
        scipy = import_scipy("Training n-grams")
        self.words_, counts = WordNgrams.fit(train.texts, self.words[1], self.min_count, most)
        self.characters_, grams = None, None
        sizes = self._character_sizes(counts)
        if sizes is not None:
            vocabulary = self.words_.words + counts.strange
            tokens = scipy.sparse.hstack((counts.words.csr(), counts.unknown.csr()), "csr")
            self.characters_, grams = CharacterNgrams.fit(vocabulary, tokens, sizes, self.min_count, most)
        design = NgramDesign.of(counts, self.words_, grams)
        checks = None if valid is None else (self._design(valid.texts), valid)
        choice = fit_chosen(design, train, checks, C=self.C, class_weight=self.class_weight, seed=self.seed)
        self.model_, self.calibration_ = choice.model, choice.calibration
        self._held_out(train, choice.held)
        self._weigh_decision(train, self.class_weight)
        self._choose_decision(*choice.checked())
        sizes_of = {"word_ngrams": len(self.words_), "character_ngrams": len(self.characters_ or ())}
        if self.max_features == "auto" and most < _MOST_FEATURES and max(self._kinds()) == most:
            self.notes_: tuple[str, ...] = (
                *self.notes_,
                f"With {len(train.task):,} labels only the {most:,} most frequent n-grams of each kind are kept, whose "
                f"weights take {megabytes(self.model_.weights.nbytes)}; max_features= keeps more.",
            )
        self.chosen_: dict[str, Any] = choice.to_dict() | sizes_of
        self._prepare()

    def _most_of_a_kind(self, labels: int) -> int:
        """How many n-grams of each number of words, and of characters, are kept."""
        if self.max_features != "auto":
            return int(self.max_features)
        return max(_FEWEST_FEATURES, min(_MOST_FEATURES, _MOST_WEIGHTS // (labels * (self.words[1] + 1))))

    def _kinds(self) -> tuple[int, ...]:
        """How many n-grams of each kind there are."""
        return (len(self.words_.words), *map(len, self.words_.longer), len(self.characters_ or ()))

    def _character_sizes(self, counts: Counts) -> Sizes | None:
        if self.characters != "auto":
            return self.characters
        distinct = (len(counts.words.values) + len(counts.unknown.values)) / len(counts.words)
        return None if distinct > _LONG_TEXT else _CHARACTERS

    def _design(self, texts: Sequence[str]) -> NgramDesign:
        counts, characters = self.words_.count_all(texts), self.characters_
        grams = None if characters is None else characters.weigh(self.words_.words + counts.strange)
        return NgramDesign.of(counts, self.words_, grams)

    def _prepare(self) -> None:
        """Sums up what each known word adds to the scores, through itself and through its characters.

        Not where there are so many labels that the sums would take more memory than they are worth.
        """
        w, t, m = len(self.words_.words), len(self.words_), self.model_.weights.shape[1]
        self._squares, self._word_scores = self.words_.idf**2, None
        grams = None if self.characters_ is None else self.characters_.weigh(self.words_.words)
        self._character_squares = None if grams is None else row_sums(grams.squared())
        if w * m > _MOST_SUMS:
            return
        scores = self.words_.idf[:, None] * self.model_.weights[:t]
        self._longer_scores, self._word_scores = scores[w:], scores[:w]
        if grams is not None:
            self._word_scores = np.hstack((scores[:w], grams @ self.model_.weights[t:]))

    def _proba(self, texts: list[str]) -> Floats:
        characters = min(MOST_CHARACTERS, (MOST_CHARACTERS << 9) // self.model_.weights.shape[1])
        parts = track(chunks(texts, characters), "predicting", total=len(texts), amount=len)
        return np.concatenate([self.calibration_.probabilities(self._scores(part), self.task_) for part in parts])

    def _familiarity(self, texts: list[str]) -> Familiarity:
        """(n,) the share of the different words of each text that the model knows; 0 of one without words."""
        parts = [self.words_.count(part) for part in chunks(texts)]
        known, other = (
            np.concatenate([np.diff(counted.starts) for counted in each]).astype(np.float32)
            for each in ([part.words for part in parts], [part.unknown for part in parts])
        )
        return np.asarray(known / np.maximum(known + other, 1))

    def _scores(self, texts: Sequence[str]) -> Floats:
        """(n, m) scores: ``model_.scores`` of ``_design``, without making it, and without SciPy."""
        w = len(self.words_.words)
        counts = self.words_.count(texts)
        grams = None if self.characters_ is None else self.characters_.weigh(counts.strange)
        by_word, by_character = (
            self._sums(counts, grams) if self._word_scores is None else self._looked_up(counts, grams)
        )
        squares = counts.words.squared()
        length = np.sqrt(squares @ self._squares[:w] + counts.longer.squared() @ self._squares[w:])
        scores = by_word * inverse(length)[:, None]
        if grams is not None and self._character_squares is not None:
            length = squares @ self._character_squares + counts.unknown.squared() @ row_sums(grams.squared())
            scores += by_character * inverse(np.sqrt(length))[:, None]
        return np.asarray(scores + self.model_.bias, np.float32)

    def _looked_up(self, counts: Counts, strange: SparseRows | None) -> tuple[Floats, Floats]:
        """(n, m) what word n-grams and (n, m) what characters add up to, from the sums of ``_prepare``."""
        m = self.model_.weights.shape[1]
        assert self._word_scores is not None
        by_word = counts.words @ self._word_scores
        by_character = by_word[:, m:]
        if strange is not None:
            by_character = by_character + counts.unknown @ (strange @ self.model_.weights[len(self.words_) :])
        return by_word[:, :m] + counts.longer @ self._longer_scores, by_character

    def _sums(self, counts: Counts, strange: SparseRows | None) -> tuple[Floats, Floats]:
        """The same, from the words of these texts."""
        w, t, weights = len(self.words_.words), len(self.words_), self.model_.weights
        idf = self.words_.idf
        by_word = counts.words.scaled(idf[:w]) @ weights[:w] + counts.longer.scaled(idf[w:]) @ weights[w:t]
        if self.characters_ is None or strange is None:
            return by_word, by_word[:, :0]
        here, columns = np.unique(counts.words.columns, return_inverse=True)
        known = replace(counts.words, columns=columns.astype(np.int32), width=len(here))
        grams = self.characters_.weigh([self.words_.words[i] for i in here.tolist()])
        return by_word, known @ (grams @ weights[t:]) + counts.unknown @ (strange @ weights[t:])

    @property
    def attribution(self) -> Attribution:
        """Exact: its scores are sums over n-grams."""
        return "contributions"

    def _attribute(self, text: str, label: int) -> Attributed:
        bias, calibration = self.model_.bias, self.calibration_
        slopes = mean_slopes(bias, self._scores([text])[0], calibration, self.task_, label)
        added = ngram_contributions(self.words_, self.characters_, self.model_.weights @ slopes, text)
        [base] = log_odds_of(label, calibration.probabilities(bias[None], self.task_), self.task_)
        return Attributed(added, float(base))

    def for_web(self) -> dict[str, Any]:  # noqa: D102
        from textgraft.web import word_tables

        return word_tables("unicode")

    def write_state(self, folder: Path) -> None:  # noqa: D102
        arrays: dict[str, NDArray[Any]] = {
            "words.idf": self.words_.idf,
            "weights": self.model_.weights,
            "bias": self.model_.bias,
            "calibration.scale": self.calibration_.scale,
            "calibration.shift": self.calibration_.shift,
        }
        arrays |= {f"words.pairs.{n}": pairs for n, pairs in enumerate(self.words_.longer, start=2)}
        content: dict[str, Any] = {"words": self.words_.words, "characters": None}
        if self.characters_ is not None:
            arrays["characters.idf"] = self.characters_.idf
            content["characters"] = {"sizes": self.characters_.sizes, "grams": self.characters_.grams}
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "ngrams.safetensors")
        (folder / "ngrams.json").write_text(json.dumps(content), "utf-8")

    def read_state(self, folder: Path, runtime: Runtime | None = None) -> None:  # noqa: ARG002, D102 - it has no network
        tensors = Tensors.read(folder / "ngrams.safetensors")
        content = read_object(folder / "ngrams.json", {"words", "characters"})
        self.words_ = WordNgrams.restored(content["words"], tensors)
        characters, m = content["characters"], score_columns(self.task_)
        self.characters_ = None if characters is None else CharacterNgrams.restored(characters, tensors)
        features = len(self.words_) + len(self.characters_ or ())
        self.model_ = LinearModel(tensors("weights", features, m), tensors("bias", m))
        self.calibration_ = Calibration.restored(tensors, self.task_, "calibration.")
        self._prepare()


@dataclass(frozen=True)
class NgramDesign:
    """The design of n texts: their word n-grams beside their character n-grams, the latter as a product.

    The (n, c) matrix of character n-grams is ``tokens @ grams``. It is never made: it would have ten times the
    entries of its factors.
    """

    terms: sparse.csr_matrix  # (n, t) TF-IDF of word n-grams, rows of length 1
    tokens: sparse.csr_matrix  # (n, w) sublinear frequencies of all words; rows of the product have a length near 1
    grams: sparse.csr_matrix  # (w, c) character n-grams of each word times their idf

    @classmethod
    def of(cls, counts: Counts, words: WordNgrams, grams: SparseRows | None) -> NgramDesign:
        """The design of counted texts; ``grams`` are those of the known and then the unknown words, or None.

        Raises:
            MissingExtraError: SciPy is not installed.
        """
        scipy = import_scipy("Training n-grams")
        terms = scipy.sparse.hstack((counts.words.csr(), counts.longer.csr()), "csr")
        terms.data *= words.idf[terms.indices]
        scale_rows(terms, inverse(np.sqrt(row_sums(terms.power(2)))))
        if grams is None:
            return cls(terms, terms[:, :0], terms[:0, :0])
        tokens = scipy.sparse.hstack((counts.words.csr(), counts.unknown.csr()), "csr")
        scale_rows(tokens, inverse(np.sqrt(tokens.power(2) @ row_sums(grams.squared()))))
        return cls(terms, tokens, grams.csr())

    @property
    def shape(self) -> tuple[int, int]:
        """n, t + c."""
        return (self.terms.shape[0], self.terms.shape[1] + self.grams.shape[1])

    def times(self, W: Floats) -> Floats:
        """(n, k) product with a (t + c, k) matrix."""
        t = self.terms.shape[1]
        return self.terms @ W[:t] + self.tokens @ (self.grams @ W[t:])  # type: ignore[no-any-return]

    def transposed_times(self, R: Floats) -> Floats:
        """(t + c, k) product of the transpose with an (n, k) matrix."""
        return np.vstack((self.terms.T @ R, self.grams.T @ (self.tokens.T @ R)))

    def squares(self, weights: Floats | None = None) -> Floats:
        """(t + c,) sums of the squares of the columns, as if a text had an n-gram through one of its words only."""
        terms, tokens = (column_sums(part.power(2), weights) for part in (self.terms, self.tokens))
        return np.concatenate((terms, self.grams.power(2).T @ tokens)).astype(np.float32)

    def rows(self, at: NDArray[Any] | slice) -> NgramDesign:  # noqa: D102
        return NgramDesign(self.terms[at], self.tokens[at], self.grams)


def row_sums(matrix: SparseRows | sparse.csr_matrix) -> Floats:
    """(n,) sums of the rows."""
    return matrix @ np.ones(matrix.shape[1], np.float32)


def column_sums(matrix: sparse.csr_matrix, weights: Floats | None = None) -> Floats:
    """(f,) sums of the columns, of rows that count as (n,) ``weights`` say."""
    return np.asarray(matrix.sum(axis=0) if weights is None else matrix.T @ weights, np.float32).ravel()


def scale_rows(matrix: sparse.csr_matrix, factors: Floats) -> None:
    """Multiplies rows by factors, in place."""
    matrix.data *= np.repeat(factors, np.diff(matrix.indptr))


def inverse(lengths: Floats) -> Floats:
    """``1 / length``, and 0 of what has no length: the text has no n-gram that is known."""
    return np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
