"""Which hosts a playbook has not finished: batches and plays that didn't run.

Ansible's recap counts failures. It doesn't show that a play ended early for all hosts,
or that later batches and plays never started.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar


class UnfinishedHosts:
    """Follows the plays of one playbook."""

    def __init__(self) -> None:
        self._plays: list[Any] = []
        self._play: Any = None
        #: The hosts of the batch that runs, and of all batches of its play so far.
        self._batch: list[str] = []
        self._begun: set[str] = set()
        self._waiting: list[str] = []
        #: The names for a pattern and a number of hosts in the inventory.
        self._matches: dict[tuple[str, int], list[str]] = {}

    def start_playbook(self, playbook: Any) -> None:
        """Begin a playbook."""
        self._plays = playbook.get_plays()

    def start_play(self, play: Any) -> dict[str, list[str]]:
        """Return the fields of a play that starts, or of a batch of it.

        `hosts` has the names of its hosts, and `waiting` those of the hosts that later
        batches or plays are for.
        """
        if self._play is None or self._play._uuid != play._uuid:
            self._begun = set()
        self._play = play
        inventory = play.get_variable_manager()._inventory
        self._batch = [host.get_name() for host in inventory.get_hosts(play.hosts)]
        self._begun.update(self._batch)
        rest = (name for name in self._match(play) if name not in self._begun)
        waiting = dict.fromkeys(rest)
        for later in self._later(play):
            waiting.update(dict.fromkeys(self._match(later)))
        self._waiting = list(waiting)
        return {
            "hosts": self._batch,
            **({"waiting": self._waiting} if self._waiting else {}),
        }

    def end(self) -> list[str]:
        """Return the hosts that didn't finish, besides those that the recap counts.

        If a failure ended the play for all hosts, Ansible has removed all of them.
        """
        if self._play is None:
            return []
        removed = set(self._play._removed_hosts)
        ended_early = self._batch and removed.issuperset(self._batch)
        batch = self._batch if ended_early else []
        return list(dict.fromkeys([*batch, *self._waiting]))

    def _later(self, play: Any) -> list[Any]:
        idents = [each._uuid for each in self._plays]
        if play._uuid not in idents:
            return []
        return self._plays[idents.index(play._uuid) + 1 :]

    def _match(self, play: Any) -> list[str]:
        """Return the hosts of a play without regard to batches; none if unknown."""
        manager = play.get_variable_manager()
        inventory = manager._inventory
        pattern = _pattern(play, manager)
        key = str(pattern), len(inventory.hosts)
        if key not in self._matches:
            found = inventory.get_hosts(pattern, ignore_restrictions=True)
            self._matches[key] = [host.get_name() for host in found]
        return self._matches[key]


def _pattern(play: Any, manager: Any) -> Any:
    """Return the pattern of a play's hosts; Ansible evaluates it when it starts."""
    if "{{" not in str(play.hosts):
        return play.hosts
    try:
        values = manager.get_vars(play=play)
        return Templar(None, variables=values).template(play.hosts)
    except AnsibleError:
        return []
