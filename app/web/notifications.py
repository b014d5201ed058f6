"""Pages of notifications: channels, their messages, and a form to add a channel."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import Conflict, InvalidFields
from app.usecases import channels
from app.usecases.channels import Change, ChannelView
from app.web.dependencies import actor_of, deps

_DONE = {
    "added": "The channel is added. Test it.",
    "replaced": "The channel is replaced. Test it.",
    "removed": "The channel is removed.",
    "paused": "The channel is paused.",
    "resumed": "The channel is resumed.",
    "tested": "A worker sends the test message. Reload this page to see the result.",
    "again": "A worker sends the message again. Reload this page to see the result.",
}


def index(request: Request) -> Response:
    """List the channels and the latest messages."""
    store, actor = deps(request).store, actor_of(request)
    return deps(request).renderer.page(
        request,
        "notifications/index.html",
        views=channels.list_all(store, actor),
        missing=channels.missing(store, actor),
        messages=channels.messages(store, actor),
        done=_done(request),
    )


def show(request: Request) -> Response:
    """Show one channel, without its URL, and its messages."""
    view = _found(request)
    store, actor = deps(request).store, actor_of(request)
    return deps(request).renderer.page(
        request,
        "notifications/show.html",
        view=view,
        messages=channels.messages(store, actor, view.channel.name),
        done=_done(request),
    )


def new(request: Request) -> Response:
    """Show the form that adds a channel, or changes the one in the query."""
    name = request.query_params.get("name", "")
    if not name:
        return _form(request, None)
    existing = channels.find(deps(request).store, actor_of(request), name)
    sent = {"name": name, "description": existing.channel.description}
    return _form(request, existing, sent)


def put(request: Request, form: FormData) -> Response:
    """Add or replace a channel, or show the form with its errors."""
    sent = {key: value for key, value in form.items() if isinstance(value, str)}
    name, replace = sent.get("name", "").strip(), sent.get("replace") == "true"
    change = Change(
        sent.get("url", "").strip(),
        sent.get("secret", "").strip(),
        sent.get("description", ""),
    )
    store, actor = deps(request).store, actor_of(request)
    try:
        channels.put(
            store, deps(request).secret_box, actor, name, change, replace=replace
        )
    except InvalidFields as error:
        problems = error.problems
    except Conflict as error:
        problems = {"name": str(error)}
    else:
        return _redirect(name, "replaced" if replace else "added")
    existing = channels.find(store, actor, name) if replace else None
    return _form(request, existing, sent, problems)


def test(request: Request) -> Response:
    """Write a test message to a channel."""
    name = request.path_params["name"]
    channels.test(deps(request).store, actor_of(request), name)
    return _redirect(name, "tested")


def pause(request: Request) -> Response:
    """Pause a channel."""
    name = request.path_params["name"]
    channels.pause(deps(request).store, actor_of(request), name)
    return _redirect(name, "paused")


def resume(request: Request) -> Response:
    """End the pause of a channel."""
    name = request.path_params["name"]
    channels.resume(deps(request).store, actor_of(request), name)
    return _redirect(name, "resumed")


def remove(request: Request, form: FormData) -> Response:
    """Remove a channel, although services name it if that was confirmed."""
    name = request.path_params["name"]
    force = form.get("force") == "true"
    channels.remove(deps(request).store, actor_of(request), name, force=force)
    return RedirectResponse("/admin/notifications?done=removed", 303)


def send_again(request: Request) -> Response:
    """Send a message again, and redirect to where it is listed."""
    number = request.path_params["id"]
    channels.send_again(deps(request).store, actor_of(request), number)
    return RedirectResponse("/admin/notifications?done=again", 303)


def _form(
    request: Request,
    existing: ChannelView | None,
    sent: Mapping[str, str] = MappingProxyType({}),
    problems: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Show the form; it never contains a URL or a secret."""
    return deps(request).renderer.page(
        request,
        "notifications/new.html",
        422 if problems else 200,
        existing=existing,
        name=sent.get("name", ""),
        description=sent.get("description", ""),
        problems=problems,
    )


def _found(request: Request) -> ChannelView:
    name = request.path_params["name"]
    return channels.find(deps(request).store, actor_of(request), name)


def _done(request: Request) -> str:
    return _DONE.get(request.query_params.get("done", ""), "")


def _redirect(name: str, done: str) -> Response:
    return RedirectResponse(f"/admin/notifications/{name}?done={done}", 303)
