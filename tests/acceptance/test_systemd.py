"""Notifications to systemd, and the socket that it keeps while web restarts."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testing.installation import Installation
from testing.paths import ROOT
from testing.waiting import PATIENCE

#: uvicorn passes the signal on to itself once it has stopped.
STOPPED = (0, -signal.SIGTERM)
#: Like systemd: the socket is descriptor 3, and LISTEN_PID names the process.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "-m", "app", "web"])
"""


@contextmanager
def activated(installation: Installation, listener: socket.socket) -> Iterator[None]:
    """Web, with a socket that listens already; it stops in an orderly way."""
    process = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, str(listener.fileno())],
        env=os.environ | installation.variables, cwd=ROOT,
        pass_fds=[listener.fileno()],
    )  # fmt: skip
    try:
        yield
        process.terminate()
        assert process.wait(PATIENCE) in STOPPED
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("part", ["web", "worker"])
def test_systemd_is_notified_when_it_is_ready_and_when_it_stops(
    part: str, installation: Installation, tmp_path: Path
) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(PATIENCE)
        process = installation.start(part, NOTIFY_SOCKET=address)
        assert b"READY=1" == heard.recv(100)

        os.kill(process.pid, signal.SIGTERM)

        assert b"STOPPING=1" == heard.recv(100)
        assert process.wait() in STOPPED


def test_who_connects_while_web_is_restarted_waits_and_is_answered(
    installation: Installation,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(2):
            with socket.create_connection(listener.getsockname()) as early:
                early.settimeout(PATIENCE)
                early.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                with activated(installation, listener):
                    assert early.recv(100).startswith(b"HTTP/1.1 200")
