"""Which FastDeploy a command talks to: a server over HTTPS, or that of this host."""

import ipaddress
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.cli import login_store
from app.errors import Invalid, NotLoggedIn

#: The environment variables of a client.
SERVER, TOKEN, TOKEN_FILE = (
    "FASTDEPLOY_SERVER",
    "FASTDEPLOY_TOKEN",
    "FASTDEPLOY_TOKEN_FILE",
)
#: What `--server` takes to choose the FastDeploy of this host.
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the token for it, which isn't shown."""

    url: str
    token: str = field(repr=False)


def parse_url(text: str) -> str:
    """Return the URL of a server without a slash at its end. Raises Invalid."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    if not host or url.username or url.query or url.fragment:
        raise Invalid(
            f"{text!r} is not the address of a server: give one such as "
            "https://deploy.example.org"
        )
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise Invalid(
            f"{text} isn't encrypted: use https:// (http:// is for this computer only)"
        )
    return f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"


def chosen() -> str:
    """Return the URL of the chosen server; empty for the FastDeploy of this host.

    That is `--server` or FASTDEPLOY_SERVER, or else the server of the last login. The
    address of a database chooses this host. Raises Invalid.
    """
    if given := os.environ.get(SERVER, ""):
        return "" if given == LOCAL else parse_url(given)
    if os.environ.get("FASTDEPLOY_DATABASE_URL"):
        return ""
    return login_store.current_server()


def find() -> Server | None:
    """Return the chosen server with its token; None for this host.

    Raises Invalid, and NotLoggedIn without a token.
    """
    url = chosen()
    return Server(url, _token(url)) if url else None


def require_local(*, given: bool = False) -> None:
    """Raise Invalid if a server is chosen: the command works on this host only.

    With `given`, a login doesn't matter, only `--server` and FASTDEPLOY_SERVER.
    """
    url = chosen()
    if url and (not given or os.environ.get(SERVER)):
        raise Invalid(
            f"this command works on FastDeploy's host only, not through {url}: run it "
            f"there, or choose the FastDeploy of this host with --server {LOCAL}"
        )


def _token(url: str) -> str:
    given = os.environ.get(TOKEN, "")
    if file := os.environ.get(TOKEN_FILE, ""):
        given = given or _read(Path(file))
    found = given.strip() or login_store.find_token(url)
    if not found:
        raise NotLoggedIn(f"you are not logged in to {url}: run fastdeploy login {url}")
    return require_token(found)


def require_token(text: str) -> str:
    """Return a token that a header can have. Raises Invalid."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Invalid("the token has invalid characters; copy it again")
    return text


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{TOKEN_FILE}: {file} can't be read: {error}") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
