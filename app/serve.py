"""Serve the web application with uvicorn."""

import asyncio
import ctypes
import gc
import socket
from contextlib import suppress

import uvicorn

from app.bootstrap.web import make_web
from app.sd_notify import READY, STOPPING, notify
from app.settings import Settings
from app.sockets import inherited, listen, listen_unix
from app.store.event_stream import Feed
from app.web.connection import TimedConnection

#: Seconds to wait for open requests when the process stops; streams end at once.
GRACE = 5
#: Seconds to wait for the request of a connection that was accepted just before.
SETTLE = 0.2
#: Options of glibc's mallopt, see malloc.h: a block of this size or more has its own
#: mapping, which is returned to the system when it is freed.
M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 128 * 1024


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSetting if it can't listen."""
    _return_freed_memory()
    listeners = inherited() or [_listen(settings)]
    app = make_web(settings)
    # What was loaded stays until the process ends. Without this, the garbage collector
    # would examine all of it now and then, and no request is answered meanwhile: that
    # takes 200 ms, for some 200,000 objects.
    gc.freeze()
    config = uvicorn.Config(
        app,
        http=TimedConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        # The proxy on this host sends the client's address. Without a proxy, any user
        # of this host could claim any address. With a secret or a Unix socket, it is
        # TrustedProxy that believes the proxy, and nobody else.
        proxy_headers=settings.secure_cookies and not _knows_proxy(settings),
        forwarded_allow_ips="127.0.0.1",
    )
    _Server(config, app.state.deps.feed).run(sockets=listeners)


def _listen(settings: Settings) -> socket.socket:
    if settings.socket is not None:
        return listen_unix(settings.socket)
    return listen(settings.host, settings.port)


def _knows_proxy(settings: Settings) -> bool:
    """Return whether requests of the proxy differ from those of other programs."""
    return bool(settings.proxy_secret.get_secret_value()) or settings.socket is not None


def _return_freed_memory() -> None:
    """Make the C library return the memory of large blocks when they are freed.

    By default, glibc raises the size of "large" up to 32 MiB. The pieces of downloads
    then stay in the heaps of the threads, several times the memory of an idle process.
    """
    # Another C library may not have this function.
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


class _Server(uvicorn.Server):
    """uvicorn's server, which notifies systemd and drops no connection as it stops.

    Those who follow a deployment are disconnected at once: they would keep the server
    from stopping.
    """

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notify(READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify(STOPPING)
        await self._feed.close()
        # uvicorn closes connections without a request. So stop accepting first, and
        # give the accepted connections time to send their request.
        for server in self.servers:
            server.close()
        await asyncio.sleep(SETTLE)
        await super().shutdown(sockets)
