"""The API of webhooks."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.store.webhooks import Webhook
from app.usecases import webhook_deliveries, webhooks
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.query import number
from app.web.webhook_bodies import (
    WebhookRequest,
    delivery_body,
    secret_body,
    webhook_body,
)


def list_webhooks(request: Request) -> Response:
    """GET /api/v1/webhooks."""
    listed = webhooks.list_all(deps(request).store, actor_of(request))
    return paging.by_name(request, listed, lambda one: one.name, webhook_body)


async def create(request: Request) -> Response:
    """POST /api/v1/webhooks: 201 with the secret."""
    return await run_in_threadpool(_create, request, await request.body())


def show(request: Request) -> Response:
    """GET /api/v1/webhooks/{name}."""
    return _answer(_found(request))


def remove(request: Request) -> Response:
    """DELETE /api/v1/webhooks/{name}: what it was."""
    found = _found(request)
    webhooks.remove(deps(request).store, actor_of(request), found.id)
    return _answer(found)


def rotate(request: Request) -> Response:
    """POST /api/v1/webhooks/{name}/rotate: 201 with a second secret."""
    found = _found(request)
    secret = webhooks.rotate(
        deps(request).store, deps(request).secret_box, actor_of(request), found.id
    )
    body = secret_body(_found(request), secret)
    return JSONResponse(body.model_dump(mode="json"), 201)


def finish_rotation(request: Request) -> Response:
    """POST /api/v1/webhooks/{name}/finish-rotation."""
    webhooks.finish_rotation(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        _found(request).id,
    )
    return _answer(_found(request))


def pause(request: Request) -> Response:
    """POST /api/v1/webhooks/{name}/pause."""
    webhooks.pause(deps(request).store, actor_of(request), _found(request).id)
    return _answer(_found(request))


def resume(request: Request) -> Response:
    """POST /api/v1/webhooks/{name}/resume."""
    webhooks.resume(deps(request).store, actor_of(request), _found(request).id)
    return _answer(_found(request))


def list_deliveries(request: Request) -> Response:
    """GET /api/v1/webhooks/{name}/deliveries?before=…."""
    listed, more = webhook_deliveries.list_page(
        deps(request).store,
        actor_of(request),
        _found(request).id,
        number(request.query_params, "before"),
    )
    bodies = [delivery_body(each).model_dump(mode="json") for each in listed]
    following = paging.next_link(request, before=listed[-1].id) if more else {}
    return JSONResponse(bodies, headers=following)


def redeliver(request: Request) -> Response:
    """POST /api/v1/webhooks/{name}/deliveries/{id}/redeliver."""
    found = _found(request)
    webhook_deliveries.redeliver(
        deps(request).store, actor_of(request), found.id, request.path_params["id"]
    )
    return _answer(found)


def _create(request: Request, content: bytes) -> Response:
    wanted = WebhookRequest.model_validate_json(content).wanted
    number_of_it, secret = webhooks.create(
        deps(request).store,
        deps(request).settings,
        deps(request).secret_box,
        actor_of(request),
        wanted,
    )
    made = webhooks.find(deps(request).store, actor_of(request), number_of_it)
    return JSONResponse(secret_body(made, secret).model_dump(mode="json"), 201)


def _answer(webhook: Webhook) -> Response:
    return JSONResponse(webhook_body(webhook).model_dump(mode="json"))


def _found(request: Request) -> Webhook:
    name = request.path_params["name"]
    return webhooks.find_named(deps(request).store, actor_of(request), name)
