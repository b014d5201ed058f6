"""Two deployments of a service side by side: what is the same, and what differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.deployment import Deployment
from app.domain.steps import Step
from app.domain.variables import as_text


@dataclass(frozen=True, slots=True)
class Pair:
    """Something of both, as a text; None where one of them has no such thing."""

    name: str
    a: str | None
    b: str | None

    @property
    def differs(self) -> bool:
        """Whether the two are not alike."""
        return self.a != self.b


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step of both; None where one of them has no such step."""

    name: str
    a: Step | None
    b: Step | None

    @property
    def slower(self) -> float | None:
        """How many seconds `b` took more than `a`; None where that can't be told."""
        if self.a is None or self.b is None:
            return None
        first, second = self.a.seconds, self.b.seconds
        return None if first is None or second is None else second - first


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task that changed hosts: in both, in `a` alone, in `b` alone."""

    task: str
    both: Sequence[str]
    a: Sequence[str]
    b: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two deployments have, or one of them."""

    variables: Sequence[Pair]
    #: What config.json said at each launch, where it differs.
    config: Sequence[Pair]
    steps: Sequence[StepPair]
    changes: Sequence[TaskChange]


def compare(
    a: Deployment,
    b: Deployment,
    steps: tuple[Sequence[Step], Sequence[Step]],
    changed: tuple[Iterable[tuple[str, str]], Iterable[tuple[str, str]]],
) -> Comparison:
    """Compare `a` with `b`; `changed` are the tasks that changed something, and where.

    Names come in the order of `b`, then those that `a` alone has.
    """
    configs = [
        d.service.model_dump(mode="json") | {"variables": d.service.shown_variables}
        for d in (a, b)
    ]
    config = [pair for pair in _pairs(configs[0], configs[1]) if pair.differs]
    by_name = [{step.name: step for step in of} for of in steps]
    return Comparison(
        variables=_pairs(a.variables, b.variables),
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
    """The hosts that each task changed, in their order, each once."""
    found: dict[str, dict[str, None]] = {}
    for task, host in changed:
        found.setdefault(task, {})[host] = None
    return found


def _names(a: Mapping[str, object], b: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys((*b, *a)))
