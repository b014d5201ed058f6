"""Listening sockets: those that systemd passes, or new ones."""

import errno
import os
import socket
from pathlib import Path

from app.errors import BadSetting

#: The first descriptor that systemd passes.
_FIRST_INHERITED = 3


def inherited() -> list[socket.socket]:
    """Return the sockets that systemd passes to this process; see sd_listen_fds(3).

    systemd keeps them open during a restart, so that no connection is refused.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    number = int(os.environ.get("LISTEN_FDS", "0"))
    listeners = [socket.socket(fileno=_FIRST_INHERITED + i) for i in range(number)]
    for listener in listeners:
        listener.set_inheritable(False)
    return listeners


def listen_unix(path: Path) -> socket.socket:
    """Return a listening Unix socket, which only user and group may connect to.

    The socket of an earlier process is replaced.

    Raises:
        BadSetting: The path can't be used, or a process listens there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket() and not _is_used(path):
            path.unlink()
        before = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise BadSetting(
            f"FASTDEPLOY_SOCKET: can't listen on {path} ({error.strerror or error})"
        ) from None
    return listener


def _is_used(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 means any free port.

    Raises:
        BadSetting: The address or the port can't be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY for the connections of sockets with this protocol only.
    # Without it, the end of a response may wait 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise BadSetting(
                f"FASTDEPLOY_PORT: {port} is in use; stop what listens there, "
                "or choose another port"
            ) from None
        raise BadSetting(
            f"FASTDEPLOY_HOST, FASTDEPLOY_PORT: can't listen on {host}:{port} "
            f"({error.strerror})"
        ) from None
    return listener
