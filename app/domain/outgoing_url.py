"""The addresses that FastDeploy may send requests to on behalf of a user."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: The longest URL that is accepted.
MAX_URL = 2000
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")
#: The last 32 bits are an IPv4 address that a NAT64 gateway connects to.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class OutgoingUrl:
    """A URL in its parts; `repr` has the host only, since the path may be secret."""

    scheme: str
    #: As in DNS: lower case, ASCII; an IPv6 address has no brackets.
    host: str
    port: int
    #: Path and query, percent-encoded.
    target: str

    def __repr__(self) -> str:
        return f"OutgoingUrl({self.shown!r})"

    @property
    def authority(self) -> str:
        """Host and port as in the header `Host`; the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """What a page or a log may show of it: no path, as it may be a capability."""
        return f"{self.scheme}://{self.authority}/…"


def parse_url(url: str) -> OutgoingUrl:
    """Split an http or https URL.

    Raises:
        ValueError: It isn't one, or has a user, a password or a fragment. The message
            says what to write, and doesn't repeat the URL.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(
            f"must have at most {MAX_URL} characters, all of them printable ASCII and "
            "none a space"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be https://HOST/PATH") from None
    if parts.scheme not in _PORTS or not host or not _HOST.fullmatch(host) or port == 0:
        raise ValueError("must be https://HOST/PATH")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user or password")
    if "#" in url:
        raise ValueError("must not contain a fragment, which is never sent")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return OutgoingUrl(parts.scheme, host, port or _PORTS[parts.scheme], target)


def parse_networks(text: str) -> tuple[IPNetwork, ...]:
    """Read networks such as `10.0.0.0/8, fd00::/8`.

    Raises:
        ValueError: One isn't a network; the message says what is accepted.
    """
    try:
        return tuple(
            ipaddress.ip_network(part.strip())
            for part in text.split(",")
            if part.strip()
        )
    except ValueError:
        raise ValueError(
            "must be networks such as 10.0.0.0/8 or fd00::/8, with commas"
        ) from None


def may_connect(address: str, allowed: Sequence[IPNetwork]) -> bool:
    """Return whether requests of users may be sent to this address.

    It has to be public, or in one of the `allowed` networks. Of an IPv6
    address that stands for an IPv4 address, the latter decides.
    """
    outer = ipaddress.ip_address(address)
    parsed = _unwrap(outer)
    # `in` is false for an address of the other version.
    if any(outer in network or parsed in network for network in allowed):
        return True
    internal = (
        parsed.is_private
        or parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_multicast
        or parsed.is_reserved
        or parsed.is_unspecified
        or (parsed.version == 6 and parsed.is_site_local)
    )
    return parsed.is_global and not internal


def _unwrap(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address leads to, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # Without the zone of a link-local address, which no network contains.
    address = ipaddress.IPv6Address(int(address))
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
