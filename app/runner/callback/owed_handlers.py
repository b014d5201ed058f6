"""Run the handlers that earlier deployments owe hosts, before the tasks of a play.

Ansible runs the notified handlers of a play at each `flush_handlers`. So this notifies
them when a play starts, and puts a flush before the play's first task.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.playbook.block import Block
from ansible.playbook.task import Task

from .notifications import Notifications

#: The variable with the path of the file of the runner: handlers by host.
VARIABLE = "FASTDEPLOY_OWED_HANDLERS"
#: Maximum number of handlers that a sentence names.
_NAMED = 10


class OwedHandlers:
    """Notifies each owed handler once, in the first play that has it on its host."""

    def __init__(
        self, owed: dict[str, list[str]], notifications: Notifications
    ) -> None:
        self._notifications = notifications
        #: Pairs of a host and the name of a handler.
        self._pending = {(host, name) for host, names in owed.items() for name in names}
        self._hosts: dict[str, Any] = {}
        #: The hosts of the plays that started.
        self._seen: set[str] = set()

    @classmethod
    def from_environment(cls, notifications: Notifications) -> OwedHandlers:
        """Read the file of the runner, if it wrote one."""
        path = os.environ.get(VARIABLE)
        return cls(json.loads(Path(path).read_text()) if path else {}, notifications)

    def start(self, play: Any) -> str:
        """Notify the handlers of a play that starts, or of a batch of it.

        Return the sentence to display; empty if there are none.
        """
        if not self._pending:
            return ""
        hosts = play.get_variable_manager()._inventory.get_hosts(play.hosts)
        self._hosts = {host.get_name(): host for host in hosts}
        self._seen.update(self._hosts)
        notified = self.notify()
        if not notified:
            return ""
        play.pre_tasks = [_flush(play), *play.pre_tasks]
        return f"FastDeploy runs owed handlers first: {_enumerate(notified)}"

    def notify(self) -> list[tuple[str, str]]:
        """Notify the pending handlers that the play has by now; return them.

        The handlers of a role that `include_role` names are known once it is included.
        """
        wanted = sorted(pair for pair in self._pending if pair[0] in self._hosts)
        if not wanted:
            return []
        handlers: dict[str, Any] = {}
        for handler in self._notifications.handlers():
            handlers.setdefault(self._notifications.name(handler), handler)
        found = [pair for pair in wanted if pair[1] in handlers]
        for host, name in found:
            handlers[name].notify_host(self._hosts[host])
        self._pending.difference_update(found)
        return found

    def missing(self, unfinished: list[str]) -> list[tuple[str, str]]:
        """Return the handlers that no play had, on hosts that went through all plays.

        `unfinished` has the hosts that didn't.
        """
        passed = self._seen.difference(unfinished)
        return sorted(pair for pair in self._pending if pair[0] in passed)


def describe_missing(missing: list[tuple[str, str]]) -> str:
    """Return the sentence about owed handlers that the playbook doesn't have."""
    return (
        f"The playbook has no such handler, so it is still owed: {_enumerate(missing)}"
    )


def _flush(play: Any) -> Block:
    """Return a block like those with which Ansible flushes the handlers of a play."""
    block = Block(play=play)
    task = Task(block=block)
    task.action = "meta"
    task._resolved_action = "ansible.builtin.meta"
    task.args["_raw_params"] = "flush_handlers"
    task.implicit = True
    task.set_loader(play.get_loader())
    task.tags = ["always"]
    block.block = [task]
    return block


def _enumerate(pairs: list[tuple[str, str]]) -> str:
    named = "; ".join(f"{name} on {host}" for host, name in pairs[:_NAMED])
    more = len(pairs) - _NAMED
    return f"{named} and {more} more" if more > 0 else named
