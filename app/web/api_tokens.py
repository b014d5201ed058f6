"""The API of tokens, and of the account that makes the request."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.usecases import own_account, tokens
from app.usecases.tokens import TokenDetails
from app.web import paging
from app.web.dependencies import actor_of, deps
from app.web.token_bodies import (
    OwnTokenRequest,
    TokenRequest,
    TokenSecretBody,
    account_body,
    token_body,
)


def show_account(request: Request) -> Response:
    """GET /api/v1/account."""
    found = own_account.describe(deps(request).store, actor_of(request))
    return JSONResponse(account_body(found).model_dump(mode="json"))


def list_own(request: Request) -> Response:
    """GET /api/v1/account/tokens."""
    found = tokens.list_details_of_owner(deps(request).store, actor_of(request))
    return paging.by_id(request, found, _id_of, token_body)


async def create_own(request: Request) -> Response:
    """POST /api/v1/account/tokens: 201 with the secret."""
    asked = OwnTokenRequest.model_validate_json(await request.body())
    return await run_in_threadpool(_create_own, request, asked)


def list_tokens(request: Request) -> Response:
    """GET /api/v1/tokens."""
    found = tokens.list_details(deps(request).store, actor_of(request))
    return paging.by_id(request, found, _id_of, token_body)


async def create(request: Request) -> Response:
    """POST /api/v1/tokens: 201 with the secret."""
    asked = TokenRequest.model_validate_json(await request.body())
    return await run_in_threadpool(_create, request, asked)


def show(request: Request) -> Response:
    """GET /api/v1/tokens/{id}."""
    return JSONResponse(token_body(_found(request)).model_dump(mode="json"))


def revoke(request: Request) -> Response:
    """DELETE /api/v1/tokens/{id}: what it was."""
    found = _found(request)
    store, actor = deps(request).store, actor_of(request)
    tokens.revoke_token_by_id(store, actor, found.token.id)
    return JSONResponse(token_body(found).model_dump(mode="json"))


def _create(request: Request, asked: TokenRequest) -> Response:
    store, actor = deps(request).store, actor_of(request)
    name, days = asked.name, asked.days
    if asked.services:
        made = tokens.create_limited_token(store, actor, name, asked.grants, days)
    else:
        made = tokens.create_token(store, actor, name, asked.scopes, days)
    return _with_secret(made, tokens.list_details(store, actor), name, owned=False)


def _create_own(request: Request, asked: OwnTokenRequest) -> Response:
    store, actor = deps(request).store, actor_of(request)
    made = tokens.create_own_token(store, actor, asked.name, asked.scopes, asked.days)
    listed = tokens.list_details_of_owner(store, actor)
    return _with_secret(made, listed, asked.name, owned=True)


def _with_secret(
    secret: str, listed: list[TokenDetails], name: str, *, owned: bool
) -> Response:
    """Return a new token: of those of one owner, its name is unique."""
    found = next(
        each
        for each in listed
        if each.token.name == name and (each.token.owner is not None) == owned
    )
    body = TokenSecretBody(token=token_body(found), secret=secret)
    location = {"Location": f"/api/v1/tokens/{found.token.id}"}
    return JSONResponse(body.model_dump(mode="json"), 201, location)


def _found(request: Request) -> TokenDetails:
    store, actor = deps(request).store, actor_of(request)
    return tokens.find_details(store, actor, request.path_params["id"])


def _id_of(found: TokenDetails) -> int:
    return found.token.id
