"""How large what a network computes becomes, worked out before anything is computed.

A batch has n texts of the same length. So each size is a polynomial in these two: a constant of the file, ``n``,
``length``, or sums and products of them. Sizes that a network computes itself (``Shape``, arithmetic, ``Reshape``,
``Expand``) are followed as such polynomials; what is made of numbers that are not followed, such as those that
the network computes of the texts, is refused where it would be a size. Where a size depends on which of two it is, the
larger coefficients are taken: a bound, which may be added and multiplied, but of which nothing is subtracted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TOKENS, LENGTH = 2048, 512  # of the batch that is bounded; longer texts take more, as the square of their length
WHOLE: Final = 1 << 31  # what arithmetic in 32 bits keeps


class UnboundedError(Exception):
    """What cannot be bounded, as a clause."""


@dataclass(frozen=True)
class Size:
    """A polynomial in n and length, or a bound of one.

    Attributes:
        terms: coefficients by the powers of n and of length; none is 0.
        exact: whether it is the size, and not a bound that it does not exceed.
    """

    terms: dict[tuple[int, int], int]
    exact: bool = True

    def __add__(self, other: Size) -> Size:
        terms = dict(self.terms)
        for power, factor in other.terms.items():
            terms[power] = terms.get(power, 0) + factor
        return _size(terms, self.exact and other.exact)

    def __mul__(self, other: Size) -> Size:
        terms: dict[tuple[int, int], int] = {}
        for ((a, b), x), ((c, d), y) in itertools.product(self.terms.items(), other.terms.items()):
            terms[a + c, b + d] = terms.get((a + c, b + d), 0) + x * y
        return _size(terms, self.exact and other.exact)

    def __or__(self, other: Size) -> Size:
        """What bounds both."""
        if self == other:
            return self
        powers = self.terms.keys() | other.terms.keys()
        return _size({p: max(self.terms.get(p, 0), other.terms.get(p, 0)) for p in powers}, False)

    def minus(self, other: Size) -> Size | None:
        """The difference; None of bounds."""
        return self + other * ONE_LESS if self.exact and other.exact else None

    def divided(self, other: Size) -> Size | None:
        """The quotient, exact or a bound; None where there is neither."""
        if not other.exact or not self.is_positive:
            return None
        if len(other.terms) == 1:
            ((c, d), y) = next(iter(other.terms.items()))
            if y > 0 and all(a >= c and b >= d for a, b in self.terms):
                exact = self.exact and all(x % y == 0 for x in self.terms.values())
                if self.constant is not None and other.constant is not None:
                    return whole(self.constant // y) if self.exact else _size({(0, 0): self.constant // y}, False)
                return _size({(a - c, b - d): -(-x // y) for (a, b), x in self.terms.items()}, exact)
        return ONE if self == other else None

    @property
    def constant(self) -> int | None:
        """The number that it is whatever the batch is; None of others, and of bounds only where they are numbers."""
        return self.terms.get((0, 0), 0) if not self.terms.keys() - {(0, 0)} else None

    @property
    def is_positive(self) -> bool:
        """Whether it is more than 0 for every batch, as far as its coefficients tell."""
        return bool(self.terms) and all(factor > 0 for factor in self.terms.values())

    @property
    def is_counted(self) -> bool:
        """Whether it is below 0 for no batch, as far as its coefficients tell: each is of 1 or more."""
        less = [power for power, factor in self.terms.items() if factor < 0]
        return not less or (less == [(0, 0)] and sum(self.terms.values()) >= 0)

    @property
    def most(self) -> int:
        """Its value for the largest batch; what is subtracted does not count."""
        return sum(
            max(factor, 0) * (TOKENS**n if n >= length else TOKENS**n * LENGTH ** (length - n))
            for (n, length), factor in self.terms.items()
        )

    @property
    def is_kept(self) -> bool:
        """Whether arithmetic in 32 bits gives it."""
        return sum(_size({power: abs(factor)}, True).most for power, factor in self.terms.items()) < WHOLE

    def __str__(self) -> str:
        names = [f"{factor:,}" + " n" * n + " length" * length for (n, length), factor in self.terms.items()]
        return " + ".join(names) or "0"


def _size(terms: dict[tuple[int, int], int], exact: bool) -> Size:
    """A polynomial; of a bound, only what adds to it."""
    return Size({power: factor for power, factor in terms.items() if (factor if exact else factor > 0)}, exact)


def bound(size: Size) -> Size:
    """What is at most as large as ``size``, and not below 0."""
    return _size(size.terms, False)


def whole(number: int) -> Size:
    """A size that is the same for every batch."""
    return _size({(0, 0): number}, True)


NOTHING, ONE, ONE_LESS = whole(0), whole(1), whole(-1)
TEXTS, TOKENS_OF_EACH = Size({(1, 0): 1}), Size({(0, 1): 1})


Operation = Callable[..., Size | None]


def kept(value: Size | None) -> Size | None:
    """A value that arithmetic in 32 bits gives; None of others."""
    return value if value is not None and value.is_kept else None


def known(operation: Callable[..., Size | None]) -> Operation:
    """An operation of which nothing is known if one of its operands is not; a bound only goes with what is counted."""

    def apply(*values: Size | None) -> Size | None:
        operands = [value for value in values if value is not None and value.is_kept]
        if len(operands) < len(values):
            return None
        if not all(operand.exact for operand in operands) and not all(operand.is_counted for operand in operands):
            return None
        return operation(*operands)

    return apply


def equal(one: Size, other: Size) -> Size | None:
    """1 or 0 where it is known for every batch whether two are equal."""
    difference = one.minus(other)
    if difference is None:
        return None
    if difference.constant is not None:
        return whole(int(difference.constant == 0))
    other_way = difference * ONE_LESS
    return whole(0) if difference.is_positive or other_way.is_positive else None


def chosen(condition: Size | None, one: Size | None, other: Size | None) -> Size | None:
    """One of two, or a bound of both."""
    if condition is not None and condition.exact and condition.constant is not None:
        return one if condition.constant else other
    return EITHER(one, other)


def least(one: Size, other: Size) -> Size | None:
    """The smaller of two, or a bound of it."""
    if one.exact and other.exact and one.constant is not None and other.constant is not None:
        return whole(min(one.constant, other.constant))
    if not (one.is_counted and other.is_counted):
        return None
    return bound(one if one.constant is not None else other)


def greatest(one: Size, other: Size) -> Size | None:
    """The larger of two, or a bound of it."""
    if one.exact and other.exact and one.constant is not None and other.constant is not None:
        return whole(max(one.constant, other.constant))
    return either(one, other)


def either(one: Size, other: Size) -> Size | None:
    """A bound of what is one of two."""
    if one == other:
        return one
    return one | other if one.is_counted and other.is_counted else None


ADD, MULTIPLY = known(Size.__add__), known(Size.__mul__)
SUBTRACT, DIVIDE = known(Size.minus), known(Size.divided)
EQUAL, MINIMUM, MAXIMUM, EITHER = known(equal), known(least), known(greatest), known(either)
