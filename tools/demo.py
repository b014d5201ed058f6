"""Deploy a bundled service unattended, and verify what is recorded.

Starts PostgreSQL, web and worker on free ports in a temporary folder, launches a
service through the HTTP API, follows the live stream to its end and prints a summary
as JSON. Exits with 0 only if the deployment was successful and the database, the stream
and the artifacts contain exactly what the run wrote into its journal.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from app import dev_server, log
from app.domain.events import EventKind
from app.errors import FastDeployError
from app.settings import Settings
from app.store import events
from app.store.store import Store
from app.usecases import artifacts, deploy, output, services
from app.worker.run import run_of
from testing.event_stream import messages
from testing.installation import ACTOR
from testing.supervised import SupervisedInstallation, supervised, temporary_settings

_SERVICES = Path("services")


def main() -> int:
    """Run the demo and print its summary; return the exit code."""
    service = sys.argv[1] if len(sys.argv) > 1 else "static-site"
    log.configure("console", quiet=["httpx"])
    try:
        with (
            temporary_settings("demo", services=_SERVICES) as settings,
            dev_server.running(settings) as found,
            supervised(found, "web", "worker") as here,
        ):
            summary = _demo(here, service)
    except (FastDeployError, httpx.HTTPError, TimeoutError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=2))
    well = summary["status"] == "successful" and not summary["differences"]
    return 0 if well else 1


def _demo(here: SupervisedInstallation, service: str) -> dict[str, Any]:
    store, settings, client = here.store, here.settings, here.api
    services.sync_services(store, settings.services, settings.var, settings.node, ACTOR)
    begun = time.monotonic()
    variables = {"prefix": str(settings.var.absolute() / "demo-prefix")}
    answer = client.post(
        "/api/v1/deployments",
        json={
            "service": service,
            "variables": variables if _has_prefix(store, service) else {},
        },
    )
    if answer.is_error:
        raise FastDeployError(answer.json()["error"])
    number = answer.json()["id"]
    streamed = list(_follow(client, number))
    seconds = time.monotonic() - begun
    listed = client.get(f"/api/v1/deployments/{number}/artifacts").json()
    summary = _summary(store, number) | {"seconds": round(seconds, 2)}
    summary["artifacts"] = len(listed)
    summary["differences"] = _differences(store, settings, number, streamed)
    return summary


def _follow(client: httpx.Client, number: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a deployment's live stream until its message `end`."""
    with client.stream("GET", f"/api/v1/deployments/{number}/events") as response:
        response.raise_for_status()
        for message in messages(response.iter_bytes()):
            if message.event == "end":
                return
            if message.event == "events":
                yield from json.loads(message.data)
    raise FastDeployError("the live stream ended without saying so")


def _summary(store: Store, number: int) -> dict[str, Any]:
    view = deploy.view(store, number)
    with store.begin() as db:
        counted = events.count(db, number)
    return {
        "deployment": number,
        "service": view.deployment.service_name,
        "status": view.deployment.status,
        "reason": view.deployment.reason,
        "exit_code": view.deployment.exit_code,
        "steps": {step.name: step.state for step in view.steps},
        "events": view.deployment.last_event,
        "runner_events": counted.get(EventKind.RUNNER, 0),
    }


def _differences(
    store: Store, settings: Settings, number: int, streamed: list[dict[str, Any]]
) -> list[str]:
    """Return where the database, the stream or the artifacts differ from the run."""
    run = run_of(settings, number)
    produced = [
        event
        for event in map(_json, run.journal.read_bytes().splitlines())
        if isinstance(event, dict) and "event" in event and "uuid" in event
    ]
    recorded = [json.loads(data) for data in output.reported(store, number)]
    with store.begin() as db:
        stored = events.read(db, number, limit=1_000_000)
    deployment = deploy.find(store, number)
    folder = artifacts.artifacts_of(settings, number)
    files = [
        json.loads((folder / path).read_text())
        for path, _ in artifacts.listing(store, settings, deployment)
        if path.startswith("job_events/")
    ]
    checks = {
        "events in the database": produced == recorded,
        "events in the artifact folder": produced == files,
        "counters of the events": [e["counter"] for e in produced]
        == list(range(1, len(produced) + 1)),
        "numbers of the stream": [e["number"] for e in streamed]
        == [e.number for e in stored]
        == list(range(1, deployment.last_event + 1)),
        "texts of the stream": [e["text"] for e in streamed]
        == [e.text for e in stored],
        "exit code": run.exit_code() == deployment.exit_code
        and (folder / "rc").read_text() == str(deployment.exit_code),
        "status": (folder / "status").read_text() == deployment.status,
        "recap": _recap(produced) == _counted(produced),
    }
    return [name for name, equal in checks.items() if not equal]


def _recap(produced: list[dict[str, Any]]) -> int | None:
    """Return the number of successful task results in Ansible's own recap."""
    stats = [e["event_data"] for e in produced if e["event"] == "playbook_on_stats"]
    return sum(stats[-1]["ok"].values()) if stats else None


def _counted(produced: list[dict[str, Any]]) -> int | None:
    """Return the number of successful task results among the events."""
    well = sum(
        e["event"] == "runner_on_ok"
        or (e["event"] == "runner_on_failed" and e["event_data"].get("ignore_errors"))
        for e in produced
    )
    return well if produced else None


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _has_prefix(store: Store, service: str) -> bool:
    found = services.find_service(store, service).service
    return found is not None and "prefix" in found.properties


if __name__ == "__main__":
    sys.exit(main())
