"""The description of an API operation, which its route declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

Tag = Literal[
    "services", "projects", "host keys", "schedules", "webhooks", "credentials",
    "nodes", "notifications", "deployments", "hosts", "access", "audit",
    "installation", "document",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header, with the JSON Schema of its value."""

    name: str
    description: str
    schema: Mapping[str, Any]
    place: Literal["query", "header"] = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """The request and the responses of an API operation, for the OpenAPI document.

    The document adds what follows from the route: path parameters, the permission, and
    the errors that every route may return.
    """

    tag: Tag
    summary: str
    #: The type of the response body: a model, a list of models, or str.
    response: Any
    status: int = 200
    #: Other statuses of a success, with the same body.
    also: tuple[int, ...] = ()
    media_type: str = "application/json"
    #: The model of the request body.
    body: type[BaseModel] | None = None
    #: Whether a request must have a body.
    body_required: bool = True
    parameters: tuple[Parameter, ...] = ()
    #: Statuses of errors besides the ones that follow from the route.
    errors: tuple[int, ...] = ()
    description: str = ""
    #: Models inside of a body that isn't JSON as a whole.
    related: tuple[type[BaseModel], ...] = ()
    #: Whether the response is made as it is sent, so it has no ETag.
    streamed: bool = False

    @property
    def query(self) -> tuple[str, ...]:
        """The names of the query parameters."""
        return tuple(p.name for p in self.parameters if p.place == "query")

    @property
    def numbers(self) -> tuple[str, ...]:
        """The query parameters that are integers."""
        return tuple(
            each.name
            for each in self.parameters
            if each.place == "query" and each.schema.get("type") == "integer"
        )
