"""The logins of this user: tokens in the keyring of the system, or in a private file.

The file also has the server that commands talk to. Nobody else can read it.
"""

import json
import os
import stat
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from app.errors import Invalid

#: The name of FastDeploy's entries in a keyring.
_KEYRING = "fastdeploy"


def path() -> Path:
    """Return the file with the logins."""
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(configured) if configured else Path.home() / ".config"
    return folder / "fastdeploy" / "logins.json"


def current_server() -> str:
    """Return the server of the last login; empty if there is none. Raises Invalid."""
    return str(_read().get("server", ""))


def find_token(url: str) -> str:
    """Return the token for a server; empty if there is none. Raises Invalid."""
    if token := _read().get("tokens", {}).get(url):
        return str(token)
    if keyring := _keyring():
        with suppress(keyring.errors.KeyringError):
            return keyring.get_password(_KEYRING, url) or ""
    return ""


def save(url: str, token: str) -> str:
    """Store the token for a server, and choose the server; return where it is.

    Raises Invalid.
    """
    logins = _read()
    tokens = {k: v for k, v in logins.get("tokens", {}).items() if k != url}
    place = "the keyring"
    if not _keep_in_keyring(url, token):
        tokens[url] = token
        place = str(path())
    _write({"server": url, "tokens": tokens})
    return place


def remove(url: str) -> None:
    """Forget the token for a server. Raises Invalid."""
    if keyring := _keyring():
        with suppress(keyring.errors.KeyringError):
            keyring.delete_password(_KEYRING, url)
    logins = _read()
    tokens = {k: v for k, v in logins.get("tokens", {}).items() if k != url}
    server = "" if logins.get("server") == url else logins.get("server", "")
    _write({"server": server, "tokens": tokens})


def _keep_in_keyring(url: str, token: str) -> bool:
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(_KEYRING, url, token)
    except keyring.errors.KeyringError:
        return False
    return True


def _keyring() -> Any:  # keyring isn't a dependency, so it has no types here
    """Return the package `keyring` if it is installed and has a backend."""
    try:
        keyring = import_module("keyring")
    except ImportError:
        return None
    # Backends without a store have the priority 0 or less.
    return keyring if keyring.get_keyring().priority > 0 else None


def _read() -> dict[str, Any]:
    """Return the content of the file. Raises Invalid."""
    file = path()
    try:
        with file.open() as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise Invalid(
                    f"other users can read the tokens in {file}: run chmod 600 {file}, "
                    "and log in again if somebody may have read them"
                )
            content = json.load(opened)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{file} can't be read: {error}; remove it and log in again"
        ) from None
    return content if isinstance(content, dict) else {}


def _write(content: dict[str, Any]) -> None:
    file = path()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Created with the mode 600, and complete before it has its name.
        with NamedTemporaryFile("w", dir=file.parent, delete=False) as temporary:
            json.dump(content, temporary, indent=2)
        Path(temporary.name).replace(file)
    except OSError as error:
        raise Invalid(f"{file} can't be written: {error}") from None
