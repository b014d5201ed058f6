"""The response body of the API for where the time of a deployment went."""

from typing import Literal

from app.domain.timing import Timing
from app.web.schemas import Body


class PhaseBody(Body):
    """A phase of a deployment."""

    name: Literal["waiting", "preparing", "connecting", "tasks", "running", "finishing"]
    seconds: float
    about: str
    """What was done in it, such as building the execution environment."""


class HostTimeBody(Body):
    """The time that a task took on a host."""

    host: str
    seconds: float
    event: int
    """The number of the event with its result."""


class SlowBody(Body):
    """A task of a playbook, or a step of a script."""

    name: str
    step: str
    """The step of a task; empty for a step."""
    seconds: float
    """How long it was active on any host."""
    usual_seconds: float | None
    """The median of the last 10 successful complete deployments of the service."""
    longer: bool
    """Whether it took notably longer than usual."""
    hosts: int
    """On how many hosts it ran; 0 for a step."""
    slowest_hosts: list[HostTimeBody]


class TimingBody(Body):
    """Where the time of a deployment went; the lists are empty until it has ended."""

    phases: list[PhaseBody]
    """In order of time; together, they are the whole time since the launch."""
    slowest: list[SlowBody]
    """The ten slowest tasks, or steps of a script."""
    more: int
    """The number of tasks or steps that aren't listed."""
    hints: list[str]
    """A sentence for each slow task with a known remedy."""


def timing_body(timing: Timing) -> TimingBody:
    """Return the body of a timing."""
    return TimingBody(
        phases=[
            PhaseBody.model_validate(
                {"name": phase.name, "seconds": phase.seconds, "about": phase.about}
            )
            for phase in timing.phases
        ],
        slowest=[
            SlowBody(
                name=slow.name,
                step=slow.step,
                seconds=slow.seconds,
                usual_seconds=slow.usual,
                longer=slow.longer,
                hosts=slow.hosts,
                slowest_hosts=[
                    HostTimeBody(host=one.host, seconds=one.seconds, event=one.result)
                    for one in slow.slowest
                ],
            )
            for slow in timing.slow
        ],
        more=timing.more,
        hints=list(timing.hints),
    )
