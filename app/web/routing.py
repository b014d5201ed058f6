"""The class of the routes, and the convertors for ids and names in paths."""

import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain.access import Permission
from app.domain.service_name import RESERVED
from app.web.operation import Operation

Handler = Callable[..., Response | Awaitable[Response]]


class Number(Convertor[int]):
    """Converts an id; Starlette's own `int` fails for thousands of digits."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        """Return the id of the path."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Return the text of an id for a path."""
        return str(value)


class Name(Convertor[str]):
    """Converts the name of a service, which may have a project: `infra/site@live`.

    The names of invalid services have other characters too. An action on a service
    isn't part of a name.
    """

    regex = rf"[^/]+(?:/(?!(?:{'|'.join(sorted(RESERVED))})(?:/|\Z))[^/]+)?"

    def convert(self, value: str) -> str:
        """Return the name."""
        return value

    def to_string(self, value: str) -> str:
        """Return the name for a path."""
        return value


class Shortest(Name):
    """Converts the name of a host before a fixed part of a path; it may have slashes.

    A fixed part in the rest of the path isn't the one that ends the name.
    """

    regex = ".+?"


register_url_convertor("number", Number())
register_url_convertor("shortest", Shortest())
register_url_convertor("service", Name())


async def call(handler: Handler, *arguments: Any) -> Response:
    """Call a handler, in a thread if it isn't a coroutine function."""
    if inspect.iscoroutinefunction(handler):
        response: Response = await handler(*arguments)
        return response
    return await run_in_threadpool(cast("Callable[..., Response]", handler), *arguments)


class AppRoute(Route):
    """A route for one method, with its access rules and its API description.

    `permission` is None for a public route, `takes` has the names of the accepted query
    parameters, and `operation` is None for a route that isn't part of the API.
    """

    def __init__(
        self,
        path: str,
        handler: Handler,
        endpoint: Callable[[Request], Awaitable[Response]],
        method: str,
        *,
        permission: Permission | None,
        takes: Collection[str] = (),
        operation: Operation | None = None,
    ) -> None:
        name = f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}"
        super().__init__(path, endpoint, methods=[method], name=name)
        self.handler = handler
        self.method = method
        self.permission = permission
        self.takes = takes
        self.operation = operation
