"""Passkeys: for which address they are made, and what describes them."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

#: The number of passkeys of a user.
MAX_PASSKEYS = 20
#: The length of the name of a passkey.
MAX_NAME = 50
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PasskeySite:
    """The address for which passkeys are made; another site can't use them."""

    #: The relying party's id of WebAuthn: the host's name.
    rp_id: str
    #: The origin of the pages, such as `https://deploy.example.org`.
    origin: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator has made: a public key, and how to ask for its use."""

    credential_id: bytes
    public_key: bytes
    #: How often it has signed; always 0 if the authenticator doesn't count.
    sign_count: int
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a user."""

    id: int
    user_id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None
    key: NewPasskey


def site_of(url: str) -> PasskeySite | None:
    """Return the site of an address, None if browsers allow no passkeys there.

    They need HTTPS, except for localhost, and a name: an IP address isn't enough.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    local = host == "localhost" or host.endswith(".localhost")
    if not host or _is_address(host):
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        return None
    port = parts.port
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return PasskeySite(host, f"{parts.scheme}://{host}{shown}")


def counter_is_valid(stored: int, signed: int) -> bool:
    """Return whether a counter has grown; 0 twice means that nobody counts.

    Otherwise the passkey may have been copied.
    """
    return signed > stored or signed == stored == 0


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a passkey, empty if nothing is."""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        return f"give it a name of 1 to {MAX_NAME} printable characters"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
