"""The live stream over HTTP: every event once and in order, whatever is cut."""

import json
import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from app.domain.access import Permission
from app.domain.deployment import Status
from testing.event_stream import Watcher, assert_everything
from testing.installation import Installation
from testing.runs import release
from testing.waiting import PATIENCE, eventually

#: Prints numbered lines in bursts until a file `go` lies beside it.
BURSTS = f"""#!{sys.executable}
import pathlib, random, sys, time
go = pathlib.Path(sys.argv[0]).with_name("go")
n = 0
while not go.exists():
    for _ in range(random.choice([1, 3, 40])):
        n += 1
        print("line", n)
    sys.stdout.flush()
    time.sleep(0.01)
print("lines:", n)
"""
#: What uvicorn logs if a stream is open when its time to stop is over.
EXCEEDED = "timeout graceful shutdown exceeded"


def begin(made: Installation, name: str) -> int:
    """Launch a run that prints until it is released, and wait until it does."""
    made.write_service(name, BURSTS, steps=[{"name": "build"}])
    number = made.launch(name)
    eventually(lambda: made.view(number).deployment.last_event > 10)
    return number


def test_a_stream_that_is_dropped_at_random_is_resumed_without_loss(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = begin(fastdeploy, "dropped")
    watcher = Watcher(client, f"/api/v1/deployments/{number}/events")

    for _ in range(10):
        watcher.watch(pieces=random.randint(1, 6))
    release(fastdeploy, "dropped")
    while not watcher.ended:
        watcher.watch(pieces=random.randint(1, 6))

    assert_everything(fastdeploy, number, watcher)
    assert json.loads(last_state(client, number))["status"] == "successful"


def test_the_stream_of_a_page_is_resumed_without_loss(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = begin(fastdeploy, "page")
    watcher = Watcher(client, f"/deployments/{number}/events")

    for _ in range(5):
        watcher.watch(pieces=random.randint(1, 6))
    release(fastdeploy, "page")
    watcher.watch()

    shown = [event.number for event in fastdeploy.events(number) if event.text]
    assert shown == watcher.lines
    parts = {"status", "steps", "output", "failures", "recap", "timing", "end"}
    assert parts == set(watcher.names)


def test_the_stream_of_what_has_ended_is_whole_from_any_place(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    fastdeploy.write_service("ended", "#!/bin/sh\nseq 1 1500\n")
    ended = fastdeploy.run("ended")

    for after in (0, 1, 499, 500, 501, 1000, ended.last_event - 1, ended.last_event,
                  ended.last_event + 7):  # fmt: skip
        watcher = Watcher(client, f"/api/v1/deployments/{ended.id}/events", str(after))
        watcher.watch()
        numbers = [event["number"] for event in watcher.events]
        assert list(range(after + 1, ended.last_event + 1)) == numbers
        assert watcher.ended


@pytest.mark.parametrize("garbage", ["-1", "x", "1e3", "9" * 40, "1; DROP TABLE"])
def test_an_invalid_last_event_id_starts_the_stream_at_the_first_event(
    fastdeploy: Installation, client: httpx.Client, garbage: str
) -> None:
    """A browser sends it by itself; in the address, a person has to correct it."""
    if "garbage" not in {path.name for path in fastdeploy.services.iterdir()}:
        fastdeploy.write_service("garbage", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("garbage")
    path = f"/api/v1/deployments/{ended.id}/events"

    watcher = Watcher(client, path, garbage)
    watcher.watch()

    assert watcher.ended
    assert 422 == client.get(path, params={"after": garbage}).status_code


def test_twenty_watchers_see_all_of_it(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = begin(fastdeploy, "twenty")
    path = f"/api/v1/deployments/{number}/events"
    with httpx.Client(
        base_url=client.base_url, headers=client.headers, timeout=PATIENCE,
        limits=httpx.Limits(max_connections=30),
    ) as many:  # fmt: skip
        watchers = [Watcher(many, path) for _ in range(20)]

        with ThreadPoolExecutor(len(watchers)) as pool:
            watching = [pool.submit(watcher.watch) for watcher in watchers]
            eventually(lambda: all(watcher.names for watcher in watchers))
            release(fastdeploy, "twenty")
            for future in watching:
                future.result(timeout=PATIENCE)

    for watcher in watchers:
        assert_everything(fastdeploy, number, watcher)


def test_a_stream_outlives_a_crash_of_the_web_process(
    installation: Installation,
) -> None:
    installation.worker()
    web = installation.web()
    number = begin(installation, "restarted")
    with installation.client() as client:
        watcher = Watcher(client, f"/api/v1/deployments/{number}/events")

        watcher.watch(pieces=3)
        with ThreadPoolExecutor() as pool:
            cut_off = pool.submit(watcher.watch)
            seen = len(watcher.names)
            eventually(lambda: len(watcher.names) > seen)
            web.kill()
            with suppress(httpx.TransportError):
                cut_off.result(timeout=PATIENCE)
        assert not watcher.ended
        installation.web()
        release(installation, "restarted")
        watcher.watch()

        assert_everything(installation, number, watcher)


def test_streams_end_at_once_when_the_web_process_stops(
    installation: Installation,
) -> None:
    installation.worker()
    web = installation.web()
    installation.write_service("quiet", "#!/bin/sh\necho begun\nexec sleep 600\n")
    number = installation.launch("quiet")
    eventually(lambda: installation.output(number))
    with installation.client() as client, ThreadPoolExecutor() as pool:
        watcher = Watcher(client, f"/api/v1/deployments/{number}/events")
        watching = pool.submit(watcher.watch)
        eventually(lambda: watcher.events)

        code = web.stop()
        with suppress(httpx.TransportError):
            watching.result(timeout=PATIENCE)

    # uvicorn ends by the signal that it was stopped by, once all is closed.
    assert -signal.SIGTERM == code
    assert EXCEEDED not in web.log
    assert not watcher.ended
    assert Status.RUNNING is installation.status(number)


def test_a_stream_is_for_those_who_may_see_it(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    fastdeploy.write_service("guarded", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("guarded")
    path = f"/api/v1/deployments/{ended.id}/events"
    syncing = fastdeploy.token(Permission.SYNC)

    with fastdeploy.visitor() as visitor:
        anonymous = visitor.get(path)
        allowed = {"Authorization": f"Bearer {syncing}"}
        without_scope = visitor.get(path, headers=allowed)
    nowhere = client.get("/api/v1/deployments/999999/events")

    assert [401, 403, 404] == [
        answer.status_code for answer in (anonymous, without_scope, nowhere)
    ]


def last_state(client: httpx.Client, number: int) -> str:
    return client.get(f"/api/v1/deployments/{number}").text
