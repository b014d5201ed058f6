"""Things that tests are about, made with defaults; say only what the test is about."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, update

from app import bootstrap
from app.domain.access import Actor, Role, on_host
from app.domain.deployment import Deployment, Origin
from app.domain.events import Output, RunnerEvent, Stats, StepState, TaskResult
from app.domain.service import Service
from app.queue import make_queue
from app.runner import known_hosts
from app.runner.known_hosts import HostKey
from app.settings import Settings
from app.store import services, users
from app.store.deployment_tables import deployments
from app.store.events import Occurrence
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import deploy, file_versions, passwords, record
from app.usecases.idempotency import RequestKey
from app.usecases.record import Place
from app.worker.translate import translate

#: Somebody who may do everything.
ROOT: Actor = on_host("tester")
PASSWORD = "correct horse battery staple"
NOW = datetime(2026, 5, 4, 13, 37, tzinfo=UTC)
UUID = "0a1b2c3d-0000-4000-8000-00000000002a"


def make_config(**overrides: Any) -> dict[str, Any]:
    """The content of a config.json: a script service with two steps."""
    return {
        "name": "hello",
        "deploy_script": "deploy.py",
        "steps": [{"name": "prepare"}, {"name": "verify"}],
    } | overrides


def make_service(**overrides: Any) -> Service:
    """A script service with two steps."""
    return Service.model_validate(make_config(**overrides))


def make_schema(secret: str | None = None, **properties: Any) -> dict[str, Any]:
    """The schema of launch variables; the one called `secret` is writeOnly."""
    if secret is not None:
        properties[secret] = {"type": "string", "writeOnly": True}
    return {"type": "object", "properties": properties}


def write_service(
    folder: Path,
    name: str = "hello",
    config: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write a service's folder; its files can be executed. Returns the folder."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    content = make_config(name=name) | dict(config or {})
    (place / "config.json").write_text(json.dumps(content))
    if files is None:
        files = {"deploy.py": "#!/bin/sh\n"} if "deploy_script" in content else {}
    for relative, text in files.items():
        path = place / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return place


def make_user(store: Store, name: str = "ada", role: Role = Role.ADMIN) -> str:
    """A user who has PASSWORD; returns the name."""
    with store.begin() as db:
        users.add(db, name, _hashed(), role)
    return name


@cache
def _hashed() -> str:
    """PASSWORD's hash, which takes long on purpose and is made once."""
    return passwords.make_hash(PASSWORD)


def add_service(store: Store, service: Service | None = None) -> Service:
    """Add a service, as a sync does."""
    service = service or make_service()
    with store.begin() as db:
        services.put(db, [FoundService(service.name, service)], node="here")
    return service


def request_deployment(
    store: Store,
    settings: Settings,
    service: Service | None = None,
    *,
    given: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    actor: Actor = ROOT,
) -> int:
    """Ask for a deployment of a service, which is added first; returns its number."""
    return deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=actor,
        origin=Origin.CLI,
        service_name=add_service(store, service).name,
        given=given or {},
        idempotency_key=(
            None if idempotency_key is None else RequestKey(idempotency_key)
        ),
    )


def start_deployment(
    store: Store,
    settings: Settings,
    service: Service | None = None,
    *,
    given: Mapping[str, Any] | None = None,
) -> Deployment:
    """A deployment that is running, as far as the store knows."""
    deployment_id = request_deployment(store, settings, service, given=given)
    begun = record.mark_starting(store, deployment_id, settings.node)
    return record.mark_running(store, begun.deployment)


def print_lines(store: Store, deployment_id: int, *texts: str) -> None:
    """Record lines of output behind what a deployment has."""
    found = deploy.find(store, deployment_id)
    batch = [Occurrence(datetime.now(UTC), Output(text)) for text in texts]
    grown = found.journal_offset + sum(len(text) + 1 for text in texts)
    was = Place(found.journal_offset, found.last_event)
    record.record(store, deployment_id, was=was, offset=grown, batch=batch, changed=())


def make_task(
    task: str = "",
    result: TaskResult | None = None,
    *,
    host: str = "web1",
    role: str = "",
    play: str = "Deploy",
) -> RunnerEvent:
    """Return an event of a task: its start without `result`, or its result."""
    name = "playbook_on_task_start" if result is None else f"runner_on_{result}"
    return RunnerEvent(name, None, play, role, task, host, result, "", "{}")


def make_host_key(host: str = "web1", number: int = 1) -> HostKey:
    """Return a host key; another number is another key."""
    kind = b"ssh-ed25519"
    public = number.to_bytes(32)
    blob = len(kind).to_bytes(4) + kind + len(public).to_bytes(4) + public
    return known_hosts.make(host, kind.decode(), base64.b64encode(blob).decode())


def make_recap(*failed: str) -> RunnerEvent:
    """Ansible's recap, with the hosts that failed for good."""
    stats = Stats(frozenset(failed))
    return RunnerEvent("playbook_on_stats", None, "", "", "", "", None, "", "{}", stats)


def make_runner_line(**overrides: Any) -> bytes:
    """A journal's line with an event of ansible-runner."""
    event = {
        "uuid": UUID,
        "counter": 42,
        "event": "runner_on_ok",
        "stdout": "ok: [web1]",
        "created": NOW.isoformat(),
        "event_data": {
            "play": "Deploy",
            "task": "Install packages",
            "host": "web1",
            "res": {"changed": False},
        },
    }
    return json.dumps(event | overrides).encode()


_EVENTS = {
    TaskResult.OK: "runner_on_ok",
    TaskResult.CHANGED: "runner_on_ok",
    TaskResult.SKIPPED: "runner_on_skipped",
    TaskResult.FAILED: "runner_on_failed",
    TaskResult.IGNORED: "runner_on_failed",
    TaskResult.UNREACHABLE: "runner_on_unreachable",
}


def begins(task: str, **about: object) -> bytes:
    """Return a line of the journal: a task of Ansible starts."""
    return _runner_line("playbook_on_task_start", task=task, **about)


def ends(
    task: str, host: str, result: TaskResult = TaskResult.OK, **res: object
) -> bytes:
    """Return a line of the journal: the result of a task on a host."""
    about = {"changed": result is TaskResult.CHANGED, "msg": f"{task} {result} {host}"}
    return _runner_line(
        _EVENTS[result],
        task=task,
        host=host,
        ignore_errors=result is TaskResult.IGNORED,
        task_path="/srv/deploy.yml:7",
        duration=1.5,
        res=about | res,
    )


def takes(task: str, host: str, seconds: float, *, items: int = 0) -> bytes:
    """Return a line: a task of the module apt succeeded on a host after this time."""
    res: dict[str, object] = {"changed": False}
    if items:
        res["results"] = [{"item": number} for number in range(items)]
    return _runner_line(
        "runner_on_ok", task=task, host=host, task_action="apt", duration=seconds,
        res=res,
    )  # fmt: skip


def recaps(**counts: Mapping[str, int]) -> bytes:
    """A journal's line with Ansible's recap, in its own words: ok, failures, dark."""
    return _runner_line("playbook_on_stats", **counts)


def _runner_line(event: str, **about: object) -> bytes:
    said = f"{event} {about.get('task', '')} {about.get('host', '')}".strip()
    return make_runner_line(
        event=event,
        stdout=f"\x1b[0;32m{said}\x1b[0m",
        event_data={"play": "Deploy", **about},
    )


def record_lines(store: Store, deployment_id: int, *lines: bytes) -> None:
    """Record lines of a journal behind what a deployment has, with their steps."""
    found = deploy.find(store, deployment_id)
    steps = record.stored_steps(store, deployment_id)
    batch = [
        Occurrence(NOW, event, steps.apply(event, NOW))
        for event in map(translate, lines)
    ]
    record.record(
        store,
        deployment_id,
        was=Place(found.journal_offset, found.last_event),
        offset=found.journal_offset + 1,
        batch=batch,
        changed=steps.take_changed(),
    )
    # As a follower does while it waits.
    file_versions.record(store, found)


def make_step_line(name: str = "prepare", state: str = StepState.RUNNING) -> bytes:
    """A journal's line with which a script reports a step."""
    return json.dumps({"name": name, "state": state, "message": ""}).encode()


def set_columns(db: Connection, deployment_id: int, **values: object) -> None:
    """Give a deployment values that it would get in time only."""
    db.execute(
        update(deployments).where(deployments.c.id == deployment_id).values(**values)
    )
