"""Runs on several hosts, recorded without a worker."""

import json
from collections.abc import Mapping
from typing import Any

from app import bootstrap
from app.domain.deployment import Origin, Status
from app.domain.options import Options
from app.domain.service import Service
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, record
from testing.factories import (
    ROOT,
    add_service,
    make_runner_line,
    make_service,
    record_lines,
)


def make_playbook_service(name: str) -> Service:
    """Return a playbook service that allows all options, and has a version."""
    return make_service(
        name=name,
        deploy_script=None,
        playbook="site.yml",
        steps=[],
        options=list(Options.model_fields),
        variables={"properties": {"version": {"type": "string"}}},
    )


def inventory(**groups: list[str]) -> bytes:
    """Return a line: the first play starts, with the hosts of the inventory."""
    return make_runner_line(
        event="playbook_on_play_start",
        event_data={"play": "Deploy", "hosts": [], "inventory": groups},
    )


def gathers(host: str, **facts: object) -> bytes:
    """Return a line: `setup` has gathered facts of a host."""
    return make_runner_line(
        event_data={
            "task": "Gathering Facts",
            "task_action": "gather_facts",
            "host": host,
            "res": {"changed": False, "ansible_facts": facts},
        }
    )


def with_fields(line: bytes, **fields: object) -> bytes:
    """Return the line of an event with further fields of the callback plugin."""
    event = json.loads(line)
    return json.dumps(event | {"event_data": event["event_data"] | fields}).encode()


def run_on_hosts(
    store: Store,
    settings: Settings,
    service: Service,
    *lines: bytes,
    version: str = "",
    exit_code: int = 0,
    status: Status | None = Status.SUCCESSFUL,
    **options: Any,
) -> int:
    """Record a deployment with these lines, and its end; return its number.

    With another `status`, it ends without an exit code; with None, it goes on.
    """
    number = _launch(store, settings, service, version, options)
    record.mark_running(
        store, record.mark_starting(store, number, settings.node).deployment
    )
    record_lines(store, number, *lines)
    if status is Status.SUCCESSFUL:
        record.finish(store, number, exit_code)
    elif status is not None:
        record.fail(store, number, "", status)
    return number


def _launch(
    store: Store,
    settings: Settings,
    service: Service,
    version: str,
    options: Mapping[str, Any],
) -> int:
    return deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        service_name=add_service(store, service).name,
        given={"version": version} if version else {},
        options=Options.model_validate(options),
        idempotency_key=None,
    )
