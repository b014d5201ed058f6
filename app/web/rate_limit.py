"""Limit the requests of users, tokens and addresses."""

from starlette.requests import Request
from starlette.responses import Response

from app.domain.access import Actor
from app.domain.rate_limit import Allowance, network_of
from app.usecases import rate_limits
from app.web.dependencies import deps
from app.web.login import LOCAL_ACTOR


def count_api(request: Request, actor: Actor) -> None:
    """Count a request to the API, unless a command on this host makes it.

    Raises:
        TooManyRequests: The actor has none left.
    """
    if LOCAL_ACTOR in request.scope:
        return
    whose = actor.identity or network_of(actor.address)
    limit = deps(request).settings.api_requests_per_minute
    request.state.allowance = rate_limits.take(
        deps(request).store, f"api {whose}", limit
    )


def count_invalid_token(request: Request, address: str) -> None:
    """Count a request with an invalid token. Raises TooManyRequests.

    Requests with a valid token aren't refused, also from the same address.
    """
    limit = deps(request).settings.invalid_tokens_per_minute
    subject = f"invalid token {network_of(address)}"
    rate_limits.take(deps(request).store, subject, limit)


def count_hook(request: Request, address: str) -> None:
    """Count a delivery of a webhook. Raises TooManyRequests."""
    limit = deps(request).settings.webhooks_per_minute
    subject = f"webhook {network_of(address)}"
    rate_limits.take(deps(request).store, subject, limit)


def add_headers(request: Request, response: Response) -> None:
    """Add the headers that say what is left of the limit, if the request has one."""
    allowance: Allowance | None = getattr(request.state, "allowance", None)
    if allowance is not None:
        response.headers.update(allowance.headers)
