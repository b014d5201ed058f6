"""Pages of webhooks: the list, a form for a new one, and one with its deliveries."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Permission
from app.domain.repository_url import WITH_STATUS
from app.domain.webhook import SIGNATURES, Provider
from app.errors import Conflict, InvalidFields
from app.runner.credential_kinds import Kind
from app.store.webhooks import Webhook
from app.usecases import credentials, project_views, webhook_deliveries, webhooks
from app.usecases.webhooks import Wanted
from app.web.dependencies import actor_of, deps
from app.web.query import number

PROVIDERS = {
    Provider.GITHUB: "GitHub.com or GitHub Enterprise Server",
    Provider.GITLAB: "GitLab.com or a GitLab server",
    Provider.GITEA: "Gitea or Forgejo",
    Provider.BITBUCKET: "Bitbucket Cloud or Data Center",
    Provider.GENERIC: "a program that signs with HMAC-SHA256",
}
_FIELDS = ("name", "provider", "project", "status_credential", "api_url")
_DONE = {
    "rotated": "The earlier secret is invalid now.",
    "paused": "The webhook is paused.",
    "resumed": "The webhook is resumed.",
    "removed": "The webhook is removed.",
    "queued": "The delivery is queued again.",
}


def index(request: Request) -> Response:
    """List the webhooks."""
    return deps(request).renderer.page(
        request,
        "admin/webhooks.html",
        listed=webhooks.list_all(deps(request).store, actor_of(request)),
        providers=PROVIDERS,
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )


def new(request: Request) -> Response:
    """Show the form for a webhook."""
    return _form(request, {"project": request.query_params.get("project", "")})


def create(request: Request, form: FormData) -> Response:
    """Create a webhook and show its secret once, or show the form with its errors."""
    sent = {key: str(form.get(key, "")).strip() for key in _FIELDS}
    try:
        made, secret = webhooks.create(
            deps(request).store,
            deps(request).settings,
            deps(request).secret_box,
            actor_of(request),
            Wanted(**sent),
        )
    except InvalidFields as error:
        return _form(request, sent, error.problems)
    except Conflict as error:
        return _form(request, sent, {"name": str(error)})
    return _secret(request, webhooks.find(deps(request).store, actor_of(request), made),
                   secret)  # fmt: skip


def show(request: Request) -> Response:
    """Show one webhook with its deliveries."""
    done = _DONE.get(request.query_params.get("done", ""), "")
    return _page(request, _found(request), 200, done=done)


def rotate(request: Request) -> Response:
    """Give a webhook a second secret, and show it once."""
    found = _found(request)
    try:
        secret = webhooks.rotate(
            deps(request).store, deps(request).secret_box, actor_of(request), found.id
        )
    except Conflict as error:
        return _page(request, found, 409, problem=str(error))
    return _secret(request, found, secret)


def finish_rotation(request: Request) -> Response:
    """Make the earlier secret invalid."""
    found = _found(request)
    webhooks.finish_rotation(
        deps(request).store, deps(request).secret_box, actor_of(request), found.id
    )
    return _redirect(found, "rotated")


def pause(request: Request) -> Response:
    """Pause a webhook."""
    found = _found(request)
    webhooks.pause(deps(request).store, actor_of(request), found.id)
    return _redirect(found, "paused")


def resume(request: Request) -> Response:
    """Resume a webhook."""
    found = _found(request)
    webhooks.resume(deps(request).store, actor_of(request), found.id)
    return _redirect(found, "resumed")


def remove(request: Request) -> Response:
    """Remove a webhook, and redirect to the list."""
    webhooks.remove(deps(request).store, actor_of(request), request.path_params["id"])
    return RedirectResponse("/admin/webhooks?done=removed", 303)


def redeliver(request: Request) -> Response:
    """Queue a delivery again."""
    found = _found(request)
    delivery = request.path_params["number"]
    try:
        webhook_deliveries.redeliver(
            deps(request).store, actor_of(request), found.id, delivery
        )
    except Conflict as error:
        return _page(request, found, 409, problem=str(error))
    return _redirect(found, "queued")


def _form(
    request: Request,
    sent: Mapping[str, str],
    problems: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    listed = project_views.list_projects(
        deps(request).store, deps(request).settings.services
    )
    actor = actor_of(request)
    may_choose = actor.may(Permission.CREDENTIALS)
    known = credentials.list_all(deps(request).store, actor) if may_choose else []
    return deps(request).renderer.page(
        request,
        "admin/new_webhook.html",
        422 if problems else 200,
        sent=sent,
        problems=problems,
        providers=PROVIDERS,
        projects=sorted(each.name for each in listed),
        tokens=[
            view.credential.reference
            for view in known
            if view.credential.kind is Kind.GIT_TOKEN
        ],
    )


def _secret(request: Request, webhook: Webhook, secret: str) -> Response:
    return deps(request).renderer.page(
        request,
        "admin/webhook_secret.html",
        webhook=webhook,
        secret=secret,
        url=_url(request, webhook),
    )


def _page(
    request: Request,
    webhook: Webhook,
    status: int,
    *,
    done: str = "",
    problem: str = "",
) -> Response:
    deliveries, more = webhook_deliveries.list_page(
        deps(request).store,
        actor_of(request),
        webhook.id,
        number(request.query_params, "before"),
    )
    address = f"/admin/webhooks/{webhook.id}"
    return deps(request).renderer.page(
        request,
        "admin/webhook.html",
        status,
        webhook=webhook,
        url=_url(request, webhook),
        provider=PROVIDERS[webhook.provider],
        header=SIGNATURES[webhook.provider],
        with_status=webhook.provider in WITH_STATUS,
        deliveries=deliveries,
        newest=address if "before" in request.query_params else "",
        older=f"{address}?before={deliveries[-1].id}" if more else "",
        done=done,
        problem=problem,
    )


def _url(request: Request, webhook: Webhook) -> str:
    """Return the URL to which the provider sends."""
    base = deps(request).settings.url or str(request.base_url)
    return f"{base.rstrip('/')}/hooks/{webhook.name}"


def _found(request: Request) -> Webhook:
    return webhooks.find(
        deps(request).store, actor_of(request), request.path_params["id"]
    )


def _redirect(webhook: Webhook, done: str) -> Response:
    return RedirectResponse(f"/admin/webhooks/{webhook.id}?done={done}", 303)
