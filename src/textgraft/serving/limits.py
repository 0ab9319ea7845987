"""How much of anything a service takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from textgraft.errors import SettingError
from textgraft.unicode import quoted

# What may be given for each: at least, at most.
_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "max_batch_tokens": (1, 1 << 20),
    "max_wait_ms": (0, 60_000),
    "max_queue": (1, 1 << 24),
    "max_delay_s": (0.01, 3600),
    "max_body_bytes": (1 << 10, 1 << 31),
    "max_texts": (1, 1 << 20),
    "max_characters": (1, 1 << 28),
    "max_explained": (0, 1 << 10),
    "timeout_s": (0.1, 86_400),
    "receive_s": (0.1, 86_400),
    "drain_s": (0, 86_400),
}


@dataclass(frozen=True)
class Limits:
    """What a service takes at most; all of it is checked before a model is touched.

    Attributes:
        max_batch_tokens: of a batch, padding included, about; a longer text is a batch of its own.
        max_wait_ms: milliseconds that a batch of few texts may wait for more of them, and only where texts come faster
            than they are computed.
        max_queue: texts that wait for a model.
        max_delay_s: seconds that a request may have to wait until it is begun; one that would wait longer is refused,
            so that an overload is over as soon as it ends.
        max_body_bytes: of a request.
        max_texts: of a request.
        max_characters: of a text.
        max_explained: texts of a request that are explained.
        timeout_s: seconds until a request that was not answered is given up.
        receive_s: seconds that a client may take to send a head, a body, or the next piece of a stream.
        drain_s: seconds that a service which is ended gives to the requests that it has accepted.

    Raises:
        SettingError: a number is out of range.
    """

    max_batch_tokens: int = 2048
    max_wait_ms: float = 5.0
    max_queue: int = 2048
    max_delay_s: float = 3.0
    max_body_bytes: int = 8 << 20
    max_texts: int = 1024
    max_characters: int = 100_000
    max_explained: int = 8
    timeout_s: float = 30.0
    receive_s: float = 30.0
    drain_s: float = 30.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value, (least, most) = getattr(self, each.name), _BOUNDS[each.name]
            whole = isinstance(each.default, int)
            types = int if whole else (int, float)
            if not isinstance(value, types) or isinstance(value, bool) or not least <= value <= most:
                kind = "whole number" if whole else "number"
                raise SettingError(
                    f"{each.name} must be a {kind} from {least:,} to {most:,}; got {quoted(value)}. Give another to "
                    f"--{each.name.replace('_', '-')} ({each.name}=)."
                )
