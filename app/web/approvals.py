"""Pages and API operations that approve and reject deployments."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.approval import Decision
from app.usecases import approvals
from app.web.api import deployment_content
from app.web.approval_bodies import DecisionRequest
from app.web.dependencies import actor_of, deps

_DECIDE = {Decision.APPROVED: approvals.approve, Decision.REJECTED: approvals.reject}


def approve(request: Request, form: FormData) -> Response:
    """Approve a deployment and redirect to its page."""
    return _submit(request, form, Decision.APPROVED)


def reject(request: Request, form: FormData) -> Response:
    """Reject a deployment and redirect to its page."""
    return _submit(request, form, Decision.REJECTED)


async def api_approve(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/approve: the deployment."""
    return await _respond(request, Decision.APPROVED)


async def api_reject(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/reject: the deployment."""
    return await _respond(request, Decision.REJECTED)


def _submit(request: Request, form: FormData, decision: Decision) -> Response:
    _decide(request, decision, str(form.get("comment", "")))
    return RedirectResponse(f"/deployments/{_id(request)}", 303)


async def _respond(request: Request, decision: Decision) -> Response:
    content = await request.body()
    body = await run_in_threadpool(_answer, request, decision, content)
    return JSONResponse(body)


def _answer(request: Request, decision: Decision, content: bytes) -> dict[str, object]:
    asked = DecisionRequest.model_validate_json(content or b"{}")
    _decide(request, decision, asked.comment)
    return deployment_content(request, _id(request))


def _decide(request: Request, decision: Decision, comment: str) -> None:
    store, queue = deps(request).store, deps(request).queue
    _DECIDE[decision](store, queue, actor_of(request), _id(request), comment)


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
