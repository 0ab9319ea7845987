"""The socket of a service: opened once, before anything else, and kept by whoever starts its processes.

All processes accept from the one socket, so that connections wait for none that has died, and a busy process, which
comes to accept later, gets fewer of them.
"""

from __future__ import annotations

import errno
import socket

from textgraft.errors import SettingError
from textgraft.unicode import quoted

BACKLOG = 2048  # connections that wait until they are accepted


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address.

    Raises:
        SettingError: the address is none of this machine, or in use.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SettingError(f"--host (host=) {quoted(host)} is no address: {error.strerror}.") from None
    listening = socket.socket(family, kind, protocol)
    try:
        # One that was open a moment ago may be taken again; on Windows the option would let others steal it.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _refused(error, host, port) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """The address for a browser."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(error: OSError, host: str, port: int) -> SettingError:
    if error.errno == errno.EADDRINUSE:
        return SettingError(f"Port {port} of {host} is in use; give another with --port (port=), or 0 for any.")
    if error.errno == errno.EACCES:
        return SettingError(f"Port {port} of {host} may not be opened by this user; ports from 1024 on may.")
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingError(f"--host (host=) {quoted(host)} is no address of this machine.")
    return SettingError(f"Nothing can listen at port {port} of {host}: {error.strerror}.")
