"""The routes of webhooks: where they send to, their pages, and their API."""

from app.domain.access import Permission
from app.web import api_parameters, api_webhooks, hooks, webhook_bodies, webhooks
from app.web.guard import api_route, route, signed
from app.web.operation import Operation
from app.web.routing import AppRoute

_ADMIN = Permission.ADMIN
_PAGE = "/admin/webhooks/{id:number}"
_API = "/api/v1/webhooks/{name}"

#: The request of a provider, whose signature is its only permission, and the pages.
ROUTES: list[AppRoute] = [
    signed("/hooks/{name}", hooks.receive),
    route("/admin/webhooks", webhooks.index, _ADMIN, takes=("done",)),
    route("/admin/new-webhook", webhooks.new, _ADMIN, takes=("project",)),
    route("/admin/new-webhook", webhooks.create, _ADMIN, "POST"),
    route(_PAGE, webhooks.show, _ADMIN, takes=("done", "before")),
    route(f"{_PAGE}/rotate", webhooks.rotate, _ADMIN, "POST"),
    route(f"{_PAGE}/finish-rotation", webhooks.finish_rotation, _ADMIN, "POST"),
    route(f"{_PAGE}/pause", webhooks.pause, _ADMIN, "POST"),
    route(f"{_PAGE}/resume", webhooks.resume, _ADMIN, "POST"),
    route(f"{_PAGE}/remove", webhooks.remove, _ADMIN, "POST"),
    route(f"{_PAGE}/deliveries/{{number:number}}/redeliver", webhooks.redeliver,
          _ADMIN, "POST"),
]  # fmt: skip

#: The API.
API = [
    api_route("GET", "/api/v1/webhooks", api_webhooks.list_webhooks, _ADMIN, Operation(
        "webhooks", "List the webhooks, without their secrets.",
        list[webhook_bodies.WebhookBody], parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("POST", "/api/v1/webhooks", api_webhooks.create, _ADMIN, Operation(
        "webhooks", "Create a webhook.", webhook_bodies.SecretBody, status=201,
        body=webhook_bodies.WebhookRequest, errors=(409,),
        description="The response has the secret, which can't be read again.",
    )),
    api_route("GET", _API, api_webhooks.show, _ADMIN, Operation(
        "webhooks", "Get a webhook, without its secrets.", webhook_bodies.WebhookBody,
    )),
    api_route("DELETE", _API, api_webhooks.remove, _ADMIN, Operation(
        "webhooks", "Remove a webhook with its deliveries.",
        webhook_bodies.WebhookBody,
        description="Its deployments are kept.",
    )),
    api_route("POST", f"{_API}/rotate", api_webhooks.rotate, _ADMIN, Operation(
        "webhooks", "Add a second secret to a webhook.", webhook_bodies.SecretBody,
        status=201, errors=(409,),
        description="Both secrets are valid until the rotation is finished.",
    )),
    api_route("POST", f"{_API}/finish-rotation", api_webhooks.finish_rotation, _ADMIN,
        Operation(
            "webhooks", "Make the earlier secret of a webhook invalid.",
            webhook_bodies.WebhookBody, errors=(409,),
    )),
    api_route("POST", f"{_API}/pause", api_webhooks.pause, _ADMIN, Operation(
        "webhooks", "Pause a webhook: nothing is launched.",
        webhook_bodies.WebhookBody,
    )),
    api_route("POST", f"{_API}/resume", api_webhooks.resume, _ADMIN, Operation(
        "webhooks", "Resume a paused webhook.", webhook_bodies.WebhookBody,
    )),
    api_route("GET", f"{_API}/deliveries", api_webhooks.list_deliveries, _ADMIN,
        Operation(
            "webhooks", "List the newest 50 deliveries of a webhook.",
            list[webhook_bodies.DeliveryBody],
            parameters=(api_parameters.BEFORE_DELIVERY,),
            description="The header Link has the URL of the next page.",
    )),
    api_route("POST", f"{_API}/deliveries/{{id:number}}/redeliver",
        api_webhooks.redeliver, _ADMIN, Operation(
            "webhooks", "Handle a delivery again, which launches once more.",
            webhook_bodies.WebhookBody, errors=(409,),
    )),
]  # fmt: skip
