"""Generate the OpenAPI document from the route table, the models and `OPERATIONS`.

`OPERATIONS` describes the request and the response of each route of the API. One test
compares it with the route table, another compares responses with the models named here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app import __version__
from app.domain.deployment import Origin, Status
from app.web import query, schemas

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TEXT, _STREAM, _BYTES = "text/plain", "text/event-stream", "application/octet-stream"
_ARCHIVE = "application/gzip"

#: Descriptions of the query parameters; the route table lists those of each route.
_QUERY = {
    "service": "Those of this service.",
    "status": "Those in this status.",
    "actor": "Those that this user, token or account asked for.",
    "origin": "Those that came this way: browser, api or cli.",
    "since": "Those asked for from this time on: ISO 8601, in UTC unless it says else.",
    "until": "Those asked for before this time.",
    "text": "Those with it in their reason or variables; a page looks at 2,500.",
    "before": "Those below this number, for the next page.",
    "after": "Events behind this number; Last-Event-ID says the same.",
}
_REPEATED = {
    "Idempotency-Key": "Repeated with it, the same request launches nothing more; with "
    "another request of the same user or token it is refused (422)."
}


_NUMBER = {"type": "integer", "minimum": 0, "maximum": query.INTEGER}
_TIME = {"type": "string", "format": "date-time"}
#: Schemas of the parameters that don't accept any text.
_ACCEPTED: dict[str, dict[str, Any]] = {
    "status": {"type": "string", "enum": list(Status)},
    "origin": {"type": "string", "enum": list(Origin)},
    "since": _TIME,
    "until": _TIME,
    "before": _NUMBER,
    "after": _NUMBER,
    "Idempotency-Key": {
        "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]*$",
    },
    "number": {"type": "integer", "format": "int64", "minimum": 0},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """A route of the API: its summary, its request body and its responses.

    `gives` is the model of the response, a media type if it isn't JSON, or None for
    JSON that is described elsewhere; `many` makes it a list. `refuses` has the status
    codes of errors that not every route returns.
    """

    summary: str
    gives: type[BaseModel] | str | None
    many: bool = False
    status: int = 200
    takes: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    refuses: tuple[int, ...] = ()


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/api/services"): Operation(
        "The services, each with its variables and last deployment.",
        schemas.ServiceBody, many=True,
    ),
    ("POST", "/api/services/sync"): Operation(
        "Read the services folder; every other node reads its own within seconds.",
        schemas.SyncBody,
    ),
    ("GET", "/api/services/{name}/doctor"): Operation(
        "What is wrong with a service on the host of the web process.",
        schemas.ReportBody,
    ),
    ("GET", "/api/nodes"): Operation(
        "The nodes: state, load, and when they were heard last.",
        schemas.NodeBody, many=True,
    ),
    ("GET", "/api/deployments"): Operation(
        "The newest 50 deployments.",
        schemas.DeploymentBody, many=True,
    ),
    ("POST", "/api/deployments"): Operation(
        "Launch a deployment.",
        schemas.DeploymentDetailBody, status=201, takes=schemas.LaunchRequest,
        headers=_REPEATED, refuses=(404, 408, 409, 413),
    ),
    ("GET", "/api/deployments/{id}"): Operation(
        "One deployment: status, reason, warnings, steps, progress, set_stats.",
        schemas.DeploymentDetailBody,
    ),
    ("POST", "/api/deployments/{id}/cancel"): Operation(
        "Ask that a deployment ends.",
        schemas.DeploymentDetailBody, status=202, refuses=(409,),
    ),
    ("POST", "/api/deployments/{id}/retry"): Operation(
        "Launch an ended deployment again, with the same variables.",
        schemas.DeploymentDetailBody, status=201, headers=_REPEATED, refuses=(409,),
    ),
    ("GET", "/api/deployments/{id}/events"): Operation(
        "Everything that happens, as server-sent events, until the deployment ends.",
        _STREAM,
    ),
    ("GET", "/api/deployments/{id}/output"): Operation(
        "Everything that the run printed.", _TEXT,
    ),
    ("GET", "/api/deployments/{id}/artifacts"): Operation(
        "The files that ansible-runner leaves behind.",
        schemas.ArtifactBody, many=True, refuses=(507,),
    ),
    ("GET", "/api/deployments/{id}/artifacts.tar.gz"): Operation(
        "All of these files as one archive.", _ARCHIVE, refuses=(507,),
    ),
    ("GET", "/api/deployments/{id}/artifacts/{path}"): Operation(
        "One of these files, as an attachment.", _BYTES, refuses=(507,),
    ),
    ("GET", "/api/openapi.json"): Operation("This document.", None),
}  # fmt: skip

#: Status codes of errors that every route may return, and descriptions of all codes.
_ALWAYS = (401, 403, 422, 503)
MEANINGS = {
    401: "No token or session, or one that has ended.",
    403: "The token's scopes don't cover it.",
    404: "There is no such service, deployment or file.",
    409: "The present state does not allow it.",
    408: "The body did not arrive within 30 seconds.",
    413: "More than 1 MiB was sent.",
    422: "A variable, a parameter or the body is not as it must be.",
    503: "The database doesn't answer, or FastDeploy is busy.",
    507: "FastDeploy's disk is full.",
}


def show(request: Request) -> Response:
    """GET /api/openapi.json."""
    return JSONResponse(document(request.app.routes))


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of the API's routes.

    Raises:
        KeyError: `OPERATIONS` has no entry for a route.
    """
    found = [(r, key_of(r)) for r in routes if isinstance(r, Route) and is_api(r)]
    names, models = _models(OPERATIONS[key] for _, key in found)
    paths: dict[str, dict[str, Any]] = {}
    for route, (method, path) in found:
        paths.setdefault(path, {})[method.lower()] = _operation(
            route, OPERATIONS[method, path], names
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


def is_api(route: Route) -> bool:
    """Return whether a route belongs to the API."""
    return route.path.startswith("/api/")


def key_of(route: Route) -> tuple[str, str]:
    """Return the method and the path of a route, the key of `OPERATIONS`."""
    method = "POST" if "POST" in (route.methods or ()) else "GET"
    return method, _PARAMETER.sub(r"{\1}", route.path)


def _operation(
    route: Route, of: Operation, names: Mapping[type[BaseModel], str]
) -> dict[str, Any]:
    permission = route.permission  # type: ignore[attr-defined] # set by the guard
    refused = {*_ALWAYS, *of.refuses} | ({404} if "{" in route.path else set())
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": of.summary,
        "x-permission": permission,
        "parameters": [*_in_path(route.path), *_named("query", _query_of(route)),
                       *_named("header", of.headers)],
        "responses": {
            str(of.status): {"description": "Done.", "content": _content(of, names)}
        } | {
            str(code): {
                "description": MEANINGS[code],
                "content": _json(_reference(schemas.ProblemBody, names)),
            }
            for code in sorted(refused)
        },
    }  # fmt: skip
    if of.takes is not None:
        described["requestBody"] = {
            "required": True,
            "content": _json(_reference(of.takes, names)),
        }
    return described


def _query_of(route: Route) -> dict[str, str]:
    takes = route.takes  # type: ignore[attr-defined] # set by the guard
    return {name: _QUERY[name] for name in takes}


def _models(
    operations: Iterable[Operation],
) -> tuple[dict[type[BaseModel], str], dict[str, Any]]:
    """Return the reference of each model of the operations, and all schemas."""
    modes: dict[type[BaseModel], JsonSchemaMode] = {
        schemas.ProblemBody: "serialization",
        schemas.EventBody: "serialization",
    }
    for operation in operations:
        if operation.takes is not None:
            modes[operation.takes] = "validation"
        if isinstance(operation.gives, type):
            modes[operation.gives] = "serialization"
    where, all_of_them = models_json_schema(list(modes.items()), ref_template=_REF)
    names = {model: where[model, mode]["$ref"] for model, mode in modes.items()}
    return names, all_of_them["$defs"]


def _content(of: Operation, names: Mapping[type[BaseModel], str]) -> dict[str, Any]:
    if isinstance(of.gives, str):
        return {of.gives: {"schema": {"type": "string"}}}
    if of.gives is None:
        return _json({"type": "object"})
    one = _reference(of.gives, names)
    return _json({"type": "array", "items": one} if of.many else one)


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(
    model: type[BaseModel], names: Mapping[type[BaseModel], str]
) -> dict[str, Any]:
    return {"$ref": names[model]}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _accepted(kind),
        }
        for name, kind in _PARAMETER.findall(path)
    ]


def _named(place: str, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": place,
            "description": text,
            "schema": _accepted(name),
        }
        for name, text in texts.items()
    ]


def _accepted(name: str) -> dict[str, Any]:
    return _ACCEPTED.get(name, {"type": "string"})
