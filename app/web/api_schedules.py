"""The JSON API for schedules."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.schedule import Schedule, parse_time
from app.errors import Invalid
from app.usecases import schedule_changes, schedules
from app.web import request_key
from app.web.api import deployment_content, origin_of
from app.web.dependencies import actor_of, deps
from app.web.schedule_bodies import CreateScheduleRequest, PauseRequest, schedule_body


def show(request: Request) -> Response:
    """GET /api/v1/schedules/{id}."""
    return JSONResponse(_content(request, _id(request)))


async def create(request: Request) -> Response:
    """POST /api/v1/schedules: 201 with the schedule."""
    body = await run_in_threadpool(_create, request, await request.body())
    return JSONResponse(
        body, 201, headers={"Location": f"/api/v1/schedules/{body['id']}"}
    )


def _create(request: Request, content: bytes) -> dict[str, object]:
    asked = CreateScheduleRequest.model_validate_json(content)
    number = schedule_changes.create(
        deps(request).store,
        actor_of(request),
        asked.service,
        _given(asked),
        deps(request).secret_box,
        deps(request).schedule_sources,
    )
    return _content(request, number)


async def replace(request: Request) -> Response:
    """PUT /api/v1/schedules/{id}."""
    content = await request.body()
    return JSONResponse(await run_in_threadpool(_replace, request, content))


def _replace(request: Request, content: bytes) -> dict[str, object]:
    number = _id(request)
    schedule_changes.replace(
        deps(request).store,
        actor_of(request),
        number,
        _given(Schedule.model_validate_json(content)),
        deps(request).secret_box,
        deps(request).schedule_sources,
    )
    return _content(request, number)


def remove(request: Request) -> Response:
    """DELETE /api/v1/schedules/{id}: the schedule as it was."""
    number = _id(request)
    body = _content(request, number)
    schedule_changes.remove(deps(request).store, actor_of(request), number)
    return JSONResponse(body)


async def pause(request: Request) -> Response:
    """POST /api/v1/schedules/{id}/pause."""
    content = await request.body()
    return JSONResponse(await run_in_threadpool(_pause, request, content))


def _pause(request: Request, content: bytes) -> dict[str, object]:
    asked = PauseRequest.model_validate_json(content or b"{}")
    number = _id(request)
    zone = schedules.find(deps(request).store, number).stored.schedule.timezone
    try:
        until = parse_time(asked.until, zone) if asked.until else None
    except ValueError as error:
        raise Invalid(f"until {error}") from None
    schedules.pause(deps(request).store, actor_of(request), number, until)
    return _content(request, number)


def resume(request: Request) -> Response:
    """POST /api/v1/schedules/{id}/resume."""
    number = _id(request)
    schedules.resume(deps(request).store, actor_of(request), number)
    return JSONResponse(_content(request, number))


def run(request: Request) -> Response:
    """POST /api/v1/schedules/{id}/run: 201 with the deployment."""
    number = schedules.run_now(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor_of(request),
        _id(request),
        origin=origin_of(request),
        run_as=deps(request).settings.run_as,
        idempotency_key=request_key.of_header(request),
        sources=deps(request).schedule_sources,
    )
    location = {"Location": f"/api/v1/deployments/{number}"}
    return JSONResponse(deployment_content(request, number), 201, headers=location)


def _given(schedule: Schedule) -> dict[str, Any]:
    """Return the keys of a schedule that a body has; a dump would hide its URL."""
    given = schedule.model_fields_set & Schedule.model_fields.keys()
    return {key: getattr(schedule, key) for key in given}


def _content(request: Request, number: int) -> dict[str, object]:
    view = schedules.find(deps(request).store, number)
    return schedule_body(view).model_dump(mode="json")


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    return number
