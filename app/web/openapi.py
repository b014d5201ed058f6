"""Generate the OpenAPI document from the routes of the API."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from app import __version__
from app.web.middleware import BODY_SECONDS, MAX_BODY
from app.web.operation import Operation, Parameter
from app.web.problem_body import PROBLEM, ProblemBody
from app.web.routing import AppRoute, Number

_REF = "#/components/schemas/{model}"
#: Statuses of errors that every route may return, those of a route with a path
#: parameter, and those of a route with a request body.
_ALWAYS, _OF_PATH, _OF_BODY = (401, 403, 422, 429, 503), (404,), (408, 413, 415)
#: The headers of conditional requests, by method.
_CONDITIONS = {
    "GET": Parameter(
        "If-None-Match",
        "The ETag of an earlier response: the status is 304 if nothing has changed.",
        {"type": "string"},
        "header",
    ),
    "PUT": Parameter(
        "If-Match",
        "The ETag of the resource as the client has seen it: the status is 412, and "
        "nothing is changed, if it isn't this one any more.",
        {"type": "string"},
        "header",
    ),
}
_CONDITIONS["DELETE"] = _CONDITIONS["PUT"]
_MEANINGS = {
    401: "The token or session is missing, invalid or expired.",
    403: "The user or token lacks the permission.",
    404: "The service, deployment, credential or file doesn't exist, or may not be "
    "seen.",
    408: f"The body did not arrive within {BODY_SECONDS:g} seconds.",
    412: "The resource has changed since the client has seen it.",
    409: "The request conflicts with the present state.",
    413: f"The body has more than {MAX_BODY // 2**20} MiB.",
    415: "The body isn't declared as JSON by the header Content-Type.",
    422: "A parameter, a variable or the body is invalid.",
    429: "The user or token sends too many requests; the header Retry-After says "
    "after how many seconds the next one is allowed.",
    503: "PostgreSQL is unavailable, or FastDeploy is busy.",
    507: "FastDeploy's disk is full.",
}

#: JSON schemas by type of the body, and whether a client sends it.
_Schemas = Mapping[tuple[Any, bool], dict[str, Any]]


def show(request: Request) -> Response:
    """GET /api/v1/openapi.json."""
    return JSONResponse(document(request.app.routes))


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of those routes that belong to the API."""
    described = [
        (route, route.operation)
        for route in routes
        if isinstance(route, AppRoute) and route.operation is not None
    ]
    readable = {route.path for route, _ in described if route.method == "GET"}
    schemas, models = _schemas(_bodies(operation for _, operation in described))
    paths: dict[str, dict[str, Any]] = {}
    for route, operation in described:
        methods = paths.setdefault(route.path_format, {})
        methods[route.method.lower()] = _operation(
            route, operation, schemas, _condition(route, operation, readable)
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FastDeploy",
            "version": __version__,
            "description": "An Ansible-native control plane for deployments.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": models,
        },
    }


def _operation(
    route: AppRoute,
    operation: Operation,
    schemas: _Schemas,
    condition: Parameter | None,
) -> dict[str, Any]:
    parameters = operation.parameters + ((condition,) if condition else ())
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "x-permission": route.permission,
        "parameters": [*_in_path(route), *map(_parameter, parameters)],
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": _content(schemas[operation.body, True]),
        }
    content = _content(schemas[operation.response, False], operation.media_type)
    successes = {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({operation.status, *operation.also})
    }
    problem = _content(schemas[ProblemBody, False], PROBLEM)
    errors = {
        str(status): {"description": _MEANINGS[status], "content": problem}
        for status in _errors(route, operation, condition)
    }
    described["responses"] = successes | errors
    if condition is not None and route.method == "GET":
        described["responses"]["304"] = {"description": "Nothing has changed."}
    return described


def _condition(
    route: AppRoute, operation: Operation, readable: Collection[str]
) -> Parameter | None:
    """Return the header of a conditional request; None if the route takes none."""
    if (
        route.path not in readable
        or operation.streamed
        or (operation.media_type != "application/json")
    ):
        return None
    return _CONDITIONS.get(route.method)


def _errors(
    route: AppRoute, operation: Operation, condition: Parameter | None
) -> list[int]:
    return sorted({
        *_ALWAYS,
        *((412,) if condition is not None and route.method != "GET" else ()),
        *(_OF_PATH if route.param_convertors else ()),
        *(_OF_BODY if operation.body is not None else ()),
        *operation.errors,
    })  # fmt: skip


def _in_path(route: AppRoute) -> list[dict[str, Any]]:
    number = {"type": "integer", "format": "int64", "minimum": 0}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": number if isinstance(convertor, Number) else {"type": "string"},
        }
        for name, convertor in route.param_convertors.items()
    ]


def _parameter(of: Parameter) -> dict[str, Any]:
    return {
        "name": of.name,
        "in": of.place,
        "required": of.required,
        "description": of.description,
        "schema": of.schema,
    }


def _content(
    schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _bodies(operations: Iterable[Operation]) -> tuple[tuple[Any, bool], ...]:
    """Return the type of each body once, and whether a client sends it, in order."""
    bodies: dict[tuple[Any, bool], None] = {(ProblemBody, False): None}
    for operation in operations:
        if operation.body is not None:
            bodies[operation.body, True] = None
        for returned in (operation.response, *operation.related):
            bodies[returned, False] = None
    return tuple(bodies)


# Making them takes half a second, and the types never change.
@cache
def _schemas(bodies: tuple[tuple[Any, bool], ...]) -> tuple[_Schemas, dict[str, Any]]:
    """Return the schema of each body, and those of all models in them."""
    found, whole = TypeAdapter.json_schemas(
        [
            (body, "validation" if body[1] else "serialization", TypeAdapter(body[0]))
            for body in bodies
        ],
        ref_template=_REF,
    )
    return {body: schema for (body, _), schema in found.items()}, whole["$defs"]
