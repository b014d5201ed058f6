"""Whatever a run prints: it isn't hurt, its output is kept whole, its end is right."""

import json
import re
import signal
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import httpx
import psutil
import pytest

from app.domain.deployment import Deployment, Status
from app.runner.masking import MASK
from testing.bad_output import CASES, UUID, Case, event
from testing.installation import Installation
from testing.waiting import eventually

#: Prints the file `payload` in its folder, then does what the test appends.
SCRIPT = '#!/bin/sh\ncat "${0%/*}/payload"\n'
CANARY = "canary-in-the-environment"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_output_is_kept_whole_and_the_outcome_is_right(
    fastdeploy: Installation, client: httpx.Client, case: Case,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    name = request.node.callspec.id

    ended = run(fastdeploy, name, case)

    status = Status.FAILED if case.reason else Status.SUCCESSFUL
    assert (status, case.exit_code, case.reason) == (
        ended.status, ended.exit_code, ended.reason
    )  # fmt: skip
    assert dict(case.steps) == fastdeploy.states(ended.id)
    journal = fastdeploy.run_folder(ended.id) / "journal"
    assert same(case.payload, journal.read_bytes())
    response = client.get(f"/api/v1/deployments/{ended.id}/output")
    assert same(case.payload, response.content)
    assert_harmless(client, ended, case.shown)
    eventually((fastdeploy.run_folder(ended.id) / "artifacts").exists)
    assert ["artifacts", "journal", "lock", "pid", "rc", "run.json"] == sorted(
        path.name for path in fastdeploy.run_folder(ended.id).iterdir()
    )


def test_a_run_may_print_events_of_ansible_runner_but_only_well_formed_ones_count(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    hostile = {"play": "<script>", "task": "\x1b[31m<b>", "host": "../../x", "res": {}}
    payload = event(event_data=hostile, stdout="<img src=x onerror=alert(1)>\x1b[2J")
    ended = run(fastdeploy, "well-formed", Case(payload + b"\n"))

    artifacts = client.get(f"/api/v1/deployments/{ended.id}/artifacts").json()

    assert {f"job_events/1-{UUID}.json", "rc", "status", "stderr", "stdout"} == {
        artifact["path"] for artifact in artifacts
    }
    name = f"/deployments/{ended.id}/artifacts/job_events/1-{UUID}.json"
    assert payload == client.get(f"{name}?download=1").content
    assert_markup_is_ours(client.get(name).text)
    assert_harmless(client, ended, "<img src=x onerror=alert(1)>")


def test_the_environment_in_a_status_line_is_not_recorded(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    line = json.dumps(
        {"status": "starting", "runner_ident": "1", "env": {"KEY": CANARY},
         "command": [CANARY]}
    )  # fmt: skip
    ended = run(fastdeploy, "status-line", Case(line.encode() + b"\nafter\n"))
    masked = {"status": "starting", "runner_ident": "1", "env": MASK, "command": MASK}

    page = client.get(f"/deployments/{ended.id}").text
    stream = client.get(f"/api/v1/deployments/{ended.id}/events").text

    printed, after = fastdeploy.output(ended.id).splitlines()
    assert (masked, b"after") == (json.loads(printed), after)
    assert CANARY not in page + stream
    with fastdeploy.store.begin() as db:
        rows = db.exec_driver_sql("SELECT events::text FROM events").scalars().all()
    assert not [row for row in rows if CANARY in row]


def test_a_child_that_keeps_stdout_does_not_keep_the_deployment(
    fastdeploy: Installation,
) -> None:
    ending = "sleep 600 & echo $!"
    ended = run(fastdeploy, "leaves-a-child", Case(b"", ending=ending))

    child = psutil.Process(int(fastdeploy.output(ended.id)))

    assert Status.SUCCESSFUL is ended.status
    assert child.is_running()
    with suppress(psutil.NoSuchProcess):
        child.send_signal(signal.SIGKILL)
    eventually(lambda: not fastdeploy.run_processes(ended.id))


def run(fastdeploy: Installation, name: str, case: Case) -> Deployment:
    """Run a service that prints the case's payload, and return how it ended."""
    declared = [{"name": "build"}, {"name": "check"}]
    folder = fastdeploy.write_service(name, SCRIPT + case.ending, steps=declared)
    Path(folder, "payload").write_bytes(case.payload)
    return fastdeploy.run(name)


def same(one: bytes, other: bytes) -> bool:
    """Return whether they are equal, without 20 MiB of difference in the report."""
    return one == other


def assert_harmless(client: httpx.Client, ended: Deployment, shown: str) -> None:
    """Page and stream show the run, and nothing of it is markup or a control."""
    page = client.get(f"/deployments/{ended.id}")
    # Of a long output its end: what a browser has to take is not what we look at.
    after = max(ended.last_event - 500, 0)
    stream = client.get(f"/deployments/{ended.id}/events?after={after}")
    data = re.sub(r"(?m)^(data|event|id|: .*): ?", "", stream.text)
    for content in (page.text, data):
        assert_markup_is_ours(content)
        assert shown in Markup(content).text
    assert 200 == page.status_code
    assert 1 == len(re.findall(r"(?m)^event: end\r?$", stream.text))
    assert "script-src" in page.headers["content-security-policy"] or (
        "default-src 'self'" in page.headers["content-security-policy"]
    )


def assert_markup_is_ours(content: str) -> None:
    found = Markup(content)
    assert [] == found.hostile
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", content)


class Markup(HTMLParser):
    """What a browser would make of a page: its text, and what could be executed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self._texts: list[str] = []
        self.hostile: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"iframe", "object", "embed", "img", "base", "style"} or (
            tag == "script" and not (values.get("src") or "").startswith("/static/")
        ):
            self.hostile.append(tag)
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or "").lower():
                self.hostile.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    @property
    def text(self) -> str:
        """What a person reads."""
        return "".join(self._texts)
