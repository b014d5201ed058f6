"""The live stream over HTTP: every event once and in order, whatever is cut."""

import json
import random
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.domain.access import Permission
from app.domain.deployment import Status
from tests.acceptance.conftest import Installation, eventually

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
#: Seconds in which a stream ends when its server is told to stop.
AT_ONCE = 2


@dataclass(frozen=True)
class Sent:
    """One server-sent event."""

    name: str
    data: str
    id: str


@dataclass
class Watcher:
    """A client that reads a stream, and goes on where it was when it is cut off."""

    client: httpx.Client
    path: str
    last_id: str = ""
    names: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    ended: bool = False

    def watch(self, pieces: int = sys.maxsize) -> None:
        """Read so many events of the stream, or until it is over."""
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with self.client.stream("GET", self.path, headers=headers) as response:
            assert 200 == response.status_code
            for count, sent in enumerate(server_sent(response), start=1):
                self.take(sent)
                if self.ended or (count >= pieces and sent.id):
                    return

    def take(self, sent: Sent) -> None:
        assert not self.ended, "nothing comes behind the end"
        # What comes without an id is sent again after a cut; only states do.
        if sent.id:
            self.last_id = sent.id
        self.names.append(sent.name)
        if sent.name in ("events", "output"):
            self.data.append(sent.data)
        self.ended = sent.name == "end"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event of a stream of JSON."""
        return [event for data in self.data for event in json.loads(data)]

    @property
    def lines(self) -> list[int]:
        """The number of every line of a stream of fragments."""
        return [int(n) for n in re.findall(r'id="e(\d+)"', "".join(self.data))]


def server_sent(response: httpx.Response) -> Iterator[Sent]:
    """The events of a stream, read as a browser reads them."""
    name, number, data = "message", "", []
    for line in response.iter_lines():
        key, _, value = line.partition(":")
        match key:
            case "event":
                name = value.strip()
            case "id":
                number = value.strip()
            case "data":
                data.append(value.removeprefix(" "))
            case "" if not line:
                if data:
                    yield Sent(name, "\n".join(data), number)
                name, number, data = "message", "", []


def begin(made: Installation, name: str) -> int:
    """Launch a run that prints until it is released, and wait until it does."""
    made.write_service(name, BURSTS, steps=[{"name": "build"}])
    number = made.launch(name)
    eventually(lambda: made.view(number).deployment.last_event > 10)
    return number


def release(made: Installation, name: str) -> None:
    (made.services / name / "go").touch()


def assert_everything(made: Installation, number: int, watcher: Watcher) -> None:
    """The watcher has each event of a deployment once, in order, and knows the end."""
    assert watcher.ended
    found = watcher.events
    last = made.ended(number).last_event
    assert list(range(1, last + 1)) == [event["number"] for event in found]
    assert [e.text for e in made.events(number)] == [event["text"] for event in found]


def test_a_stream_that_is_dropped_at_random_is_resumed_without_loss(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = begin(fastdeploy, "dropped")
    watcher = Watcher(client, f"/api/deployments/{number}/events")

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
    parts = {"status", "steps", "output", "failures", "recap", "end"}
    assert parts == set(watcher.names)


def test_the_stream_of_what_has_ended_is_whole_from_any_place(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    fastdeploy.write_service("ended", "#!/bin/sh\nseq 1 1500\n")
    ended = fastdeploy.run("ended")

    for after in (0, 1, 499, 500, 501, 1000, ended.last_event - 1, ended.last_event,
                  ended.last_event + 7):  # fmt: skip
        watcher = Watcher(client, f"/api/deployments/{ended.id}/events", str(after))
        watcher.watch()
        numbers = [event["number"] for event in watcher.events]
        assert list(range(after + 1, ended.last_event + 1)) == numbers
        assert watcher.ended


@pytest.mark.parametrize("garbage", ["-1", "x", "1e3", "9" * 40, "1; DROP TABLE"])
def test_a_last_event_id_that_is_no_number_starts_the_stream_again(
    fastdeploy: Installation, client: httpx.Client, garbage: str
) -> None:
    """A browser sends it by itself; in the address, a person has to correct it."""
    if "garbage" not in {path.name for path in fastdeploy.services.iterdir()}:
        fastdeploy.write_service("garbage", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("garbage")
    path = f"/api/deployments/{ended.id}/events"

    watcher = Watcher(client, path, garbage)
    watcher.watch()

    assert watcher.ended
    assert 422 == client.get(path, params={"after": garbage}).status_code


def test_twenty_watchers_see_all_of_it(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    number = begin(fastdeploy, "twenty")
    path = f"/api/deployments/{number}/events"
    with httpx.Client(
        base_url=client.base_url, headers=client.headers, timeout=30,
        limits=httpx.Limits(max_connections=30),
    ) as many:  # fmt: skip
        watchers = [Watcher(many, path) for _ in range(20)]

        with ThreadPoolExecutor(len(watchers)) as pool:
            watching = [pool.submit(watcher.watch) for watcher in watchers]
            eventually(lambda: all(watcher.names for watcher in watchers))
            release(fastdeploy, "twenty")
            for future in watching:
                future.result(timeout=30)

    for watcher in watchers:
        assert_everything(fastdeploy, number, watcher)


def test_a_stream_outlives_a_crash_of_the_web_process(
    installation: Installation,
) -> None:
    installation.worker()
    web = installation.web()
    number = begin(installation, "restarted")
    with installation.client() as client:
        watcher = Watcher(client, f"/api/deployments/{number}/events")

        watcher.watch(pieces=3)
        with ThreadPoolExecutor() as pool:
            cut_off = pool.submit(watcher.watch)
            seen = len(watcher.names)
            eventually(lambda: len(watcher.names) > seen)
            web.kill()
            with suppress(httpx.TransportError):
                cut_off.result(timeout=30)
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
        watcher = Watcher(client, f"/api/deployments/{number}/events")
        watching = pool.submit(watcher.watch)
        eventually(lambda: watcher.events)

        began = time.monotonic()
        code = web.stop()
        with suppress(httpx.TransportError):
            watching.result(timeout=AT_ONCE)
        took = time.monotonic() - began

    # uvicorn ends by the signal that it was stopped by, once all is closed.
    assert -signal.SIGTERM == code
    assert took < AT_ONCE
    assert not watcher.ended
    assert Status.RUNNING is installation.status(number)


def test_a_stream_is_for_those_who_may_see_it(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    fastdeploy.write_service("guarded", "#!/bin/sh\necho hello\n")
    ended = fastdeploy.run("guarded")
    path = f"{fastdeploy.url}/api/deployments/{ended.id}/events"
    syncing = fastdeploy.token(Permission.SYNC)

    anonymous = httpx.get(path)
    without_scope = httpx.get(path, headers={"Authorization": f"Bearer {syncing}"})
    nowhere = client.get("/api/deployments/999999/events")

    assert [401, 403, 404] == [
        answer.status_code for answer in (anonymous, without_scope, nowhere)
    ]


def last_state(client: httpx.Client, number: int) -> str:
    return client.get(f"/api/deployments/{number}").text
