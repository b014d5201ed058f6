"""Limits of requests per minute, and what is left of them."""

import math
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from pydantic import Field

#: The time that a limit is for, in seconds. All of its requests may come at once.
WINDOW = 60

ApiLimit = Annotated[
    int,
    Field(
        ge=0,
        le=1_000_000,
        description="requests of a user or token to the API per minute; 0: no limit",
    ),
]
HookLimit = Annotated[
    int,
    Field(
        ge=0,
        le=1_000_000,
        description="webhook deliveries from an address per minute; 0: no limit",
    ),
]
TokenFailureLimit = Annotated[
    int,
    Field(
        ge=0,
        le=1_000_000,
        description="requests with an invalid token from an address per minute that "
        "get 401; 0: no limit",
    ),
]
StreamLimit = Annotated[
    int,
    Field(
        ge=1,
        le=100_000,
        description="open streams and downloads of a user or token, in all web "
        "processes together",
    ),
]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit after a request.

    `used_seconds` is the part of the window that the requests so far have used up; it
    shrinks as time passes.
    """

    per_minute: int
    used_seconds: float

    @property
    def remaining(self) -> int:
        """The number of requests that may follow at once."""
        left = (WINDOW - self.used_seconds) / seconds_of_one(self.per_minute)
        # Rounding errors must not cost a request.
        return max(math.floor(left + 1e-6), 0)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of draft-ietf-httpapi-ratelimit-headers-10.

        `t` is the number of seconds until the whole limit is available again.
        """
        reset = max(math.ceil(self.used_seconds), 0)
        return {
            "RateLimit-Policy": f'"minute";q={self.per_minute};w={WINDOW}',
            "RateLimit": f'"minute";r={self.remaining};t={reset}',
        }


def seconds_of_one(per_minute: int) -> float:
    """Return the seconds after which a further request is allowed."""
    return WINDOW / per_minute


def network_of(address: str) -> str:
    """Return what a client can't change by itself: the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
