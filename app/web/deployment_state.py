"""What a deployment's pages say about its state: its actions, and where it failed."""

from collections.abc import Sequence

from app.domain.deployment import Status, describe_exit
from app.domain.events import StepState
from app.usecases.deploy import View
from app.usecases.results import failed_hosts

#: The number of hosts or steps that the status names, and the length of their names:
#: the status is one line.
_NAMED = 2
_LENGTH = 40


def phase(view: View) -> str:
    """Return which actions a deployment has.

    They are those of its outcome, `active`, `canceling`, or `waiting` for an approval.
    """
    deployment = view.deployment
    if deployment.status is Status.WAITING_FOR_APPROVAL:
        return "waiting"
    if deployment.ended:
        return deployment.status
    return "canceling" if deployment.cancel_requested_by else "active"


def where_failed(view: View) -> str:
    """Return where an ended deployment failed; its page summarizes why.

    Empty if no summary of the failures exists: the reason is all that is known.
    """
    deployment = view.deployment
    if deployment.status not in (Status.FAILED, Status.TIMEOUT):
        return ""
    if deployment.pruned_at and not failed_hosts(view.steps):
        return ""
    if hosts := failed_hosts(view.steps):
        return f"on {_some(hosts, 'hosts')}"
    failed = [s.name for s in view.steps if s.state is StepState.FAILURE]
    if failed:
        return f"in {_some(failed, 'steps')}"
    if deployment.exit_code:
        return f"with {describe_exit(deployment.exit_code)}"
    return "see why"


def _some(names: Sequence[str], what: str) -> str:
    """Name one or two with short names, otherwise count them: "29 hosts"."""
    named = ", ".join(names)
    if len(names) > _NAMED or len(named) > _LENGTH:
        return f"{len(names)} {what if len(names) > 1 else what[:-1]}"
    return named
