"""Canaries: values that must be nowhere, and the search for them in any bytes.

A canary is searched for by its core, which is letters and digits alone and so the same
in JSON, in a URL and in quotes; and by what base64 and hex make of that, wherever in
the encoded text it stands. Nothing but the standard library is needed.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, quote_plus

#: Around the core, so that every way to write the value is another text.
_BEFORE, _AFTER = 'ü"é/', "+\\ <&'"


@dataclass(frozen=True)
class Canary:
    """A value that is looked for, called by what it is."""

    name: str
    core: str

    @property
    def value(self) -> str:
        """The core with something around it that has to be escaped everywhere."""
        return f"{_BEFORE}{self.core}{_AFTER}"

    @cached_property
    def needles(self) -> frozenset[bytes]:
        """What is in any bytes that have the core, however it is written."""
        core = self.core.encode()
        return frozenset(
            (core, core.hex().encode(), *map(inside_base64, _shifted(core)))
        )

    def is_in(self, content: bytes) -> bool:
        """Say whether the canary is somewhere in there."""
        return any(needle in content for needle in self.needles)


#: What is in tests/data/sops/secrets.sops.yml, in the variables of these names.
IN_SOPS = (
    Canary("bird of SOPS", "cnrysops4e1c9a7d52f04b6f"),
    Canary("users of SOPS", "canary-first"),
    Canary("certificate of SOPS", "canary-line-two"),
)

#: What shows a deployment, and so its variables or what it printed.
SHOWN_BY = {
    "/deployments/{id}", "/deployments/{id}/events", "/deployments/{id}/output",
    "/deployments/{id}/artifacts/stdout", "/api/v1/deployments",
    "/api/v1/deployments/{id}", "/api/v1/deployments/{id}/events",
    "/api/v1/deployments/{id}/output", "/api/v1/deployments/{id}/artifacts/stdout",
}  # fmt: skip


def make(name: str) -> Canary:
    """A new canary that nothing else can contain by chance."""
    return Canary(name, f"cnry{secrets.token_hex(16)}")


def found(canaries: Iterable[Canary], content: bytes) -> list[str]:
    """The names of the canaries that are in there."""
    return [canary.name for canary in canaries if canary.is_in(content)]


def ways(value: str) -> Mapping[str, str]:
    """Each way to write a value that is looked for."""
    raw = value.encode()
    return {
        "plain": value,
        "JSON": json.dumps(value, ensure_ascii=False),
        "JSON in ASCII": json.dumps(value),
        "JSON in JSON": json.dumps(json.dumps(value)),
        "URL": quote(value, safe=""),
        "URL path": quote(value),
        "form": quote_plus(value),
        "base64": base64.b64encode(raw).decode(),
        "base64 behind a name": base64.b64encode(b"u:" + raw).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(b"u" + raw).decode(),
        "hex": raw.hex(),
    }


def inside_base64(shifted: tuple[int, bytes]) -> bytes:
    """What base64 makes of bytes at that place within three, but for its ends."""
    place, raw = shifted
    encoded = base64.b64encode(b"\0" * place + raw)
    return encoded[-(-8 * place // 6) : 8 * (place + len(raw)) // 6]


def _shifted(core: bytes) -> list[tuple[int, bytes]]:
    return [(place, core) for place in range(3)]
