"""Choose what makes a run faster: pipelining, forks, and when facts are gathered.

FastDeploy only chooses what the service leaves open. ansible.cfg, the service's
environment and the options of the launch come first; keywords of plays and variables
of the inventory override all of these in Ansible itself. Ansible doesn't use pipelining
where it can't work: with become methods that need a terminal (su, doas, machinectl),
with `raw`, with async tasks, and with connections that don't support it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import fact_cache
from .ansible_cfg import Sections
from .ansible_playbook import LOCAL_PIPELINING
from .definition import Definition
from .speed_settings import NOTHING, SpeedSettings
from .ssh_arguments import SECTION

_PIPELINING = "pipelining"
#: Lets local connections use it, too, unless somebody has set it for them.
_LOCAL = {LOCAL_PIPELINING: "1"}
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
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})


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

    def accelerated(self, choice: Choice) -> "Speed":
        """Return it for a run in which mitogen reaches hosts, without pipelining."""
        others = (one for one in self.choices if _PIPELINING not in one.text)
        return Speed((choice, *others))

    def describe(self) -> str:
        """Return it for users: `pipelining, 25 forks`."""
        return ", ".join(map(str, self.choices))


def prepare(
    definition: Definition,
    options: Mapping[str, Any],
    env: Mapping[str, str],
    configured: Sections,
    data: Path,
) -> Speed:
    """Choose what makes a run faster on this host, and remove facts that have expired.

    The arguments are those of `choose`, and `data`, the folder in which this user keeps
    data.

    Raises:
        RunnerError: Facts can't be kept.
    """
    data = data.expanduser().absolute()
    fact_cache.prepare(data, definition.name, definition.speed.fact_age)
    facts = fact_cache.place(data, definition.name)
    return choose(definition, options, env, configured, this_node(), facts)


def choose(
    definition: Definition,
    options: Mapping[str, Any],
    env: Mapping[str, str],
    configured: Sections,
    node: Node,
    facts: Path,
) -> Speed:
    """Choose what makes a run faster.

    Args:
        definition: The service.
        options: The options of ansible-playbook, by name.
        env: The environment of ansible-playbook.
        configured: The sections of the ansible.cfg that applies.
        node: This host.
        facts: The folder for the facts of hosts, if later runs use them.
    """
    settings = definition.speed
    reason = '"speed": false' if settings == NOTHING else '"speed" of the service'
    theirs = _OwnSettings(env, configured)
    choices = [
        _pipelining(settings, reason, theirs),
        _forks(settings, reason, theirs, node, options.get("forks")),
    ]
    if settings.gathers_once:
        choices.append(_gathering(theirs))
    if settings.fact_age:
        cache = _fact_cache(
            settings, theirs, facts, is_check=bool(options.get("check"))
        )
        choices.append(cache)
    return Speed(tuple(choices))


def this_node() -> Node:
    """Return what this process may use of its host."""
    return Node(len(os.sched_getaffinity(0)), _available_memory())


@dataclass(frozen=True)
class _OwnSettings:
    """The settings of the service itself."""

    env: Mapping[str, str]
    configured: Sections

    def find(
        self, key: str, *variables: str, sections: Sequence[str] = ("defaults",)
    ) -> tuple[str, str] | None:
        """Return the value of a setting and who sets it; None if nobody does.

        The last one of variables and sections applies, as in Ansible.
        """
        for name in reversed(variables):
            if name in self.env:
                return self.env[name], f"the environment sets {name}"
        for section in reversed(sections):
            value = self.configured.get(section, {}).get(key)
            if value is not None:
                return value, f"ansible.cfg sets {key}={_shown(value)}"
        return None


def _pipelining(settings: SpeedSettings, reason: str, theirs: _OwnSettings) -> Choice:
    kept = theirs.find("keep_remote_files", "ANSIBLE_KEEP_REMOTE_FILES")
    if kept and kept[0].strip().lower() in _TRUE:
        # Ansible doesn't use pipelining then.
        return Choice(f"no {_PIPELINING}", kept[1])
    found = theirs.find(
        "pipelining", "ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING",
        sections=("defaults", "connection", SECTION),
    )  # fmt: skip
    if found:
        if found[0].strip().lower() in _TRUE:
            return Choice(_PIPELINING, found[1], _LOCAL)
        return Choice(f"no {_PIPELINING}", found[1])
    if not settings.pipelining:
        return Choice(f"no {_PIPELINING}", reason)
    return Choice(_PIPELINING, "", {"ANSIBLE_SSH_PIPELINING": "True", **_LOCAL})


def _forks(
    settings: SpeedSettings,
    reason: str,
    theirs: _OwnSettings,
    node: Node,
    given: object,
) -> Choice:
    if given:
        return Choice(f"{given} forks", "an option")
    if found := theirs.find("forks", "ANSIBLE_FORKS"):
        return Choice(f"{_shown(found[0])} forks", found[1])
    if settings.forks == 0:
        return Choice(f"{_FORKS} forks", reason)
    forks = settings.forks or node.forks
    environment = {"ANSIBLE_FORKS": str(forks)}
    return Choice(f"{forks} forks", reason if settings.forks else "", environment)


def _gathering(theirs: _OwnSettings) -> Choice:
    if found := theirs.find("gathering", "ANSIBLE_GATHERING"):
        return Choice(f"{_shown(found[0])} gathering", found[1])
    return Choice("smart gathering", "", {"ANSIBLE_GATHERING": "smart"})


def _fact_cache(
    settings: SpeedSettings, theirs: _OwnSettings, facts: Path, *, is_check: bool
) -> Choice:
    gathering = theirs.find("gathering", "ANSIBLE_GATHERING")
    if found := theirs.find("fact_caching", "ANSIBLE_CACHE_PLUGIN"):
        return Choice("own fact cache", found[1])
    if gathering and gathering[0].strip().lower() != "smart":
        return Choice("no fact cache", gathering[1])
    if is_check:
        # It must report what would change now, and leave nothing behind.
        return Choice("no fact cache", "check mode")
    age = settings.fact_age
    return Choice(
        f"facts cached for {age // 60} min",
        "",
        {
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(facts),
            "ANSIBLE_CACHE_PLUGIN_TIMEOUT": str(age),
        },
    )


def _shown(value: str) -> str:
    """Return the beginning of a value without control characters."""
    text = "".join(each for each in value.strip() if each.isprintable())
    return text[:_MAX_VALUE]


def _available_memory() -> int | None:
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    value = next(found, None)
    return int(value) * 1024 if value else None
