"""The settings of logins: who needs a second factor, and what a proxy may say."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from app.domain.access import parse_roles

#: The shortest secret of a proxy.
_MIN_SECRET = 32


def _check_roles(value: str) -> str:
    parse_roles(value)
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if secret and (len(secret) < _MIN_SECRET or not secret.isascii()):
        raise ValueError(f"must have at least {_MIN_SECRET} ASCII characters")
    return value


RequireSecondFactor = Annotated[
    str,
    AfterValidator(_check_roles),
    Field(
        description="roles whose users need a second factor if they log in with a "
        "password, such as admin,deployer; empty: none"
    ),
]
ProxySecret = Annotated[
    SecretStr,
    AfterValidator(_check_secret),
    Field(
        description="32+ characters that the proxy sends in the header "
        "X-FastDeploy-Proxy-Secret; only then its X-Forwarded-For is believed"
    ),
]
ProxyLoginFile = Annotated[
    Path | None,
    Field(
        description="TOML file of the headers in which a proxy names who has logged in "
        "there; needs PROXY_SECRET or SOCKET; empty: none"
    ),
]
Socket = Annotated[
    Path | None,
    Field(
        description="Unix socket that web listens on instead of HOST and PORT, for a "
        "proxy of its group"
    ),
]
