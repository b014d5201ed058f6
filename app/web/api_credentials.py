"""The JSON API for credentials; no response has a value of one."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.credential import require_reference
from app.errors import InvalidFields, NotFound
from app.usecases import credential_trial, credentials
from app.usecases.credentials import Change
from app.web import paging
from app.web.credential_bodies import (
    CredentialRequest,
    TestBody,
    TestRequest,
    credential_body,
)
from app.web.dependencies import actor_of, deps


def list_credentials(request: Request) -> Response:
    """GET /api/v1/credentials."""
    listed = credentials.list_all(deps(request).store, actor_of(request))
    return paging.by_name(
        request, listed, lambda one: one.credential.reference, credential_body
    )


def show(request: Request) -> Response:
    """GET /api/v1/credentials/{name}."""
    return JSONResponse(_one(request))


async def put(request: Request) -> Response:
    """PUT /api/v1/credentials/{name}: 201 if it is new, or 200."""
    return await run_in_threadpool(_put, request, await request.body())


def remove(request: Request) -> Response:
    """DELETE /api/v1/credentials/{name}?force=true: what it was."""
    body = _one(request)
    credentials.remove(
        deps(request).store,
        actor_of(request),
        _reference(request),
        force=request.query_params.get("force") == "true",
    )
    return JSONResponse(body)


async def try_on(request: Request) -> Response:
    """POST /api/v1/credentials/{name}/test: a sentence, or 409 with the reason."""
    return await run_in_threadpool(_try_on, request, await request.body())


def _try_on(request: Request, content: bytes) -> Response:
    result = credential_trial.try_on(
        deps(request).store,
        deps(request).secret_box,
        actor_of(request),
        _reference(request),
        TestRequest.model_validate_json(content).target(
            deps(request).settings.services
        ),
    )
    return JSONResponse(TestBody(result=result).model_dump(mode="json"))


def _put(request: Request, content: bytes) -> Response:
    asked = CredentialRequest.model_validate_json(content)
    reference = _reference(request)
    change = Change(
        asked.home,
        {name: text.get_secret_value() for name, text in asked.value.items()},
        tuple(asked.command),
        asked.description,
    )
    store, actor = deps(request).store, actor_of(request)
    existed = False
    if asked.replace:
        try:
            credentials.find(store, actor, reference)
            existed = True
        except NotFound:
            pass
    credentials.put(
        store,
        deps(request).secret_box,
        actor,
        reference,
        change,
        replace=asked.replace,
    )
    return JSONResponse(_one(request), 200 if existed else 201)


def _one(request: Request) -> dict[str, object]:
    view = credentials.find(deps(request).store, actor_of(request), _reference(request))
    return credential_body(view).model_dump(mode="json")


def _reference(request: Request) -> str:
    """Return the reference in the path. Raises NotFound if it can't be one."""
    reference: str = request.path_params["name"]
    try:
        require_reference(reference)
    except InvalidFields as error:
        raise NotFound(error.problems["reference"]) from None
    return reference
