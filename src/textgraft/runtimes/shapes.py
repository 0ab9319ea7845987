"""Shapes of tensors, and what operators make of them, for networks of any form: a bound of each, nothing computed.

Values are followed where they may be shapes: whole numbers, alone or in one row. Of all other numbers only the
shape is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from textgraft.runtimes.sizes import NOTHING, ONE, WHOLE, Operation, Size, UnboundedError, bound, kept, whole

MOST_FOLLOWED: Final = 256  # numbers in a tensor whose values are followed
MOST_DIMENSIONS: Final = 16
Shape = tuple[Size, ...]
Values = tuple[Size | None, ...]


@dataclass(frozen=True)
class Tensor:
    """What is known of a tensor: its shape and, of whole numbers in one row or alone, the numbers as far as they are.

    Attributes:
        shape: a size for each dimension.
        values: as many as the shape says, None for a number that is not followed; None where none is.
        literal: the numbers of a constant of the file, of other types of whole numbers too; they may be axes or steps.
    """

    shape: Shape
    values: Values | None = None
    literal: tuple[int, ...] | None = None

    @property
    def numbers(self) -> Size:
        """How many it holds."""
        return reduce(Size.__mul__, self.shape, ONE)

    @property
    def known(self) -> list[int] | None:
        """Its numbers, if they are the same for every batch."""
        found = [] if self.values is None else [v.constant if v is not None and v.exact else None for v in self.values]
        return None if self.values is None or None in found else [number for number in found if number is not None]


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < max(rank, 1):
        raise UnboundedError(f"an operator works on axis {axis} of {rank}")
    return axis % max(rank, 1)


def sizes_in(tensor: Tensor, what: str) -> list[Size]:
    """The numbers of a tensor as sizes of another."""
    if tensor.values is None or any(value is None for value in tensor.values):
        raise UnboundedError(f"{what} makes a size of numbers that are not known before it computes")
    return [value for value in tensor.values if value is not None]


def constants_in(tensor: Tensor, what: str) -> list[int]:
    """The numbers of a tensor that are the same for every batch."""
    known = tensor.known if tensor.literal is None else list(tensor.literal)
    if known is None:
        raise UnboundedError(f"{what} reads axes or steps that are not constants")
    return known


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape that operators on elements give."""
    rank = max(map(len, shapes))
    padded = [(ONE,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(reduce(_together, sizes) for sizes in zip(*padded, strict=True))


def _together(one: Size, other: Size) -> Size:
    if ONE in (one, other):
        return other if one == ONE else one
    if one.terms == other.terms:
        return one if one.exact else other
    return one | other  # equal where it can be computed, or one of them is 1


def elementwise(operands: Sequence[Tensor], operation: Operation | None = None) -> Tensor:
    """An operator on elements; ``operation`` follows the values."""
    shape = broadcast([operand.shape for operand in operands])
    if operation is None or len(shape) > 1:
        return Tensor(shape)
    lists = [operand.values for operand in operands]
    count = shape[0].constant if shape else 1
    if count is None or count > MOST_FOLLOWED or any(values is None for values in lists):
        return Tensor(shape)
    rows = [values * count if len(values) == 1 else values for values in lists if values is not None]
    if any(len(row) != count for row in rows):
        return Tensor(shape)
    return Tensor(shape, tuple(kept(operation(*row)) for row in zip(*rows, strict=True)))


def product(one: Tensor, other: Tensor, *, turn: tuple[bool, bool] = (False, False)) -> tuple[Tensor, Size]:
    """A product of matrices, and the multiplications that it takes; ``turn`` says which are transposed."""
    a, b = one.shape, other.shape
    if not a or not b:
        raise UnboundedError("a product of matrices reads single numbers")
    a, b = (a if len(a) > 1 else (ONE, *a)), (b if len(b) > 1 else (*b, ONE))
    a = (*a[:-2], a[-1], a[-2]) if turn[0] else a
    b = (*b[:-2], b[-1], b[-2]) if turn[1] else b
    rows, columns = (a[-2],) * (len(one.shape) > 1), (b[-1],) * (len(other.shape) > 1)
    result = Tensor((*broadcast([a[:-2], b[:-2], ()]), *rows, *columns))
    return result, result.numbers * (a[-1] | b[-2])


def gathered(data: Tensor, ids: Tensor, axis: int, batch: int = 0) -> Tensor:
    """Rows of ``data`` that ids choose."""
    axis = axis_of(axis, len(data.shape))
    shape = (*data.shape[:axis], *ids.shape[batch:], *data.shape[axis + 1 :])
    places = ids.known
    if data.values is None or len(data.shape) != 1 or places is None or len(ids.shape) > 1:
        return Tensor(shape)
    if not all(-len(data.values) <= place < len(data.values) for place in places):
        raise UnboundedError("an operator chooses what is not there")
    return Tensor(shape, tuple(data.values[place] for place in places))


def gathered_elements(data: Tensor, ids: Tensor, batch: int) -> Tensor:
    """``GatherND``: parts of ``data`` at places with several numbers each."""
    depth = ids.shape[-1].constant if ids.shape else None
    if depth is None or not ids.shape[-1].exact or batch + depth > len(data.shape):
        raise UnboundedError("an operator chooses by places of unknown depth")
    return Tensor((*ids.shape[:-1], *data.shape[batch + depth :]))


def reduced(data: Tensor, axes: Sequence[int] | None, *, keep: bool) -> Tensor:
    """Sums, means or maxima over axes; None are all."""
    rank = len(data.shape)
    over = set(range(rank)) if axes is None else {axis_of(axis, rank) for axis in axes}
    sizes = ((ONE if i in over else size) for i, size in enumerate(data.shape) if keep or i not in over)
    return Tensor(tuple(sizes))


def reshaped(data: Tensor, target: Tensor, *, zero_copies: bool) -> Tensor:
    """The same numbers in another shape, of which one size may be -1, the rest, and 0 may stand for the size before."""
    wanted = sizes_in(target, "Reshape")
    if len(target.shape) != 1 or len(wanted) > MOST_DIMENSIONS:
        raise UnboundedError("Reshape makes a shape of unknown rank")
    for i, size in enumerate(wanted):
        before = data.shape[i] if zero_copies and i < len(data.shape) else NOTHING
        if size == NOTHING and zero_copies:
            wanted[i] = before
        elif not size.exact:  # it may be 0
            wanted[i] = bound(size) | before
        elif size.constant is None and not size.is_positive:
            raise UnboundedError("Reshape makes a size of what may be 0 or -1")
    numbers = data.numbers
    for i, size in enumerate(wanted):
        if size == whole(-1):
            others = reduce(Size.__mul__, wanted[:i] + wanted[i + 1 :], ONE)
            wanted[i] = numbers.divided(others) or bound(numbers)
    return Tensor(tuple(wanted), data.values if len(wanted) <= 1 else None)


def sliced(data: Tensor, axis: int, start: Size | None, stop: Size | None, step: int | None) -> Tensor:
    """A part along one axis, at most as long."""
    axis = axis_of(axis, len(data.shape))
    size = data.shape[axis]
    ends = [end.constant if end is not None and end.exact else None for end in (start, stop)]
    if len(data.shape) == 1 and data.values is not None and None not in (*ends, step) and step:
        values = data.values[slice(ends[0], ends[1], step)]
        return Tensor((whole(len(values)),), values)
    without = _left_out(ends) if step == 1 else None
    rest = None if without is None else size.minus(whole(without))
    if without == 0:
        part = size
    elif rest is not None and rest.constant is None and rest.is_counted:
        part = rest
    elif size.exact and size.constant is not None and None not in (*ends, step) and step:
        part = whole(len(range(size.constant)[slice(ends[0], ends[1], step)]))
    elif step == 1 and ends[0] == 0 and stop is not None and stop.is_positive:
        part = bound(stop)
    else:
        part = bound(size)
    return Tensor((*data.shape[:axis], part, *data.shape[axis + 1 :]))


def _left_out(ends: Sequence[int | None]) -> int | None:
    """How many of any number a part from the front, to the back, leaves out at most; None where that depends on it."""
    start, stop = ends
    if start is None or stop is None or start < 0 or 0 <= stop < WHOLE - 1:
        return None
    return start - min(stop, 0)


def concatenated(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Parts one behind the other."""
    axis = axis_of(axis, len(parts[0].shape))
    if len({len(part.shape) for part in parts}) > 1:
        raise UnboundedError("an operator joins what has different ranks")
    columns = list(zip(*(part.shape for part in parts), strict=True))
    shape = tuple(reduce(Size.__add__ if i == axis else Size.__or__, sizes) for i, sizes in enumerate(columns))
    if len(shape) != 1 or sum(len(part.values or ()) for part in parts) > MOST_FOLLOWED:
        return Tensor(shape)
    values: list[Size | None] = []
    for part in parts:
        count = part.shape[0].constant
        if count is None or not part.shape[0].exact or count > MOST_FOLLOWED:
            return Tensor(shape)
        values += part.values or (None,) * count
    return Tensor(shape, tuple(values))


def counted(what: str, start: Tensor, stop: Tensor, step: Tensor) -> Tensor:
    """The numbers from ``start`` to before ``stop``."""
    (first,), (last,), (by,) = (sizes_in(part, what) for part in (start, stop, step))
    if by.constant in (None, 0) or not by.exact:
        raise UnboundedError(f"{what} counts in steps that are not known")
    forward = by.is_positive
    length = last.minus(first) if forward else first.minus(last)
    if length is None and forward and first.exact and first.constant is not None and first.constant >= 0:
        length = bound(last)
    if length is None:
        raise UnboundedError(f"{what} counts from and to what is not known")
    if by.constant not in (1, -1) or not length.is_counted:
        length = bound(length)
    return Tensor((length,))


def converted(data: Tensor, *, keeps: bool) -> Tensor:
    """The same in another type; ``keeps`` says whether it is one of which values are followed."""
    return Tensor(data.shape, tuple(map(kept, data.values)) if keeps and data.values is not None else None)


def squeezed(data: Tensor, axes: Sequence[int] | None) -> Tensor:
    """Without axes of one; None are all such."""
    if axes is None:
        if any(size.constant is None or not size.exact for size in data.shape):
            raise UnboundedError("Squeeze does not say which axes")
        axes = [i for i, size in enumerate(data.shape) if size == ONE]
    gone = {axis_of(axis, len(data.shape)) for axis in axes}
    return Tensor(tuple(size for i, size in enumerate(data.shape) if i not in gone), data.values)


def unsqueezed(data: Tensor, axes: Sequence[int]) -> Tensor:
    """With more axes of one."""
    rank = len(data.shape) + len(axes)
    new, rest = {axis_of(axis, rank) for axis in axes}, iter(data.shape)
    if len(new) < len(axes):
        raise UnboundedError("Unsqueeze names an axis twice")
    shape = tuple(ONE if i in new else next(rest) for i in range(rank))
    return Tensor(shape, data.values if rank < 2 else None)


def split(data: Tensor, axis: int, parts: Sequence[int] | int) -> list[Tensor]:
    """Parts along an axis: their lengths, or how many there are of the same length; one may be -1, the rest."""
    axis = axis_of(axis, len(data.shape))
    size = data.shape[axis]
    if isinstance(parts, int):
        lengths = [size.divided(whole(parts)) or bound(size)] * parts
    else:
        rest = size.minus(whole(sum(part for part in parts if part >= 0)))
        rest = rest if rest is not None and rest.is_counted else bound(size)
        lengths = [whole(part) if part >= 0 else rest for part in parts]
    return _cut(data, axis, lengths)


def _cut(data: Tensor, axis: int, lengths: Sequence[Size]) -> list[Tensor]:
    """Parts of these lengths, with the values of each as far as it is known which they are."""
    made, start = [], 0
    for length in lengths:
        shape, values = (*data.shape[:axis], length, *data.shape[axis + 1 :]), data.values
        if len(shape) > 1 or length.constant is None or not length.exact or values is None:
            values = None
        else:
            values, start = values[start : start + length.constant], start + length.constant
            values = values if len(values) == length.constant else None
        made.append(Tensor(shape, values))
    return made


def filled(shape: Shape, value: Tensor) -> Tensor:
    """A shape full of one value, which is followed if it is one."""
    count = shape[0].constant if len(shape) == 1 and shape[0].exact else None
    if count is None or count > MOST_FOLLOWED or value.values is None or len(value.values) != 1:
        return Tensor(shape)
    return Tensor(shape, value.values * count)


def tiled(data: Tensor, times: Sequence[Size]) -> Tensor:
    """The same several times along each axis; more axes than it has come in front."""
    shape = (ONE,) * (len(times) - len(data.shape)) + data.shape
    times = (ONE,) * (len(shape) - len(times)) + tuple(times)
    return Tensor(tuple(size * count for size, count in zip(shape, times, strict=True)))


def transposed(data: Tensor, order: Sequence[int]) -> Tensor:
    """Its axes in another order; none is all of them from behind."""
    rank = len(data.shape)
    order = order or range(rank)[::-1]
    if sorted(order) != list(range(rank)):
        raise UnboundedError("Transpose has another order of axes")
    return Tensor(tuple(data.shape[i] for i in order), data.values if rank == 1 else None)


def padded(data: Tensor, before: Sequence[int], behind: Sequence[int], axes: Sequence[int]) -> Tensor:
    """More at both ends of some axes."""
    shape = list(data.shape)
    for axis, first, last in zip(axes, before, behind, strict=True):
        shape[axis_of(axis, len(shape))] += whole(first + last)
    return Tensor(tuple(shape))


def convolved(
    data: Tensor, kernel: Shape, channels: Size, *, pads: Sequence[int], strides: Sequence[int], steps: Sequence[int]
) -> tuple[Tensor, Size]:
    """A convolution, and the multiplications that it takes; ``kernel`` is (inputs of a group, sizes ...)."""
    ranks = len(data.shape) - 2
    pads, strides, steps = (list(given) or [usual] * n for given, usual, n in
                            ((pads, 0, 2 * ranks), (strides, 1, ranks), (steps, 1, ranks)))  # fmt: skip
    if not len(kernel) - 1 == ranks == len(strides) == len(steps) == len(pads) // 2 > 0 or min(*strides, *steps) < 1:
        raise UnboundedError("a convolution has other axes than what it reads")
    spatial = []
    for i, size in enumerate(data.shape[2:]):
        width = kernel[1 + i].constant
        given = size + whole(pads[i] + pads[ranks + i])
        less = given.minus(whole(steps[i] * (width - 1))) if width is not None and strides[i] == 1 else None
        spatial.append(less if less is not None else bound(given))
    result = Tensor((data.shape[0], channels, *spatial))
    return result, result.numbers * reduce(Size.__mul__, kernel, ONE)
