"""Serve the web application with uvicorn."""

import asyncio
import socket

import uvicorn

from app.bootstrap.web import make_web
from app.sd_notify import READY, STOPPING, notify
from app.settings import Settings
from app.sockets import inherited, listen
from app.web.connection import TimedConnection

#: Seconds to wait for open requests when the process stops; streams end at once.
GRACE = 5
#: Seconds to wait for the request of a connection that was accepted just before.
SETTLE = 0.2


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSetting if it can't listen."""
    listeners = inherited() or [listen(settings.host, settings.port)]
    config = uvicorn.Config(
        make_web(settings),
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
