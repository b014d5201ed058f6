"""Hints for slow tasks with a known remedy."""

from collections.abc import Iterable, Sequence
from typing import Protocol

#: Modules whose `name` accepts a list of packages.
_PACKAGE_MODULES = frozenset({
    "apk", "apt", "dnf", "dnf5", "homebrew", "package", "pacman", "pip", "portage",
    "xbps", "yum", "zypper",
})  # fmt: skip
_FACT_MODULES = frozenset({"gather_facts", "setup"})
#: Facts are worth a hint from this share of the tasks' time …
_FACTS_SHARE = 0.2
#: … and from this many seconds.
_FACTS_SECONDS = 2.0
#: A loop over packages is worth a hint from this many seconds.
_LOOP_SECONDS = 1.0


class MeasuredTask(Protocol):
    """What a hint depends on."""

    @property
    def task(self) -> str:
        """The name of the task."""

    @property
    def seconds(self) -> float:
        """Its duration."""

    @property
    def module(self) -> str:
        """Its module, with or without its collection; empty if unknown."""

    @property
    def items(self) -> int:
        """The number of items of its loop."""


def hints(tasks: Sequence[MeasuredTask], whole: float) -> list[str]:
    """Return a sentence for each known remedy.

    Args:
        tasks: The tasks of a run.
        whole: The seconds of all its tasks.
    """
    found = [
        f"{task.task}: {_short(task.module)} runs for each of {task.items} packages. "
        "Without a loop, with the whole list in name, it runs once."
        for task in tasks
        if _short(task.module) in _PACKAGE_MODULES
        and task.items > 1
        and task.seconds >= _LOOP_SECONDS
    ]
    facts = _seconds_of_facts(tasks)
    if facts >= _FACTS_SECONDS and facts >= whole * _FACTS_SHARE:
        found.append(
            f"Gathering facts takes {facts / whole:.0%} of the tasks' time. If the "
            "playbook uses few facts, set gather_subset for the play; if it uses none, "
            "gather_facts: false."
        )
    return found


def _seconds_of_facts(tasks: Iterable[MeasuredTask]) -> float:
    return sum(task.seconds for task in tasks if _short(task.module) in _FACT_MODULES)


def _short(module: str) -> str:
    return module.rpartition(".")[2]
