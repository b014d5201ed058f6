"""Ports on which no process listens."""

import os
from contextlib import suppress
from itertools import count

from app.errors import BadSetting
from app.sockets import listen

#: Below those of net.ipv4.ip_local_port_range; a browser connects to all of them.
_PORTS = range(11_000, 31_000)
#: Each worker of pytest-xdist has every eighth of them.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_NUMBERS = count(8 * 997 * os.getpid() + _WORKER, 8)


def free_port() -> int:
    """Return a port on which no process listens.

    It stays free until it is used: the kernel gives these ports to no process, and
    two workers of pytest-xdist never get the same one.
    """
    while True:
        port = _PORTS[next(_NUMBERS) % len(_PORTS)]
        with suppress(BadSetting), listen("127.0.0.1", port):
            return port
