"""`fastdeploy login` and `logout`: the token of this user for a server."""

import getpass
import sys
from contextlib import suppress
from typing import Annotated

import typer

from app.cli import browser_login, login_store
from app.cli.output import console
from app.cli.remote_api import RemoteApi
from app.cli.server import Server, chosen, parse_url, require_token
from app.errors import Invalid, NotLoggedIn


def login(
    url: Annotated[
        str, typer.Argument(help="The server, such as https://deploy.example.org.")
    ],
    *,
    token_stdin: Annotated[
        bool,
        typer.Option("--token-stdin", help="Read a token from standard input."),
    ] = False,
    browser: Annotated[
        bool, typer.Option(help="Open the page in a browser; its address is printed.")
    ] = True,
) -> None:
    """Log in to a server, for all commands.

    A page of the server asks you to confirm it, and gives this computer a personal
    token. Without a browser on this computer, create a token on the page Account and
    use --token-stdin.

    The token is stored in the keyring, if the Python package `keyring` is installed and
    has a backend, otherwise in a file in ~/.config/fastdeploy that only you can read.
    """
    server = parse_url(url)
    if token_stdin:
        token = require_token(_read_token())
    else:
        token = browser_login.fetch_token(server, open_browser=browser)
    with RemoteApi(Server(server, token)) as api:
        who = api.get("/account")
    place = login_store.save(server, token)
    _say(f"logged in to {server} as {who['name']}; the token is in {place}")


def logout(
    url: Annotated[
        str, typer.Argument(help="The server; by default that of the last login.")
    ] = "",
) -> None:
    """Revoke the token of a login and forget it."""
    server = parse_url(url) if url else chosen()
    token = login_store.find_token(server)
    if not token:
        raise Invalid(f"you are not logged in to {server or 'a server'}")
    with RemoteApi(Server(server, token)) as api, suppress(NotLoggedIn):
        # If it is invalid, somebody has revoked it, or it has expired.
        api.delete(f"/tokens/{api.get('/account')['token']}")
    login_store.remove(server)
    _say(f"logged out of {server}; the token is revoked")


def _read_token() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Token: ").strip()
    return sys.stdin.readline().strip()


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
