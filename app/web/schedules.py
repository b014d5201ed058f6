"""Pages of schedules: the list, one schedule, and its pause; their API."""

from datetime import datetime
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.deployment import Origin
from app.domain.healthcheck import shown
from app.domain.schedule import parse_time
from app.errors import Conflict, Invalid
from app.usecases import schedules
from app.usecases.schedules import ScheduleView
from app.web import forms, request_key
from app.web.dependencies import actor_of, deps
from app.web.query import LAST_PAGE, number
from app.web.schedule_bodies import schedule_body

_DONE = {
    "created": "The schedule is created.",
    "changed": "The schedule is changed.",
    "removed": "The schedule is removed.",
    "paused": "The schedule is paused.",
    "resumed": "The schedule is resumed.",
}


def index(request: Request) -> Response:
    """List the schedules, a page at a time."""
    views, earlier, later = _listed(request)
    return deps(request).renderer.page(
        request,
        "schedules/index.html",
        views=views,
        text=request.query_params.get("text", ""),
        done=_DONE.get(request.query_params.get("done", ""), ""),
        earlier=earlier,
        later=later,
    )


def show(request: Request) -> Response:
    """Show one schedule with its next instants."""
    done = _DONE.get(request.query_params.get("done", ""), "")
    return _page(request, _found(request), 200, done=done)


def pause(request: Request, form: FormData) -> Response:
    """Pause a schedule, until a time if the form has one."""
    view = _found(request)
    text = str(form.get("until", "")).strip()
    try:
        until = _until(text, view)
        schedules.pause(deps(request).store, actor_of(request), view.stored.id, until)
    except Invalid as error:
        return _page(request, view, 422, until=text, problem=str(error))
    return _redirect(view, "paused")


def resume(request: Request) -> Response:
    """End the pause of a schedule."""
    view = _found(request)
    schedules.resume(deps(request).store, actor_of(request), view.stored.id)
    return _redirect(view, "resumed")


def run(request: Request, form: FormData) -> Response:
    """Launch what a schedule launches, and redirect to the deployment."""
    view = _found(request)
    try:
        deployment_id = schedules.run_now(
            deps(request).store,
            deps(request).queue,
            deps(request).secret_box,
            actor_of(request),
            view.stored.id,
            origin=Origin.BROWSER,
            run_as=deps(request).settings.run_as,
            idempotency_key=request_key.of_form(request, form),
            sources=deps(request).schedule_sources,
        )
    except (Conflict, Invalid) as error:
        return _page(request, view, 422, refused=str(error))
    return RedirectResponse(f"/deployments/{deployment_id}", 303)


def list_schedules(request: Request) -> Response:
    """GET /api/v1/schedules?text=…&page=…."""
    views, _, later = _listed(request)
    headers = {"Link": f'<{later}>; rel="next"'} if later else {}
    bodies = [schedule_body(view).model_dump(mode="json") for view in views]
    return JSONResponse(bodies, headers=headers)


def _listed(request: Request) -> tuple[list[ScheduleView], str, str]:
    """Return the schedules of a page, and the addresses of those beside it."""
    text = request.query_params.get("text", "")
    page = number(request.query_params, "page", most=LAST_PAGE) or 1
    views, more = schedules.list_page(deps(request).store, text=text, number=page)

    def address(of: int) -> str:
        asked = {"text": text} if text else {}
        return f"{request.url.path}?{urlencode(asked | {'page': of})}"

    return views, address(page - 1) if page > 1 else "", address(page + 1) * more


def _page(
    request: Request,
    view: ScheduleView,
    status_code: int,
    *,
    done: str = "",
    until: str = "",
    problem: str = "",
    refused: str = "",
) -> Response:
    return deps(request).renderer.page(
        request,
        "schedules/show.html",
        status_code,
        view=view,
        healthcheck=shown(view.stored.schedule.healthcheck_url),
        done=done,
        until=until,
        problem=problem,
        refused=refused,
        idempotency_key=forms.new_key(),
    )


def _until(text: str, view: ScheduleView) -> datetime | None:
    """Return the end of a pause in a form. Raises Invalid."""
    if not text:
        return None
    try:
        return parse_time(text, view.stored.schedule.timezone)
    except ValueError as error:
        raise Invalid(f"the end of the pause {error}") from None


def _found(request: Request) -> ScheduleView:
    return schedules.find(deps(request).store, request.path_params["id"])


def _redirect(view: ScheduleView, done: str) -> Response:
    return RedirectResponse(f"/schedules/{view.stored.id}?done={done}", 303)
