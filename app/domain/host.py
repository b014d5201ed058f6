"""What a deployment did to each of its hosts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.deployment import Deployment
from app.domain.recap import COUNTED, HostRecap


class HostStatus(StrEnum):
    """How a deployment ended on one host; the values are stored."""

    #: No task changed the host, and none failed for good.
    OK = "ok"
    #: A task changed the host.
    CHANGED = "changed"
    #: A task failed and wasn't rescued.
    FAILED = "failed"
    #: The host could not be reached.
    UNREACHABLE = "unreachable"


#: The status of a host that an inventory names and that no run has reached.
NOT_REACHED = "not reached"
STATUSES = (*HostStatus, NOT_REACHED)
BAD = frozenset({HostStatus.FAILED, HostStatus.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Tally:
    """The results of a deployment on a host, counted.

    `last` is the number of the event with the last result, `last_bad` of the last
    result that is a failure, 0 without one. `unreachable` says what that failure is.
    """

    host: str
    changed: int
    failed: int
    last: int
    last_bad: int
    unreachable: bool
    began_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class RunShape:
    """What decides whether a host that ended well got all of a run.

    `successful` is the outcome of the deployment. `everything` says that the run was no
    check and left out no task. `last_play` is the number of the event with the first
    task of the last play. `stopped` says that a failure ended a play for all hosts.
    """

    successful: bool
    everything: bool
    last_play: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What a deployment did to a host.

    `complete` says that the host runs what the deployment deploys.
    """

    host: str
    status: HostStatus
    changed: int
    failed: int
    began_at: datetime
    last_at: datetime
    complete: bool


def judge(
    tallies: Iterable[Tally], recaps: Iterable[HostRecap], shape: RunShape
) -> list[HostOutcome]:
    """Return the outcome of each host, sorted by name.

    Ansible's recap knows which failures were rescued. Without one, such as in a run
    that was canceled, a host failed if its last result is a failure.
    """
    counted = {recap.host: recap for recap in recaps}
    found = []
    for tally in sorted(tallies, key=lambda one: one.host):
        recap = counted.get(tally.host)
        status = _by_recap(recap) if recap else _by_results(tally)
        complete = _is_complete(tally, status, shape, recapped=recap is not None)
        found.append(
            HostOutcome(tally.host, status, tally.changed, tally.failed,
                        tally.began_at, tally.last_at, complete)
        )  # fmt: skip
    return found


def runs_everything(deployment: Deployment) -> bool:
    """Whether a deployment runs all tasks of its service, on whichever hosts."""
    options, usual = deployment.options, deployment.service.option_defaults
    chosen = (options.tags, options.skip_tags, options.start_at_task)
    defaults = (usual.tags, usual.skip_tags, usual.start_at_task)
    return not options.check and chosen == defaults


def _by_recap(recap: HostRecap) -> HostStatus:
    counts = dict(zip(COUNTED, recap.counts, strict=True))
    if counts["unreachable"]:
        return HostStatus.UNREACHABLE
    if counts["failed"]:
        return HostStatus.FAILED
    return HostStatus.CHANGED if counts["changed"] else HostStatus.OK


def _by_results(tally: Tally) -> HostStatus:
    if tally.last_bad and tally.last_bad == tally.last:
        return HostStatus.UNREACHABLE if tally.unreachable else HostStatus.FAILED
    return HostStatus.CHANGED if tally.changed else HostStatus.OK


def _is_complete(
    tally: Tally, status: HostStatus, shape: RunShape, *, recapped: bool
) -> bool:
    """Return whether a host got all of a run.

    If the run failed because of others, the hosts that ended the last play well did.
    """
    if status in BAD or not shape.everything:
        return False
    if shape.successful:
        return True
    return recapped and not shape.stopped and tally.last >= shape.last_play > 0
