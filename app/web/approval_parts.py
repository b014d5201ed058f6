"""What the page of a deployment shows of its approval."""

from typing import Any

from starlette.requests import Request

from app.domain.deployment import Deployment, Status
from app.usecases import approvals, launch_summary
from app.web.dependencies import actor_of, deps


def approval_parts(request: Request, deployment: Deployment) -> dict[str, Any]:
    """Return the variables of the templates: the approval, and what would run.

    `refusal` says why the user can't approve a deployment that waits.
    """
    store = deps(request).store
    approval = approvals.find_approval(store, deployment.id)
    if approval is None or deployment.status is not Status.WAITING_FOR_APPROVAL:
        return {"approval": approval, "summary_of_launch": None, "refusal": ""}
    return {
        "approval": approval,
        "summary_of_launch": launch_summary.of_deployment(
            store, deps(request).settings, deployment
        ),
        "refusal": approvals.refusal(store, actor_of(request), deployment, approval),
    }
