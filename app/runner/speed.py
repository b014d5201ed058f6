"""Choose what makes a run faster: pipelining, forks, and when facts are gathered.

FastDeploy only chooses what the service leaves open. ansible.cfg, the service's
environment and the options of the launch come first; keywords of plays and variables
of the inventory override all of these in Ansible itself. Ansible doesn't use pipelining
where it can't work: with become methods that need a terminal (su, doas, machinectl),
with `raw`, with async tasks, and with connections that don't support it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .ansible_cfg import Sections
from .definition import Definition
from .speed_settings import NOTHING
from .ssh_arguments import SECTION

#: Ansible's default.
_FORKS = 5
#: More processes than this rarely pay off on the node, but each needs memory.
_MOST_FORKS = 50
_FORKS_PER_CORE = 10
#: Bytes of memory that one more process may need.
_MEMORY_PER_FORK = 100 * 1024 * 1024
_MEMINFO = Path("/proc/meminfo")
#: Maximum characters of what was chosen, as a sentence.
MAX_SENTENCE = 1000
#: Maximum characters of a value in it.
_MAX_VALUE = 40
_FALSE = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})


@dataclass(frozen=True)
class Node:
    """The host that runs ansible-playbook."""

    #: Processors that this process may use.
    cores: int
    #: Bytes of memory that are available; None if this is unknown.
    memory: int | None

    @property
    def forks(self) -> int:
        """The number of forks that suits it; never less than Ansible's default."""
        forks = min(_FORKS + self.cores * _FORKS_PER_CORE, _MOST_FORKS)
        if self.memory is not None:
            forks = min(forks, self.memory // _MEMORY_PER_FORK)
        return max(forks, _FORKS)


@dataclass(frozen=True)
class Choice:
    """What applies to a run for one subject, such as the forks."""

    #: As a word of a sentence, such as `25 forks`.
    text: str
    #: Why it isn't what FastDeploy would choose; empty if it is.
    reason: str = ""
    #: The variables that FastDeploy sets for it.
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it with its reason."""
        return f"{self.text} ({self.reason})" if self.reason else self.text


@dataclass(frozen=True)
class Speed:
    """What was chosen for a run."""

    choices: tuple[Choice, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of ansible-playbook."""
        return {k: v for one in self.choices for k, v in one.environment.items()}

    def describe(self) -> str:
        """Return it for users: `pipelining, 25 forks`."""
        return ", ".join(map(str, self.choices))


def choose(
    definition: Definition,
    options: Mapping[str, Any],
    env: Mapping[str, str],
    configured: Sections,
    node: Node,
) -> Speed:
    """Choose what makes a run faster.

    Args:
        definition: The service.
        options: The options of ansible-playbook, by name.
        env: The environment of ansible-playbook.
        configured: The sections of the ansible.cfg that applies.
        node: This host.
    """
    return Speed((
        _pipelining(definition, env, configured),
        _forks(definition, options, env, configured, node),
    ))  # fmt: skip


def this_node() -> Node:
    """Return what this process may use of its host."""
    return Node(len(os.sched_getaffinity(0)), _available_memory())


def _pipelining(
    definition: Definition, env: Mapping[str, str], configured: Sections
) -> Choice:
    for name in ("ANSIBLE_SSH_PIPELINING", "ANSIBLE_PIPELINING"):
        if name in env:
            return _their_pipelining(env[name], f"the environment sets {name}")
    for section in (SECTION, "connection", "defaults"):
        if (value := configured.get(section, {}).get("pipelining")) is not None:
            return _their_pipelining(value, f"ansible.cfg sets pipelining={value}")
    if not definition.speed.pipelining:
        return Choice("no pipelining", _setting(definition))
    return Choice("pipelining", "", {"ANSIBLE_SSH_PIPELINING": "True"})


def _their_pipelining(value: str, reason: str) -> Choice:
    is_off = value.strip().lower() in _FALSE
    return Choice("no pipelining" if is_off else "pipelining", reason)


def _forks(
    definition: Definition,
    options: Mapping[str, Any],
    env: Mapping[str, str],
    configured: Sections,
    node: Node,
) -> Choice:
    if given := options.get("forks"):
        return _forks_of(given, "an option of the launch")
    if given := env.get("ANSIBLE_FORKS"):
        return _forks_of(given, "the environment sets ANSIBLE_FORKS")
    if given := configured.get("defaults", {}).get("forks"):
        return _forks_of(given, f"ansible.cfg sets forks={given}")
    wanted = definition.speed.forks
    if wanted == 0:
        return _forks_of(_FORKS, _setting(definition))
    forks = wanted or node.forks
    reason = _setting(definition) if wanted else ""
    return _forks_of(forks, reason, {"ANSIBLE_FORKS": str(forks)})


def _forks_of(
    number: object, reason: str, environment: Mapping[str, str] | None = None
) -> Choice:
    return Choice(f"{number} forks", reason, environment or {})


def _setting(definition: Definition) -> str:
    """Return the setting of the service as a reason."""
    return '"speed": false' if definition.speed == NOTHING else '"speed" of the service'


def _available_memory() -> int | None:
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    value = next(found, None)
    return int(value) * 1024 if value else None
