"""Make events with the playbook, the play and the task that they belong to."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections import Counter
from typing import Any

from . import fields
from .channel import Channel, DisplayedText, Event
from .encoding import encode


class EventContext:
    """Where the playbook is: its events get these fields and ids."""

    def __init__(self, channel: Channel, shown: DisplayedText) -> None:
        """Make events that are sent through a channel with the displayed text."""
        self._channel = channel
        self._shown = shown
        self._starts: Counter[str] = Counter()
        self._playbook = {"playbook_uuid": str(uuid.uuid4())}
        self._play: dict[str, Any] = {}
        self._task: dict[str, Any] = {}
        self._described: tuple[Any, dict[str, str]] = None, {}
        self._pid = os.getpid()

    @property
    def in_play(self) -> bool:
        """Whether a play has started and the playbook hasn't ended."""
        return bool(self._play)

    def start_playbook(self, file: str) -> str:
        """Start the playbook of a file; return the id of its event."""
        self._playbook["playbook"] = file
        return self._playbook["playbook_uuid"]

    def start_play(self, ident: str, name: str, pattern: str) -> str:
        """Start a play; return the id of its event."""
        ident = self._numbered(ident)
        self._play = {"play": name, "play_uuid": ident, "play_pattern": pattern}
        self._task = {}
        return ident

    def start_task(self, task: Any) -> str:
        """Start a task; return the id of its event."""
        self._task = fields.of_task(task)
        return self._numbered(str(task._uuid))

    def end(self) -> None:
        """End the last play."""
        self._play, self._task = {}, {}

    def event(
        self, event: str, /, task: Any = None, ident: str | None = None, **data: Any
    ) -> Event:
        """Return an event that is sent when its body has displayed its text."""
        ident = ident or str(uuid.uuid4())
        place = self._place(task) if task else self._task
        context = {**self._playbook, **self._play, **place}
        parents = (context.get(f"{kind}_uuid") for kind in ("task", "play", "playbook"))
        parent = next((other for other in parents if other and other != ident), None)
        head = {
            "uuid": ident,
            "event": event,
            "pid": self._pid,
            "created": dt.datetime.now(dt.UTC).isoformat(),
            **({"parent_uuid": parent} if parent else {}),
        }
        # Encode before the body: the default callback empties a result as it shows it.
        encoded = encode({**context, **data, "uuid": ident})
        return Event(self._channel, self._shown, head, encoded)

    def _place(self, task: Any) -> dict[str, str]:
        """Return the fields of an event's task; mostly those of the previous event."""
        # The key contains the name, since it differs during the task's start event.
        key = task._uuid, task.name
        described = self._described
        if described[0] != key:
            described = self._described = key, fields.of_task(task)
        return described[1]

    def _numbered(self, ident: str) -> str:
        # With serial or the free strategy, a play or a task starts more than once.
        self._starts[ident] += 1
        count = self._starts[ident]
        return ident if count == 1 else f"{ident}_{count}"
