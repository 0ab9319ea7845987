"""API keys: read from a file, and compared in a time that says nothing of them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from textgraft.errors import SettingError
from textgraft.unicode import quoted_path

MOST_BYTES = 1 << 20


class Keys:
    """Keys, any of which opens the service; without any it is open to all who reach it.

    Args:
        keys: as clients send them.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def allow(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers carries a key: ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``."""
        if not self._digests:
            return True
        given = b""
        for name, value in headers:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                given = value[7:].strip()
            elif name == b"x-api-key":
                given = value.strip()
        # Digests have one length, and all keys are compared, whichever is right.
        digest, right = _digest(given), False
        for each in self._digests:
            right |= hmac.compare_digest(digest, each)
        return right


def read_keys(path: Path) -> tuple[str, ...]:
    """The keys of a file, one a line; blank lines and those that begin with ``#`` are none.

    Raises:
        SettingError: it cannot be read, holds no key, or one that no header can carry.
    """
    name = quoted_path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        lines = content.decode("ascii").splitlines()
    except OSError as error:
        raise SettingError(f"The file of API keys {name} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise SettingError(
            f"The file of API keys {name} holds other characters than ASCII; write keys of it."
        ) from None
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not keys or len(content) > MOST_BYTES:
        what = "holds no key" if not keys else f"has more than {MOST_BYTES:,} bytes"
        raise SettingError(f"The file of API keys {name} {what}; write one a line, such as openssl rand -hex 32 gives.")
    if any(not key.isprintable() or " " in key for key in keys):
        raise SettingError(f"A key in {name} has a blank or a control character, which no header can carry.")
    return keys


def _digest(key: bytes) -> bytes:
    return sha256(key).digest()
