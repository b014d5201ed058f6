"""The record of a deployment for `ansible-navigator replay`.

It has the format of a playbook artifact, version 2: plays with their tasks on each
host, the display text line by line, and the status. It is written as it is read, so
that a long deployment needs little memory.
"""

import codecs
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing

from app.domain import json_text
from app.domain.deployment import Deployment, Status
from app.store.store import Store
from app.usecases import output, recorded_events
from app.usecases.recorded_events import RESULTS, RecordedEvent, members

VERSION = "2.0.0"
#: Navigator's numbers of terminal colours.
_RED, _GREEN, _YELLOW = 9, 10, 11
_COLOURS = {Status.SUCCESSFUL: _GREEN, Status.FAILED: _RED}
#: What navigator counts in each play.
_COUNTED = ("ok", "skipped", "failed", "unreachable", "ignored")


def write(store: Store, deployment: Deployment) -> Generator[str]:
    """Yield the pieces of the artifact; the errors are those of `output.whole`."""
    yield f'{{"version": "{VERSION}", "plays": ['
    yield from _plays(store, deployment.id)
    yield '], "stdout": ['
    for number, line in enumerate(_lines(store, deployment.id)):
        yield f"{', ' if number else ''}{json_text.dumps(line)}"
    about = {
        "status": deployment.status,
        "status_color": _COLOURS.get(deployment.status, _YELLOW),
        "settings_entries": {},
        "settings_sources": {},
    }
    yield f"], {members(about)}}}"


def _plays(store: Store, deployment_id: int) -> Iterator[str]:
    play: _Play | None = None
    with closing(recorded_events.read(store, deployment_id)) as events:
        for event in events:
            if event.name == "playbook_on_play_start":
                if play is not None:
                    yield f"{play.end()}, "
                play = _Play()
                yield play.begin(event)
            elif event.name in RESULTS and play is not None:
                yield play.add(event)
    if play is not None:
        yield play.end()


class _Play:
    """Writes one play: its fields, its tasks, and the counts of their results."""

    def __init__(self) -> None:
        self._results: Counter[str] = Counter()
        self._changed = 0

    def begin(self, event: RecordedEvent) -> str:
        """Return the fields and the beginning of the tasks."""
        name = event.text("name") or event.text("play")
        fields = event.data | {"__play_name": name, "uuid": event.text("uuid")}
        fields.pop("tasks", None)
        return f'{{{members(fields)}, "tasks": ['

    def add(self, event: RecordedEvent) -> str:
        """Return the task of a result."""
        result = RESULTS[event.name]
        if result == "failed" and event.data.get("ignore_errors") is True:
            result = "ignored"
        number = self._results.total()
        self._results[result] += 1
        self._changed += event.changed
        task = event.data | {
            "task": event.text("task"),
            "play": event.text("play"),
            "__task": event.text("task"),
            "__task_action": event.text("task_action"),
            "__host": event.text("host"),
            "__number": number,
            "__result": result.capitalize(),
            "__changed": event.changed,
            "__duration": _duration(event.seconds),
        }
        return f"{', ' if number else ''}{{{members(task)}}}"

    def end(self) -> str:
        """Return the end of the tasks, and the counts."""
        counts = {f"__{result}": self._results[result] for result in _COUNTED}
        total = self._results.total()
        about = counts | {
            "__changed": self._changed,
            "__in progress": 0,
            "__task_count": total,
            "__percent_complete": 100 if total else 0,
            "__progress": "Complete" if total else "0%",
        }
        return f"], {members(about)}}}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _lines(store: Store, deployment_id: int) -> Iterator[str]:
    """Yield the lines of the display text."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    begun = ""
    with closing(output.displayed(store, deployment_id)) as pieces:
        for piece in pieces:
            *lines, begun = f"{begun}{decode(piece)}".split("\n")
            yield from (line.removesuffix("\r") for line in lines)
    if begun:
        yield begun
