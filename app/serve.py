"""Serve the web application with uvicorn."""

import asyncio
import errno
import os
import socket

import uvicorn

from app import bootstrap
from app.errors import BadSetting
from app.sd_notify import READY, STOPPING, notify
from app.settings import Settings
from app.web.connection import TimedConnection

#: Seconds to wait for open requests when the process stops; streams end at once.
GRACE = 5
#: Seconds to wait for the request of a connection that was accepted just before.
SETTLE = 0.2
#: The first descriptor that systemd passes.
_FIRST_INHERITED = 3


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSetting if it can't listen."""
    listeners = inherited() or [listen(settings.host, settings.port)]
    config = uvicorn.Config(
        bootstrap.make_web(settings),
        http=TimedConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        # The proxy on this host sends the client's address. Without a proxy, any user
        # of this host could claim any address.
        proxy_headers=settings.secure_cookies,
        forwarded_allow_ips="127.0.0.1",
    )
    _Server(config).run(sockets=listeners)


class _Server(uvicorn.Server):
    """uvicorn's server, which notifies systemd and drops no connection as it stops."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notify(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify(STOPPING)
        # uvicorn closes connections without a request. So stop accepting first, and
        # give the accepted connections time to send their request.
        for server in self.servers:
            server.close()
        await asyncio.sleep(SETTLE)
        await super().shutdown(sockets)


def inherited() -> list[socket.socket]:
    """Return the sockets that systemd passes to this process; see sd_listen_fds(3).

    systemd keeps them open during a restart, so that no connection is refused.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    number = int(os.environ.get("LISTEN_FDS", "0"))
    found = [socket.socket(fileno=_FIRST_INHERITED + i) for i in range(number)]
    for listener in found:
        listener.set_inheritable(False)
    return found


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
