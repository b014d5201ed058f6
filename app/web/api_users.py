"""The API of users."""

from typing import TypeVar

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases import second_factor, users
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.user_bodies import (
    EndedSessionsBody,
    PasswordRequest,
    RoleRequest,
    UserRequest,
    user_body,
    user_detail_body,
)

_Model = TypeVar("_Model", bound=BaseModel)


def list_users(request: Request) -> Response:
    """GET /api/v1/users."""
    found = users.list_users(deps(request).store, actor_of(request))
    return paging.by_name(request, found, lambda user: user.name, user_body)


async def create_user(request: Request) -> Response:
    """POST /api/v1/users: 201 with the user."""
    asked = await _body(request, UserRequest)
    return await run_in_threadpool(_create, request, asked)


def show_user(request: Request) -> Response:
    """GET /api/v1/users/{name}."""
    return _answer(request, _name(request))


async def set_role(request: Request) -> Response:
    """PUT /api/v1/users/{name}/role: the user."""
    asked = await _body(request, RoleRequest)
    return await run_in_threadpool(_set_role, request, asked)


async def set_password(request: Request) -> Response:
    """PUT /api/v1/users/{name}/password: the user."""
    asked = await _body(request, PasswordRequest)
    return await run_in_threadpool(_set_password, request, asked)


def disable(request: Request) -> Response:
    """POST /api/v1/users/{name}/disable: the user."""
    users.disable(deps(request).store, actor_of(request), _id(request))
    return _answer(request, _name(request))


def enable(request: Request) -> Response:
    """POST /api/v1/users/{name}/enable: the user."""
    users.enable(deps(request).store, actor_of(request), _id(request))
    return _answer(request, _name(request))


def end_sessions(request: Request) -> Response:
    """DELETE /api/v1/users/{name}/sessions: the user, and how many it had."""
    store, actor, name = deps(request).store, actor_of(request), _name(request)
    ended = users.end_sessions(store, actor, name)
    found = users.find_by_name(store, actor, name)
    body = EndedSessionsBody(**dict(user_detail_body(found)), ended=ended)
    return JSONResponse(body.model_dump(mode="json"))


def reset_second_factor(request: Request) -> Response:
    """DELETE /api/v1/users/{name}/second-factor: the user."""
    _id(request)
    second_factor.reset(deps(request).store, actor_of(request), _name(request))
    return _answer(request, _name(request))


def _create(request: Request, asked: UserRequest) -> Response:
    password = asked.password.get_secret_value()
    store, actor = deps(request).store, actor_of(request)
    users.create_user(store, actor, asked.name, password, asked.role)
    return _answer(request, asked.name, 201)


def _set_role(request: Request, asked: RoleRequest) -> Response:
    users.set_role(deps(request).store, actor_of(request), _id(request), asked.role)
    return _answer(request, _name(request))


def _set_password(request: Request, asked: PasswordRequest) -> Response:
    password = asked.password.get_secret_value()
    _id(request)
    users.set_password(deps(request).store, actor_of(request), _name(request), password)
    return _answer(request, _name(request))


async def _body(request: Request, model: type[_Model]) -> _Model:
    return model.model_validate_json(await request.body())


def _answer(request: Request, name: str, status_code: int = 200) -> Response:
    found = users.find_by_name(deps(request).store, actor_of(request), name)
    body = user_detail_body(found).model_dump(mode="json")
    return JSONResponse(body, status_code)


def _id(request: Request) -> int:
    """Return the id of the user in the path. Raises NotFound."""
    store, actor = deps(request).store, actor_of(request)
    return users.find_by_name(store, actor, _name(request)).member.id


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name
