"""The recorded events of ansible-runner, with fields of the right types.

A script may print events of any shape, so no field is certain to be there.
"""

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain import json_text
from app.store.store import Store
from app.usecases import output

#: The events with the final result of a task on a host, and the results.
RESULTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
}
#: Bytes after which a piece of a download is sent.
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its data, in which secrets are masked."""

    name: str
    created: str
    data: dict[str, Any]

    def text(self, key: str) -> str:
        """Return a text of the data; empty without one."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    @property
    def seconds(self) -> float:
        """The duration of the result; 0 without one."""
        value = self.data.get("duration")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0.0
        return max(float(value), 0.0)

    @property
    def changed(self) -> bool:
        """Whether the result says that the task has changed its host."""
        result = self.data.get("res")
        return isinstance(result, dict) and result.get("changed") is True


def read(store: Store, deployment_id: int) -> Generator[RecordedEvent]:
    """Yield the events in order; the errors are those of `output.whole`."""
    with closing(output.reported(store, deployment_id)) as lines:
        for line in lines:
            event = orjson.loads(line)
            created = event.get("created")
            yield RecordedEvent(
                event["event"],
                created if isinstance(created, str) else "",
                event["event_data"],
            )


def members(values: Mapping[str, object]) -> str:
    """Return the members of a JSON object, without its braces.

    A value that is nested too deeply is replaced, and not the whole object.
    """
    return ", ".join(
        f"{json_text.dumps(key)}: {json_text.dumps(value)}"
        for key, value in values.items()
    )


def joined(pieces: Generator[str]) -> Generator[bytes]:
    """Join small pieces of text, so that fewer and larger ones are sent."""
    waiting: list[str] = []
    size = 0
    with closing(pieces):
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= _PIECE:
                yield "".join(waiting).encode()
                waiting, size = [], 0
    yield "".join(waiting).encode()
