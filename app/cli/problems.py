"""Turn the problems that the API answers with into the errors that commands print."""

import json
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from app import errors
from app.cli import server

_ERRORS: dict[int, type[errors.FastDeployError]] = {
    401: errors.NotLoggedIn,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.Conflict,
    422: errors.Invalid,
    503: errors.Unavailable,
    507: errors.NoRoom,
}


class ConfirmationAsked(errors.Invalid):
    """A launch has to be confirmed; `facts` say what it would do, the service first."""

    def __init__(self, message: str, facts: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.facts = facts


def raise_problem(
    status: int, content: bytes, url: str, retry_after: int | None = None
) -> None:
    """Raise the error of a response with this status, always."""
    problem: object = None
    with suppress(ValueError):
        problem = json.loads(content)
    if not isinstance(problem, dict) or "detail" not in problem:
        raise errors.Unavailable(_foreign(status, url))
    message = str(problem["detail"])
    if facts := problem.get("launch"):
        pairs = [(str(each["name"]), str(each["text"])) for each in facts]
        raise ConfirmationAsked(message, pairs)
    if status == 429:
        wait = retry_after or 0
        after = f"; try again in {wait} seconds" if wait else ""
        raise errors.TooManyAttempts(f"{message}{after}", wait)
    if status == 404 and message.startswith("page not found: "):
        raise errors.NotFound(
            f"{url} doesn't have {message.removeprefix('page not found: ')}: check the "
            "address, or update FastDeploy there"
        )
    if status == 422 and isinstance(problems := problem.get("problems"), dict):
        raise errors.InvalidFields({str(k): str(v) for k, v in problems.items()})
    if status == 401 and url:
        message += f"; run fastdeploy login {url}"
    raise _ERRORS.get(status, errors.FastDeployError)(message)


def read_json(content: bytes, url: str) -> Any:
    """Return the body of a successful response.

    Raises Unavailable if it isn't JSON: a web server, or the login page of a network,
    may answer any address with 200.
    """
    try:
        return json.loads(content)
    except ValueError:
        raise errors.Unavailable(misunderstood(url)) from None


def explain_body(error: ValueError) -> errors.Unavailable:
    """Return the error for a body that misses what a command prints.

    Raises any other error again, and each of FastDeploy on this host: it is a bug.
    """
    # Imported here: it takes time, and most commands have loaded it before.
    from pydantic import ValidationError  # noqa: PLC0415

    url = server.chosen()
    if not isinstance(error, ValidationError) or not url:
        raise error
    return errors.Unavailable(misunderstood(url))


def misunderstood(url: str) -> str:
    """Return the error for a successful response that no FastDeploy sends."""
    return (
        f"{url} didn't answer as FastDeploy does: check the address and the proxy in "
        "front of it, and that both sides have the same version of FastDeploy"
    )


def _foreign(status: int, url: str) -> str:
    """Return the error for a response that isn't FastDeploy's."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return (
            f"{url} refuses a request of this size (413): send less, or raise the "
            "limit of the proxy in front of it; FastDeploy's own is 1 MiB"
        )
    with suppress(ValueError):
        phrase = HTTPStatus(status).phrase
        return (
            f"{url} answered {status} {phrase}, not as FastDeploy does: check the "
            "address, that FastDeploy is running, and the proxy in front of it"
        )
    return f"{url} answered with the unknown status {status}; check the address"
