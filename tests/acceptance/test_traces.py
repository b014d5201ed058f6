"""Traces of deployments reach a collector, and no run waits for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Row, func, select, update

from app.domain.deployment import Status
from app.domain.trace import trace_id_of
from app.store.trace_tables import traces
from testing.command_line import command
from testing.installation import Installation
from testing.otlp_receiver import OtlpReceiver, ReceivedSpan
from testing.scripts import HELLO
from testing.waiting import eventually

TOKEN = "canary-of-the-collector"
CALLER = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
HOSTS = "one ansible_connection=local\ntwo ansible_connection=local\n"
PLAYBOOK = """\
- name: Prepare all
  hosts: all
  gather_facts: false
  tasks:
    - name: Say hello
      ansible.builtin.debug:
        msg: canary-of-the-output {{ word }}
- name: Break one
  hosts: one
  gather_facts: false
  tasks:
    - name: Fail
      ansible.builtin.fail:
        msg: canary-of-the-message
"""


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver().serving() as found:
        yield found


def tracing(receiver: OtlpReceiver) -> dict[str, str]:
    return {
        "FASTDEPLOY_OTLP_URL": receiver.url,
        "FASTDEPLOY_OTLP_HEADERS": f"Authorization=Bearer {TOKEN}",
        "FASTDEPLOY_URL": "https://fd.example.org",
        "FASTDEPLOY_LOG_FORMAT": "json",
    }


def children(receiver: OtlpReceiver, parent: ReceivedSpan) -> list[str]:
    found = [each for each in receiver.spans if each.parent_id == parent.span_id]
    assert all(parent.trace_id == each.trace_id for each in found)
    return [each.name for each in found]


def launch(installation: Installation, service: str) -> int:
    with installation.client() as client:
        answer = client.post(
            "/api/v1/deployments",
            json={"service": service, "variables": {"word": "canary-variable"}},
            headers={"traceparent": f"00-{CALLER[0]}-{CALLER[1]}-01"},
        )
        return int(answer.raise_for_status().json()["id"])


def test_a_deployment_is_a_trace_of_its_queue_preparation_plays_tasks_and_hosts(
    installation: Installation, receiver: OtlpReceiver
) -> None:
    installation.write_files(
        "site",
        {"site.yml": PLAYBOOK, "hosts": HOSTS},
        playbook="site.yml",
        inventory="hosts",
        variables={"properties": {"word": {"type": "string"}}},
    )
    installation.web()
    worker = installation.worker(**tracing(receiver))

    ended = installation.ended(launch(installation, "site"))

    assert Status.FAILED is ended.status, ended.reason
    eventually(lambda: receiver.spans)
    root = receiver.named("deploy site")
    assert trace_id_of(ended.id, ended.created_at, "site") == root.trace_id
    assert [CALLER] == root.links
    assert root.failed
    for key, value in (
        ("deployment.id", str(ended.id)),
        ("deployment.status", "failed"),
        ("url.full", f"https://fd.example.org/deployments/{ended.id}"),
    ):
        assert value == root.attributes[key]
    assert [
        "queue", "prepare", "play Prepare all", "play Break one"
    ] == children(receiver, root)  # fmt: skip
    play = receiver.named("play Prepare all")
    task = receiver.named("task Say hello")
    assert ["task Say hello"] == children(receiver, play)
    assert ["one", "two"] == sorted(children(receiver, task))
    assert (False, False) == (play.failed, task.failed)
    fail = receiver.named("task Fail")
    assert ["one"] == children(receiver, fail)
    assert (True, True) == (fail.failed, receiver.named("play Break one").failed)
    queue, prepare = receiver.named("queue"), receiver.named("prepare")
    assert root.start == queue.start <= queue.end == prepare.start <= prepare.end
    assert prepare.end <= play.start <= task.start <= task.end <= play.end <= root.end
    assert {f"Bearer {TOKEN}"} == receiver.authorizations
    assert not any(b"canary" in body for body in receiver.bodies)
    ends = [line for line in worker.log.splitlines() if "deployment.ended" in line]
    assert [root.trace_id] == [json.loads(line)["trace"] for line in ends]
    assert TOKEN not in worker.log


def test_a_collector_that_hangs_delays_no_run_and_gets_the_traces_later(
    installation: Installation, receiver: OtlpReceiver
) -> None:
    installation.write_service("hello", HELLO)
    receiver.answers.clear()
    receiver.status = 503
    worker = installation.worker(**tracing(receiver))

    ran = [installation.run("hello").status for _ in range(2)]

    assert [Status.SUCCESSFUL] * 2 == ran
    assert [] == receiver.spans
    # The trace that is being sent belongs to a worker that is killed.
    eventually(lambda: any(each.attempts for each in rows(installation)))
    worker.kill()
    receiver.status = 200
    receiver.answers.set()
    with installation.store.begin() as db:
        db.execute(update(traces).values(due_at=func.now()))
    installation.worker(**tracing(receiver))
    # The killed worker may not have stored that the second trace is due.
    eventually(
        lambda: [bool(each.settled_at) for each in rows(installation)] == [True] * 2
    )
    assert 2 == len({each.trace_id for each in receiver.spans})
    # The collector may also have read the request of the killed worker: the spans of
    # a trace that is sent again have the same ids.
    roots = {
        each.span_id: each.failed
        for each in receiver.spans
        if each.name == "deploy hello"
    }
    assert [False, False] == list(roots.values())


def test_without_a_collector_nothing_is_stored(
    installation: Installation,
) -> None:
    installation.write_service("hello", HELLO)
    installation.worker()

    installation.run("hello")

    assert [] == rows(installation)
    refused = command(
        installation, "worker", FASTDEPLOY_OTLP_URL="collector:4318/v1/traces"
    )
    assert 0 != refused.returncode
    assert "FASTDEPLOY_OTLP_URL" in refused.stderr


def rows(installation: Installation) -> list[Row[Any]]:
    with installation.store.begin() as db:
        return list(db.execute(select(traces)))
