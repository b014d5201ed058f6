"""Serving the web application with uvicorn; a port in use is said in one sentence."""

import errno
import socket

import uvicorn

from app import bootstrap
from app.errors import BadSetting
from app.settings import Settings

#: Seconds that open requests get when the process is told to stop; streams end at once.
GRACE = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSetting if it can't listen."""
    with listen(settings.host, settings.port) as listener:
        config = uvicorn.Config(
            bootstrap.make_web(settings),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            # Behind a proxy on this host, the client's own address.
            proxy_headers=True,
            forwarded_allow_ips="127.0.0.1",
        )
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one."""
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
