"""Where traces are sent by OTLP, the protocol of OpenTelemetry, and with what."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

_URL = re.compile(r"https?://[^/\s@?#]+(/[^\s?#]*)?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([!-+\--~][ -+\--~]*)")


def _check_url(value: str) -> str:
    if value and not _URL.fullmatch(value):
        raise ValueError(
            "must be the whole URL, such as http://127.0.0.1:4318/v1/traces, without "
            "a password (see FASTDEPLOY_OTLP_HEADERS) and query"
        )
    return value


def _check_headers(value: SecretStr) -> SecretStr:
    parse_headers(value)
    return value


def parse_headers(value: SecretStr) -> dict[str, str]:
    """Return headers by name. Raises ValueError, without their values."""
    parts = [part.strip() for part in value.get_secret_value().split(",")]
    found = [_HEADER.fullmatch(part) for part in parts if part]
    if None in found:
        raise ValueError("must be NAME=VALUE, separated by commas")
    return {match[1]: match[2] for match in found if match}


#: The URL of a collector; empty: no traces are sent.
OtlpUrl = Annotated[
    str,
    AfterValidator(_check_url),
    Field(
        description="URL of an OTLP/HTTP collector that receives traces of "
        "deployments, such as http://127.0.0.1:4318/v1/traces; empty: none are sent"
    ),
]
#: Headers with tokens of the collector.
OtlpHeaders = Annotated[
    SecretStr,
    AfterValidator(_check_headers),
    Field(description="headers for OTLP_URL, such as a token: NAME=VALUE, with commas"),
]
