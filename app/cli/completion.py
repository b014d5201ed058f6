"""Complete names in a shell, such as those of services, hosts and credentials.

The answers come from the API, of the chosen server or of this host. A completion takes
two seconds at most, and prints no errors.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, suppress
from urllib.parse import quote

import typer

from app.cli.api import Api
from app.cli.server import SERVER

_SECONDS = 2.0


def services(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the services whose names begin with a text."""
    return _complete(ctx, incomplete, _services)


def environments(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the environments whose names begin with a text."""
    return _complete(
        ctx,
        incomplete,
        lambda api: {name.partition("@")[2] for name in _services(api) if "@" in name},
    )


def projects(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the projects whose names begin with a text."""
    return _complete(
        ctx,
        incomplete,
        lambda api: {name.partition("/")[0] for name in _services(api) if "/" in name},
    )


def hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the first hosts whose names begin with a text."""
    return _complete(
        ctx,
        incomplete,
        lambda api: {
            each["name"] for each in api.page("/hosts", {"text": incomplete})[0]
        },
    )


def refs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the branches and tags of a service's project that begin with a text."""
    project = str(ctx.params.get("name") or "").partition("/")[0]
    return _complete(
        ctx,
        incomplete,
        lambda api: [
            str(each["short"])
            for each in api.get(f"/projects/{quote(project)}/refs", prefix=incomplete)
        ],
    )


def credentials(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the credentials whose references begin with a text."""
    return _complete(ctx, incomplete, _names("/credentials", "reference"))


def users(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the users whose names begin with a text."""
    return _complete(ctx, incomplete, _names("/users"))


def teams(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the teams whose names begin with a text."""
    return _complete(ctx, incomplete, _names("/teams"))


def tokens(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the shared tokens whose names begin with a text."""
    return _complete(ctx, incomplete, _shared_tokens)


def subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return who can have a grant: users, teams or tokens, by the kind before it."""
    kind = str(ctx.params.get("kind") or "")
    asked = {"user": _names("/users"), "team": _names("/teams")}
    return _complete(ctx, incomplete, asked.get(kind, _shared_tokens))


def webhooks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the webhooks whose names begin with a text."""
    return _complete(ctx, incomplete, _names("/webhooks"))


def channels(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the channels whose names begin with a text."""
    return _complete(ctx, incomplete, _names("/channels"))


def nodes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the nodes whose names begin with a text."""
    return _complete(ctx, incomplete, _names("/nodes"))


def _names(path: str, key: str = "name") -> Callable[[Api], list[str]]:
    """Return a function that lists the names in a list of the API."""
    return lambda api: [str(each[key]) for each in api.pages(path)]


def _shared_tokens(api: Api) -> list[str]:
    return [each["name"] for each in api.pages("/tokens") if each["owner"] is None]


def _services(api: Api) -> list[str]:
    return [each["name"] for each in api.pages("/services") if not each["archived"]]


def _complete(
    ctx: typer.Context, incomplete: str, ask: Callable[[Api], Iterable[str]]
) -> list[str]:
    """Return the sorted names that begin with a text; none after the timeout."""
    if given := ctx.find_root().params.get("_server"):
        os.environ[SERVER] = given
    found: list[str] = []
    # It is a daemon, so the process ends although it still waits.
    thread = threading.Thread(target=_ask, args=(ask, found), daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return sorted(name for name in found if name.startswith(incomplete))


def _ask(ask: Callable[[Api], Iterable[str]], found: list[str]) -> None:
    # Imported here: completing a command does without it.
    from app.cli.context import connect  # noqa: PLC0415

    with (
        open(os.devnull, "w") as nowhere,  # noqa: PTH123 - it has no path
        redirect_stderr(nowhere),
        # Whatever goes wrong, the person who types can't do anything about it.
        suppress(Exception),
        connect() as api,
    ):
        found += ask(api)
