"""Listening sockets: those that systemd passes, or new ones."""

import errno
import os
import socket

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


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 means any free port.

    Raises:
        BadSetting: The address or the port can't be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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
