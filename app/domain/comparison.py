"""Compare two deployments of a service."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.deployment import Deployment
from app.domain.steps import Step
from app.domain.variables import as_text


@dataclass(frozen=True, slots=True)
class Pair:
    """A value of both deployments as text; None where a deployment doesn't have it."""

    name: str
    a: str | None
    b: str | None

    @property
    def differs(self) -> bool:
        """Whether the two values differ."""
        return self.a != self.b


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step of both deployments; None where a deployment doesn't have it."""

    name: str
    a: Step | None
    b: Step | None

    @property
    def slower(self) -> float | None:
        """Seconds by which `b` took longer than `a`; None if one is unknown."""
        if self.a is None or self.b is None:
            return None
        first, second = self.a.seconds, self.b.seconds
        return None if first is None or second is None else second - first


@dataclass(frozen=True, slots=True)
class TaskChange:
    """The hosts that a task changed in both deployments, only in `a`, only in `b`."""

    task: str
    both: Sequence[str]
    a: Sequence[str]
    b: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The values of two deployments, in pairs."""

    variables: Sequence[Pair]
    #: The options of ansible-playbook.
    options: Sequence[Pair]
    #: The keys of config.json whose values differed at launch.
    config: Sequence[Pair]
    steps: Sequence[StepPair]
    changes: Sequence[TaskChange]


def compare(
    a: Deployment,
    b: Deployment,
    steps: tuple[Sequence[Step], Sequence[Step]],
    changed: tuple[Iterable[tuple[str, str]], Iterable[tuple[str, str]]],
) -> Comparison:
    """Compare deployment `a` with `b`, given their steps and changed tasks.

    `changed` are pairs of task and host. Names are in the order of `b`, followed by
    the names that only `a` has.
    """
    configs = [
        d.service.model_dump(mode="json") | {"variables": d.service.shown_variables}
        for d in (a, b)
    ]
    config = [pair for pair in _pairs(configs[0], configs[1]) if pair.differs]
    by_name = [{step.name: step for step in of} for of in steps]
    return Comparison(
        variables=_pairs(a.variables, b.variables),
        options=_pairs(a.options.given, b.options.given),
        config=config,
        steps=[
            StepPair(name, by_name[0].get(name), by_name[1].get(name))
            for name in _names(*by_name)
        ],
        changes=_changes(_hosts(changed[0]), _hosts(changed[1])),
    )


def _pairs(a: Mapping[str, object], b: Mapping[str, object]) -> list[Pair]:
    return [
        Pair(
            name,
            as_text(a[name]) if name in a else None,
            as_text(b[name]) if name in b else None,
        )
        for name in _names(a, b)
    ]


def _changes(
    a: Mapping[str, dict[str, None]], b: Mapping[str, dict[str, None]]
) -> list[TaskChange]:
    found = []
    for task in _names(a, b):
        in_a, in_b = a.get(task, {}), b.get(task, {})
        found.append(
            TaskChange(
                task,
                both=[host for host in in_b if host in in_a],
                a=[host for host in in_a if host not in in_b],
                b=[host for host in in_b if host not in in_a],
            )
        )
    return found


def _hosts(changed: Iterable[tuple[str, str]]) -> dict[str, dict[str, None]]:
    """Return the hosts that each task changed, in order and without duplicates."""
    found: dict[str, dict[str, None]] = {}
    for task, host in changed:
        found.setdefault(task, {})[host] = None
    return found


def _names(a: Mapping[str, object], b: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys((*b, *a)))
