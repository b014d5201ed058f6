"""Record events of a run, and read what is recorded."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import EventKind
from app.domain.service import Service
from app.settings import Settings
from app.store import events
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.record import Place
from app.worker.translate import translate
from testing.factories import NOW, make_runner_line, make_service, start_deployment


def kinds(store: Store, deployment_id: int) -> list[EventKind]:
    """Return the kinds of the events of a deployment."""
    with store.begin() as db:
        return [event.kind for event in events.read(db, deployment_id)]


def take_in(
    store: Store, deployment_id: int, *lines: bytes, at: datetime = NOW
) -> None:
    """Fold and record lines as a follower does, at a time."""
    found = deploy.find(store, deployment_id)
    steps = record.stored_steps(store, deployment_id)
    batch = []
    for line in lines:
        event = translate(line)
        batch.append(Occurrence(at, event, steps.apply(event, at)))
    record.record(
        store,
        deployment_id,
        was=Place(found.journal_offset, found.last_event),
        offset=found.journal_offset + sum(len(line) + 1 for line in lines),
        batch=batch,
        changed=steps.take_changed(),
    )


def notify(host: str, handler: str, task: str = "Configure") -> bytes:
    """Return a line of the journal: a changed result that notifies a handler."""
    data = {"task": task, "host": host, "res": {"changed": True}, "notified": [handler]}
    return make_runner_line(event="runner_on_ok", event_data=data)


def handled(host: str, handler: str) -> bytes:
    """Return a line of the journal: a handler ran on a host."""
    data = {"task": handler, "host": host, "res": {"changed": True}}
    return make_runner_line(
        event="runner_on_ok", event_data=data | {"ran_handler": handler}
    )


def plays(*hosts: str, waiting: Sequence[str] = ()) -> bytes:
    """Return a line of the journal: a play starts for hosts; others wait for later."""
    data = {"play": "Deploy", "hosts": hosts, "waiting": waiting}
    return make_runner_line(event="playbook_on_play_start", event_data=data)


def recaps(ok: Sequence[str] = (), failed: Sequence[str] = (), **more: object) -> bytes:
    """Return a line of the journal: Ansible's recap of these hosts."""
    data = {
        "ok": dict.fromkeys(ok, 1),
        "failures": dict.fromkeys(failed, 1),
        **more,
    }
    return make_runner_line(event="playbook_on_stats", event_data=data)


def record_run(
    store: Store,
    settings: Settings,
    *lines: bytes,
    exit_code: int = 2,
    service: Service | None = None,
) -> int:
    """Launch a deployment, record lines of its journal and its end; return its id."""
    number = start_deployment(store, settings, service).id
    for line in lines:
        take_in(store, number, line)
    record.finish(store, number, exit_code)
    return number


def make_owing(store: Store, settings: Settings) -> int:
    """Record a failed run of a playbook that owes web1 the handler `restart`."""
    site = make_service(name="site", deploy_script=None, playbook="site.yml", steps=[])
    return record_run(
        store,
        settings,
        plays("web1", "web2"),
        notify("web1", "restart"),
        recaps(ok=["web1", "web2"], failed=["web1"]),
        service=site,
    )
