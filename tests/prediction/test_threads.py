from __future__ import annotations

import threading
from itertools import count

import pytest

from textgraft.prediction.threads import behind

from .streams import threads


def test_an_error_of_writing_reaches_the_giver_and_nothing_more_is_taken() -> None:
    taken: list[int] = []

    def take(item: int) -> None:
        if item == 3:
            raise BrokenPipeError
        taken.append(item)

    def give() -> None:
        with behind(take) as put:
            for i in count():
                put(i)

    with pytest.raises(BrokenPipeError):
        give()
    assert taken == [0, 1, 2]
    assert not threads()


def test_what_is_put_behind_is_taken_while_the_giver_goes_on() -> None:
    given_on = threading.Event()
    taken: list[int] = []

    def take(item: int) -> None:
        assert given_on.wait(60)
        taken.append(item)

    with behind(take) as put:
        put(1)
        given_on.set()
        put(2)
    assert taken == [1, 2]
