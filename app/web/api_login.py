"""The token of a request: what it may do, and its revocation by itself."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.access import Permission
from app.usecases import tokens
from app.web.dependencies import actor_of, deps
from app.web.guard import api_route
from app.web.operation import Operation
from app.web.schemas import Body


class LoginBody(Body):
    """Who makes the request."""

    name: str
    permissions: list[Permission]
    """What it may do at most; grants limit it to services."""
    expires_at: datetime | None
    """When its token or session expires; null for never."""


def show(request: Request) -> Response:
    """GET /api/v1/login."""
    return JSONResponse(_body(request))


def revoke(request: Request) -> Response:
    """DELETE /api/v1/login: who made the request."""
    tokens.revoke_presented(deps(request).store, actor_of(request))
    return JSONResponse(_body(request))


def _body(request: Request) -> dict[str, object]:
    actor = actor_of(request)
    return LoginBody(
        name=actor.name,
        permissions=sorted(actor.permissions),
        expires_at=actor.expires_at,
    ).model_dump(mode="json")


ROUTES = [
    api_route("GET", "/api/v1/login", show, Permission.VIEW, Operation(
        "access", "Get whose token this is, and what it may do.", LoginBody,
    )),
    api_route("DELETE", "/api/v1/login", revoke, Permission.VIEW, Operation(
        "access", "Revoke the token of this request.", LoginBody, errors=(409,),
    )),
]  # fmt: skip
