"""The fields of credentials in forms: their values are sent and never shown."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.credential_names import split
from app.runner.credential_kinds import FIELDS, PUBLIC_FIELDS, Kind
from app.usecases.run_credentials import PREFIX
from app.web.forms import Field

LABELS = {
    "private_key": "Private key",
    "passphrase": "Passphrase",
    "certificate": "Certificate",
    "user": "User",
    "password": "Password",
    "value": "Token",
}
_HELP = {
    "private_key": "The file that ssh-keygen wrote, in the format of OpenSSH or PEM.",
    "passphrase": "Leave it empty if the key has none.",
    "certificate": "The content of the file KEY-cert.pub, if the hosts require one.",
    "user": "The user to log in as; empty: as the inventory says.",
}
_HELP_OF_KIND = {
    (Kind.GIT_TOKEN, "value"): "It needs the right to read the repository, no other.",
    (Kind.GIT_TOKEN, "user"): "The user of the token; most servers accept any.",
}
_KINDS = {"private_key": "secret-area", "certificate": "area", "user": "text",
          "value": "secret-line"}  # fmt: skip


def fields(
    kind: Kind,
    problems: Mapping[str, str],
    *,
    prefix: str = "",
    label: str = "",
    only: Iterable[str] | None = None,
    sent: Mapping[str, str] | None = None,
) -> list[Field]:
    """Return the form fields of a kind; of what was sent, public ones are shown.

    `only` are the fields to return; by default, all of the kind.
    """
    names = [name for name in FIELDS[kind] if only is None or name in only]
    return [
        Field(
            name=f"{prefix}{name}",
            label=f"{label}{LABELS[name]}",
            kind=_KINDS.get(name, "password"),
            value=(sent or {}).get(name, "") if name in PUBLIC_FIELDS else "",
            help=_HELP_OF_KIND.get((kind, name), _HELP.get(name, "")),
            required=name == FIELDS[kind][0],
            problem=problems.get(f"{prefix}{name}", ""),
        )
        for name in names
    ]


def of_launch(references: Iterable[str], problems: Mapping[str, str]) -> list[Field]:
    """Return the fields of the credentials that a launch asks for."""
    return [
        field
        for reference in references
        for field in fields(
            split(reference)[0],
            problems,
            prefix=f"{PREFIX}{reference}.",
            label=f"{reference}: ",
        )
    ]


def values(form: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the credentials in a submitted launch form."""
    found: dict[str, dict[str, str]] = {}
    for key, text in form.items():
        if key.startswith(PREFIX) and isinstance(text, str) and text:
            reference, _, name = key.removeprefix(PREFIX).rpartition(".")
            found.setdefault(reference, {})[name] = text.replace("\r\n", "\n")
    return found
