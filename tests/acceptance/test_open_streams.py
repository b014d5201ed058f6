"""Over HTTP: a token has a number of open streams in all web processes together."""

from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from sqlalchemy import text

from app.domain.access import Permission
from testing.installation import Installation, is_ready
from testing.ports import free_port
from testing.processes import Process
from testing.runs import release
from testing.waiting import PATIENCE, eventually

#: Says something, and waits until a file `go` lies beside it.
WAITS = """#!/bin/sh
echo begun
until [ -e "$(dirname "$0")/go" ]; do sleep 0.1; done
"""


@pytest.fixture
def webs(fastdeploy: Installation) -> Iterator[list[tuple[Process, str]]]:
    """Two web processes that allow one stream of a token, with their addresses."""
    started = []
    for port in (free_port(), free_port()):
        limits = {"FASTDEPLOY_PORT": str(port), "FASTDEPLOY_OPEN_STREAMS": "1"}
        process = fastdeploy.start("web", **limits)
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url) as client:
            eventually(partial(is_ready, client))
        started.append((process, url))
    yield started
    for process, _ in started:
        process.kill()


def test_two_web_processes_share_the_limit_and_a_killed_one_frees_its_places(
    fastdeploy: Installation, webs: list[tuple[Process, str]]
) -> None:
    fastdeploy.write_service("waits", WAITS)
    number = fastdeploy.launch("waits")
    eventually(lambda: b"begun" in fastdeploy.output(number))
    path = f"/api/v1/deployments/{number}/events"
    token, other = (fastdeploy.token(Permission.VIEW) for _ in range(2))
    (first, first_url), (_, second_url) = webs

    def status(secret: str) -> tuple[int, str]:
        """Open a stream of the second process; return the status and Retry-After."""
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.stream(
            "GET", f"{second_url}{path}", headers=headers, timeout=PATIENCE
        ) as answer:
            return answer.status_code, answer.headers.get("retry-after", "")

    with httpx.stream(
        "GET",
        f"{first_url}{path}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    ) as held:
        assert 200 == held.status_code
        assert ((429, "5"), (200, "")) == (status(token), status(other))
        first.kill()
        # Time passes: the process reports its streams no more.
        with fastdeploy.store.begin() as db:
            asked = "SELECT max(held_until) - now() < interval '31 s' FROM open_streams"
            assert db.scalar(text(asked))
            db.execute(text("UPDATE open_streams SET held_until = now()"))
        assert (200, "") == status(token)
    release(fastdeploy, "waits")
