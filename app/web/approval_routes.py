"""The routes that approve and reject deployments."""

from app.domain.access import Permission
from app.web import approvals, schemas
from app.web.approval_bodies import DecisionRequest
from app.web.guard import api_route, route
from app.web.operation import Operation

_APPROVE = Permission.APPROVE

ROUTES = [
    route("/deployments/{id:number}/approve", approvals.approve, _APPROVE, "POST"),
    route("/deployments/{id:number}/reject", approvals.reject, _APPROVE, "POST"),
]
API = [
    api_route("POST", "/api/v1/deployments/{id:number}/approve", approvals.api_approve,
        _APPROVE, Operation(
            "deployments", "Approve a deployment: it is queued.",
            schemas.DeploymentDetailBody, body=DecisionRequest, errors=(409,),
            description="Refused (403) for who launched it. The status is 409 if it "
            "doesn't wait for an approval, or can't run as it was launched.",
    )),
    api_route("POST", "/api/v1/deployments/{id:number}/reject", approvals.api_reject,
        _APPROVE, Operation(
            "deployments", "Reject a deployment: it is canceled.",
            schemas.DeploymentDetailBody, body=DecisionRequest, errors=(409,),
    )),
]  # fmt: skip
