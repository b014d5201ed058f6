"""Where the time of a deployment went: its phases, and its slowest tasks or steps."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any

from app.domain.deployment import Deployment
from app.domain.duration import seconds_between
from app.domain.estimate import is_longer
from app.domain.steps import Step
from app.domain.timing_hints import hints

#: The name of a step, and that of a task in it.
TaskKey = tuple[str, str]

#: Number of tasks or steps to show.
SHOWN = 10
#: Number of names in the remark about a phase.
_NAMED = 3
#: A step before the first task is worth mentioning if it took this many seconds.
_WORTH_SAYING = 0.5


@dataclass(frozen=True, slots=True)
class HostTime:
    """The seconds that a task took on a host; `result` is the number of an event."""

    host: str
    seconds: float
    result: int


@dataclass(frozen=True, slots=True)
class TaskTime:
    """The seconds during which a task was active on any host.

    Repeated tasks of the same name in the same step are one. It has the `slowest` of
    its `hosts`, its module, and the number of items of its loop.
    """

    step: str
    task: str
    seconds: float
    hosts: int
    slowest: tuple[HostTime, ...]
    module: str = ""
    items: int = 0

    @property
    def key(self) -> TaskKey:
        """Its step and name."""
        return self.step, self.task


@dataclass(frozen=True, slots=True)
class Profile:
    """The measured times of an Ansible run.

    `connecting` has the seconds of the first task on each host, `contacted` the number
    of hosts, and `first_tasks` the names of these tasks. `tasks` are the slowest ones,
    `others` the step, name and seconds of further ones; both slowest first.
    """

    first_task_at: datetime | None = None
    last_result_at: datetime | None = None
    connecting: float = 0.0
    contacted: int = 0
    first_tasks: tuple[str, ...] = ()
    tasks: tuple[TaskTime, ...] = ()
    others: tuple[tuple[str, str, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the stored form of the profile."""
        stored = asdict(self)
        for name in ("first_task_at", "last_result_at"):
            stored[name] = stored[name] and stored[name].isoformat()
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Profile":
        """Return the profile from its stored form."""
        times = {
            name: stored[name] and datetime.fromisoformat(stored[name])
            for name in ("first_task_at", "last_result_at")
        }
        tasks = (
            TaskTime(
                **task | {"slowest": tuple(HostTime(**h) for h in task["slowest"])}
            )
            for task in stored["tasks"]
        )
        return cls(**{**stored, **times, "first_tasks": tuple(stored["first_tasks"]),
                      "tasks": tuple(tasks),
                      "others": tuple(map(tuple, stored["others"]))})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a deployment, in seconds; `about` names what was done in it."""

    name: str
    seconds: float
    about: str = ""


@dataclass(frozen=True, slots=True)
class SlowPart:
    """A task or step with its usual seconds, None if unknown.

    `longer` says that it took notably longer.
    """

    name: str
    step: str
    seconds: float
    usual: float | None
    longer: bool
    hosts: int = 0
    slowest: tuple[HostTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """The phases, the slowest tasks or steps, and hints; `more` aren't listed."""

    phases: tuple[Phase, ...] = ()
    slow: tuple[SlowPart, ...] = ()
    more: int = 0
    hints: tuple[str, ...] = ()

    @property
    def longest(self) -> list[Phase]:
        """The two longest phases, in order of time."""
        return sorted(self.phases, key=lambda phase: -phase.seconds)[:2]


def usual_seconds(
    stored: Iterable[Mapping[str, Any]], wanted: Collection[TaskKey]
) -> dict[TaskKey, float]:
    """Return the median seconds of these tasks in stored profiles."""
    found: dict[TaskKey, list[float]] = {key: [] for key in wanted}
    for profile in stored:
        tasks = [(one["step"], one["task"], one["seconds"]) for one in profile["tasks"]]
        for step, task, seconds in (*tasks, *profile["others"]):
            if (step, task) in found:
                found[step, task].append(seconds)
    return {key: median(seconds) for key, seconds in found.items() if seconds}


def timing_of(
    deployment: Deployment,
    steps: Sequence[Step],
    usual_steps: Mapping[str, float],
    profile: Profile | None = None,
    usual_tasks: Mapping[TaskKey, float] | None = None,
) -> Timing:
    """Return where the time of an ended deployment went; nothing before its end.

    Args:
        deployment: The deployment.
        steps: Its steps, in order.
        usual_steps: The usual seconds of the steps, by name.
        profile: The measured times of its tasks; None for a script.
        usual_tasks: The usual seconds of the tasks, by step and task.
    """
    if deployment.finished_at is None:
        return Timing()
    phases = tuple(_phases(deployment, deployment.finished_at, steps, profile))
    if profile is not None and profile.tasks:
        usual = usual_tasks or {}
        whole = sum(task.seconds for task in profile.tasks)
        whole += sum(seconds for _, _, seconds in profile.others)
        return Timing(
            phases,
            tuple(_slow_task(task, usual.get(task.key)) for task in profile.tasks),
            more=len(profile.others),
            hints=tuple(hints(profile.tasks, whole)),
        )
    slow = sorted(_slow_steps(steps, usual_steps), key=lambda one: -one.seconds)
    return Timing(phases, tuple(slow[:SHOWN]), max(len(slow) - SHOWN, 0))


def _phases(
    deployment: Deployment,
    end: datetime,
    steps: Sequence[Step],
    profile: Profile | None,
) -> list[Phase]:
    start = deployment.started_at
    if start is None:
        return [Phase("waiting", seconds_between(deployment.created_at, end))]
    waiting = Phase("waiting", seconds_between(deployment.created_at, start))
    if deployment.service.playbook is None:
        first = min((s.started_at for s in steps if s.started_at), default=start)
        return [
            waiting,
            Phase("preparing", seconds_between(start, first), "until the first step"),
            Phase("running", seconds_between(max(first, start), end)),
        ]
    if profile is None:
        return [waiting, Phase("running", seconds_between(start, end))]
    first = profile.first_task_at or end
    preparing = Phase(
        "preparing", seconds_between(start, first), _steps_before(steps, first)
    )
    if profile.first_task_at is None:
        return [waiting, preparing]
    last = profile.last_result_at or first
    tasks = seconds_between(first, last) - profile.connecting
    return [
        waiting,
        preparing,
        Phase("connecting", profile.connecting, _contact(profile)),
        Phase("tasks", max(tasks, 0.0)),
        Phase("finishing", seconds_between(last, end)),
    ]


def _steps_before(steps: Iterable[Step], first: datetime) -> str:
    """Name the steps that ended before the first task, such as a build."""
    return ", ".join(
        f"{step.name} {step.seconds:.0f} s"
        for step in steps
        if step.finished_at is not None
        and step.finished_at <= first
        and (step.seconds or 0.0) >= _WORTH_SAYING
    )


def _contact(profile: Profile) -> str:
    """Describe the first contact: which tasks on how many hosts."""
    named = ", ".join(profile.first_tasks[:_NAMED])
    if len(profile.first_tasks) > _NAMED:
        named += f" and {len(profile.first_tasks) - _NAMED} more"
    hosts = "1 host" if profile.contacted == 1 else f"{profile.contacted} hosts"
    return f"first task on {hosts}: {named}" if named else ""


def _slow_task(task: TaskTime, usual: float | None) -> SlowPart:
    longer = usual is not None and is_longer(task.seconds, usual)
    return SlowPart(task.task, task.step, task.seconds, usual, longer, task.hosts,
                task.slowest)  # fmt: skip


def _slow_steps(steps: Iterable[Step], usual: Mapping[str, float]) -> list[SlowPart]:
    found = []
    for step in steps:
        if step.seconds is not None:
            normal = usual.get(step.name)
            longer = normal is not None and is_longer(step.seconds, normal)
            found.append(SlowPart(step.name, "", step.seconds, normal, longer))
    return found
