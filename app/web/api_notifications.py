"""The JSON API for channels and messages; no response has a URL of a channel."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import NotFound
from app.usecases import channels
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.notification_bodies import (
    ChannelRequest,
    channel_body,
    notification_body,
)


def list_channels(request: Request) -> Response:
    """GET /api/v1/channels."""
    listed = channels.list_all(deps(request).store, actor_of(request))
    return paging.by_name(request, listed, lambda one: one.channel.name, channel_body)


def show_channel(request: Request) -> Response:
    """GET /api/v1/channels/{name}."""
    return JSONResponse(_one(request))


async def put_channel(request: Request) -> Response:
    """PUT /api/v1/channels/{name}: 201 if it is new, or 200."""
    return await run_in_threadpool(_put, request, await request.body())


def remove_channel(request: Request) -> Response:
    """DELETE /api/v1/channels/{name}?force=true: what it was."""
    body = _one(request)
    force = request.query_params.get("force") == "true"
    channels.remove(deps(request).store, actor_of(request), _name(request), force=force)
    return JSONResponse(body)


def pause_channel(request: Request) -> Response:
    """POST /api/v1/channels/{name}/pause."""
    channels.pause(deps(request).store, actor_of(request), _name(request))
    return JSONResponse(_one(request))


def resume_channel(request: Request) -> Response:
    """POST /api/v1/channels/{name}/resume."""
    channels.resume(deps(request).store, actor_of(request), _name(request))
    return JSONResponse(_one(request))


def test_channel(request: Request) -> Response:
    """POST /api/v1/channels/{name}/test: the message, which a worker sends."""
    store, actor, name = deps(request).store, actor_of(request), _name(request)
    channels.test(store, actor, name)
    latest = channels.messages(store, actor, name)[0]
    return JSONResponse(notification_body(latest).model_dump(mode="json"), 202)


def list_notifications(request: Request) -> Response:
    """GET /api/v1/notifications?channel=…: the latest messages."""
    name = request.query_params.get("channel")
    listed = channels.messages(deps(request).store, actor_of(request), name)
    return JSONResponse([notification_body(each).model_dump(mode="json")
                         for each in listed])  # fmt: skip


def send_again(request: Request) -> Response:
    """POST /api/v1/notifications/{id}/send: the message, which a worker sends again."""
    number = request.path_params["id"]
    again = channels.send_again(deps(request).store, actor_of(request), number)
    return JSONResponse(notification_body(again).model_dump(mode="json"), 202)


def _put(request: Request, content: bytes) -> Response:
    asked = ChannelRequest.model_validate_json(content)
    store, actor, name = deps(request).store, actor_of(request), _name(request)
    existed = False
    if asked.replace:
        try:
            channels.find(store, actor, name)
            existed = True
        except NotFound:
            pass
    channels.put(
        store, deps(request).secret_box, actor, name, asked.change,
        replace=asked.replace,
    )  # fmt: skip
    return JSONResponse(_one(request), 200 if existed else 201)


def _one(request: Request) -> dict[str, object]:
    view = channels.find(deps(request).store, actor_of(request), _name(request))
    return channel_body(view).model_dump(mode="json")


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name
