"""Over HTTP: a revoked token ends its streams and downloads in every web process."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from app.domain.access import Permission
from app.domain.deployment import Status
from app.usecases import tokens
from testing.event_stream import Watcher
from testing.factories import ROOT
from testing.installation import Installation, is_ready
from testing.ports import free_port
from testing.processes import Process
from testing.runs import release
from testing.waiting import PATIENCE, eventually

#: Says something, and waits until a file `go` lies beside it.
WAITS = """#!/bin/sh
echo begun
until [ -e "$(dirname "$0")/go" ]; do sleep 0.1; done
echo goes on
"""
#: More bytes than the buffers of a connection hold.
MANY = 8_000_000
PRINTS_MUCH = f"#!/bin/sh\nhead -c {MANY} /dev/zero | tr '\\0' x | fold -w 1000\n"
SCOPES = (Permission.VIEW,)


@pytest.fixture(scope="module")
def second(fastdeploy: Installation) -> Iterator[tuple[Process, str]]:
    """Another web process on the same database, with its address."""
    port = free_port()
    started = fastdeploy.start("web", FASTDEPLOY_PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url) as client:
        eventually(lambda: is_ready(client))
    yield started, url
    started.stop()


def test_streams_of_a_revoked_token_end_in_two_web_processes(
    fastdeploy: Installation, client: httpx.Client, second: tuple[Process, str]
) -> None:
    fastdeploy.write_service("waits", WAITS)
    number = fastdeploy.launch("waits")
    eventually(lambda: b"begun" in fastdeploy.output(number))
    secret = tokens.create_token(fastdeploy.store, ROOT, "revoked soon", SCOPES)
    path = f"/api/v1/deployments/{number}/events"
    headers = {"Authorization": f"Bearer {secret}"}
    timeout = httpx.Timeout(PATIENCE)
    other = Watcher(client, path)
    with (
        ThreadPoolExecutor() as pool,
        httpx.Client(base_url=fastdeploy.url, headers=headers, timeout=timeout) as one,
        httpx.Client(base_url=second[1], headers=headers, timeout=timeout) as two,
    ):
        theirs = [Watcher(each, path) for each in (one, two)]
        reading = [pool.submit(each.watch) for each in theirs]
        others = pool.submit(other.watch)
        eventually(lambda: all(each.events for each in (*theirs, other)))

        tokens.revoke_token(fastdeploy.store, ROOT, "revoked soon")
        for each in reading:
            # A busy server breaks a stream off that doesn't end by itself in time.
            with suppress(httpx.TransportError):
                each.result(timeout=PATIENCE)
        still_running = fastdeploy.status(number)
        refused = [each.get(path).status_code for each in (one, two)]
        release(fastdeploy, "waits")
        others.result(timeout=PATIENCE)

    assert Status.RUNNING is still_running
    assert [False, False] == [each.ended for each in theirs]
    assert [401, 401] == refused
    assert other.ended
    assert "goes on" in [event["text"] for event in other.events]


def broken_off(web: Process, path: str) -> bool:
    return any(
        "response.revoked" in line and path in line for line in web.log.splitlines()
    )


def test_a_download_with_a_revoked_token_is_not_taken_for_the_whole_file(
    fastdeploy: Installation, second: tuple[Process, str]
) -> None:
    """The client reads nothing for a while; the server doesn't wait for it."""
    fastdeploy.write_service("prints", PRINTS_MUCH)
    number = fastdeploy.run("prints").id
    secret = tokens.create_token(fastdeploy.store, ROOT, "reader", SCOPES)
    web, url = second
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        connection.sendall(
            f"GET /deployments/{number}/output HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {secret}\r\n\r\n".encode()
        )
        received = connection.recv(1000)

        tokens.revoke_token(fastdeploy.store, ROOT, "reader")
        eventually(lambda: broken_off(web, f"/deployments/{number}/output"))
        while piece := connection.recv(65536):
            received += piece

    assert received.startswith(b"HTTP/1.1 200")
    assert len(received) < MANY
    # The last chunk of a complete response is empty.
    assert not received.endswith(b"\r\n0\r\n\r\n")
