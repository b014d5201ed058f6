"""The record of a deployment as JSON with the objects and fields of ARA's API.

ARA (https://ara.recordsansible.org) has playbooks, plays, tasks, hosts, files and
results, which refer to each other by id. Results are written as they are read; of the
others, only names, times and counts are kept in memory.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.domain import json_text
from app.domain.deployment import Deployment, Status
from app.errors import Conflict
from app.store.store import Store
from app.usecases import recorded_events
from app.usecases.recorded_events import RESULTS, RecordedEvent, members

#: The maximum number of objects of a kind, apart from results. A script may print as
#: many as it likes.
MAX_OBJECTS = 50_000

#: What FastDeploy doesn't record, where ARA requires a text.
_UNKNOWN = "(not recorded)"

_Object = dict[str, Any]


def write(store: Store, deployment: Deployment) -> Generator[str]:
    """Yield the pieces of the document.

    Raises Conflict for more than MAX_OBJECTS objects; the other errors are those of
    `output.whole`.
    """
    objects = _Objects(deployment.id)
    yield '{"results": ['
    with closing(recorded_events.read(store, deployment.id)) as events:
        number = 0
        for event in events:
            for result in objects.take(event):
                number += 1
                yield f"{', ' if number > 1 else ''}{{{members(result)}}}"
    yield '], "playbook": '
    yield json_text.dumps(_playbook(deployment, objects, number))
    for kind in ("plays", "tasks", "hosts", "files"):
        yield f', "{kind}": ['
        for position, each in enumerate(getattr(objects, kind).values()):
            yield f"{', ' if position else ''}{json_text.dumps(each)}"
        yield "]"
    yield "}"


def _playbook(deployment: Deployment, objects: "_Objects", results: int) -> _Object:
    started, ended = deployment.started_at, deployment.finished_at
    return {
        "id": deployment.id,
        "name": f"{deployment.service_name} #{deployment.id}",
        "path": objects.path or deployment.service_name,
        "status": "completed" if deployment.status is Status.SUCCESSFUL else "failed",
        "started": started and started.isoformat(),
        "ended": ended and ended.isoformat(),
        "duration": _duration((ended - started).total_seconds())
        if started and ended
        else None,
        "ansible_version": _UNKNOWN,
        "arguments": dict(deployment.options.model_dump(exclude_defaults=True)),
        "labels": [deployment.service_name],
        "controller": deployment.node,
        "user": deployment.actor,
        "items": {
            "plays": len(objects.plays),
            "tasks": len(objects.tasks),
            "hosts": len(objects.hosts),
            "files": len(objects.files),
            "results": results,
        },
    }


@dataclass
class _Objects:
    """The objects so far, by what identifies them in events."""

    playbook: int
    path: str = ""
    plays: dict[object, _Object] = field(default_factory=dict)
    tasks: dict[object, _Object] = field(default_factory=dict)
    hosts: dict[object, _Object] = field(default_factory=dict)
    files: dict[object, _Object] = field(default_factory=dict)
    _results: int = 0

    def take(self, event: RecordedEvent) -> Iterator[_Object]:
        """Take an event; yield its result, if it is one."""
        self.path = self.path or event.text("playbook")
        if event.name == "playbook_on_play_start":
            self._play(event)
        elif event.name == "playbook_on_task_start":
            self._task(event)
        elif event.name in RESULTS:
            yield self._result(event)

    def _play(self, event: RecordedEvent) -> _Object:
        return _add(self.plays, event.text("play_uuid") or event.text("uuid"), {
            "uuid": _uuid(event.text("play_uuid")),
            "name": event.text("play"),
            "status": "completed",
            **_times(event),
            "playbook": self.playbook,
        })  # fmt: skip

    def _task(self, event: RecordedEvent) -> _Object:
        play = self._play(event)
        path, _, line = event.text("task_path").rpartition(":")
        file = _add(self.files, path, {
            "path": path,
            "content": _UNKNOWN,
            "playbook": self.playbook,
        })  # fmt: skip
        # A role's task may run in several plays.
        return _add(self.tasks, (play["id"], event.text("task_uuid")), {
            "uuid": _uuid(event.text("task_uuid")),
            "name": event.text("task"),
            "action": event.text("task_action"),
            "path": path,
            "lineno": int(line) if line.isdecimal() and len(line) < 10 else 0,
            "tags": [],
            "handler": event.data.get("is_conditional") is True,
            "status": "completed",
            **_times(event),
            "file": file["id"],
            "play": play["id"],
            "playbook": self.playbook,
        })  # fmt: skip

    def _host(self, event: RecordedEvent) -> _Object:
        return _add(self.hosts, event.text("host"), {
            "name": event.text("host"),
            "facts": {},
            **dict.fromkeys(("changed", "failed", "ok", "skipped", "unreachable"), 0),
            "playbook": self.playbook,
        })  # fmt: skip

    def _result(self, event: RecordedEvent) -> _Object:
        play, task, host = self._play(event), self._task(event), self._host(event)
        status = RESULTS[event.name]
        ignored = event.data.get("ignore_errors") is True
        # Ansible's recap counts an ignored failure like this, too.
        host["ok" if ignored else status] += 1
        host["changed"] += event.changed
        for each in (play, task):
            _extend(each, event)
        if status in ("failed", "unreachable") and not ignored:
            task["status"] = "failed"
        self._results += 1
        return {
            "id": self._results,
            "status": status,
            "changed": event.changed,
            "ignore_errors": ignored,
            "content": event.data.get("res") or {},
            "started": event.text("start") or event.created,
            "ended": event.text("end") or event.created,
            "duration": _duration(event.seconds),
            "delegated_to": [],
            "host": host["id"],
            "task": task["id"],
            "play": play["id"],
            "playbook": self.playbook,
        }


def _add(objects: dict[object, _Object], key: object, made: _Object) -> _Object:
    """Return the object with this key, which is the made one if it is new."""
    if key not in objects:
        if len(objects) == MAX_OBJECTS:
            raise Conflict(
                f"the run has more than {MAX_OBJECTS} plays, tasks, hosts or files, "
                "which can't be exported"
            )
        objects[key] = {"id": len(objects) + 1} | made
    return objects[key]


def _times(event: RecordedEvent) -> _Object:
    return {
        "started": event.text("start") or event.created,
        "ended": event.created,
        "duration": _duration(0),
    }


def _extend(made: _Object, event: RecordedEvent) -> None:
    """Let a play or a task end with this result."""
    made["ended"] = event.text("end") or event.created
    try:
        started, ended = (
            datetime.fromisoformat(made[key]) for key in ("started", "ended")
        )
        made["duration"] = _duration((ended - started).total_seconds())
    except (TypeError, ValueError):
        # A script printed other texts, or only one of them has a time zone.
        return


def _uuid(text: str) -> str:
    """Return a UUID without the number that a second batch of hosts appends."""
    return text.partition("_")[0]


def _duration(seconds: float) -> str:
    """Return a duration in the format of ARA's API: `0:00:01.500000`."""
    return str(timedelta(seconds=min(max(seconds, 0), 10**9)))
