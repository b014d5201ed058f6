"""The types of settings that are checked: keys, addresses and the name of the node."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from app.domain.node import MAX_NAME
from app.domain.outgoing_url import parse_networks

_MIN_KEY = 32


def split_keys(keys: SecretStr) -> tuple[str, ...]:
    """Return the keys in a text with commas."""
    parts = (part.strip() for part in keys.get_secret_value().split(","))
    return tuple(filter(None, parts))


def _check_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and len(value.get_secret_value()) < _MIN_KEY:
        raise ValueError(f"must have at least {_MIN_KEY} characters")
    return value


def _check_keys(value: SecretStr) -> SecretStr:
    if any(len(key) < _MIN_KEY for key in split_keys(value)):
        raise ValueError(f"must be keys of at least {_MIN_KEY} characters, with commas")
    return value


def _check_url(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^/\s@]+(/\S*)?", value):
        raise ValueError("must be http://HOST or https://HOST, without a password")
    return value


def _check_networks(value: str) -> str:
    parse_networks(value)
    return value


def _check_node(value: str) -> str:
    plain = value.isprintable() and value == value.strip()
    if not plain or len(value) > MAX_NAME:
        raise ValueError(
            f"must have 1 to {MAX_NAME} printable characters, with no space at either "
            "end"
        )
    if {".", ".."} & set(value.split("/")):
        # Clients resolve such a segment of an address before they send it.
        raise ValueError('must not be, or have as a part between slashes, "." or ".."')
    return value


SecretKey = Annotated[
    SecretStr,
    AfterValidator(_check_key),
    Field(description="32+ characters; encrypts secret variables and credentials"),
]
SecretKeys = Annotated[
    SecretStr,
    AfterValidator(_check_keys),
    Field(description="earlier values of SECRET_KEY, newest first, with commas"),
]
PageUrl = Annotated[
    str,
    AfterValidator(_check_url),
    Field(
        description="address at which users open FastDeploy, for links in commands and "
        "notifications, and for passkeys; empty: http://HOST:PORT, none with "
        "SECURE_COOKIES or SOCKET"
    ),
]
Networks = Annotated[
    str,
    AfterValidator(_check_networks),
    Field(
        description="networks of internal addresses that URLs of users may lead "
        "to, such as 10.0.0.0/8, with commas; empty: public addresses only"
    ),
]
NodeName = Annotated[
    str,
    AfterValidator(_check_node),
    Field(description="name of this host among the workers"),
]
