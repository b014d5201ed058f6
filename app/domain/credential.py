"""A credential: its validation, and what of it is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain import private_key
from app.domain.credential_names import split
from app.errors import InvalidFields
from app.runner.credential_kinds import FIELDS, PUBLIC_FIELDS, Kind

#: The largest password or token, in characters.
_MAX_TEXT = 16 * 1024
_MAX_ARGUMENTS = 100
#: Shorter lines of a secret occur in any output by chance.
_MIN_LINE = 4


class Home(StrEnum):
    """Where the value of a credential is kept."""

    #: Encrypted in the database.
    STORED = "stored"
    #: A file that root placed for the user of the runs; FastDeploy knows the name only.
    PLACED = "placed"
    #: Printed by a command that the user of the runs executes at each launch.
    COMMAND = "command"
    #: Asked at each launch, and deleted when the run has ended.
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential without its value."""

    kind: Kind
    name: str
    home: Home
    command: tuple[str, ...]
    public_key: str
    fingerprint: str
    description: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    last_used_at: datetime | None
    last_used_deployment: int | None

    @property
    def reference(self) -> str:
        """`kind:name`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class ValidValue:
    """A validated value: its normalised fields, and the public key of a private one."""

    values: dict[str, str]
    public: private_key.PublicKey | None = None


def require_reference(reference: str) -> tuple[Kind, str]:
    """Return the kind and the name of a credential. Raises InvalidFields."""
    try:
        return split(reference)
    except ValueError as error:
        raise InvalidFields({"reference": str(error)}) from None


def check(kind: Kind, given: Mapping[str, str], home: Home = Home.STORED) -> ValidValue:
    """Validate and normalise the fields of a credential.

    The main field (the first one of FIELDS) is required if the value is `stored`, or
    was given for `ask`; a `command` prints it. Raises InvalidFields, whose sentences
    don't contain values.
    """
    fields = FIELDS[kind]
    main = fields[0]
    values = {name: text for name, text in given.items() if text}
    problems = {
        name: f"a credential {kind}:… has no such field (it has: {', '.join(fields)})"
        for name in values
        if name not in fields
    }
    if home is Home.STORED and main not in values:
        problems[main] = "is required"
    if home is not Home.STORED:
        problems |= {
            name: f"can't be given with the home {home}: leave it out"
            for name in values
            if home is not Home.COMMAND or name not in PUBLIC_FIELDS
        }
    for name, text in values.items():
        if name not in problems and (problem := _text_problem(kind, name, text)):
            problems[name] = problem
    if problems:
        raise InvalidFields(problems)
    return _with_key(values)


def require_command(command: tuple[str, ...]) -> None:
    """Raise InvalidFields unless this is a command with its arguments."""
    if not command or not command[0].strip():
        raise InvalidFields({"command": "needs a program, such as: op read op://…"})
    if len(command) > _MAX_ARGUMENTS or any("\0" in part for part in command):
        raise InvalidFields(
            {"command": f"has at most {_MAX_ARGUMENTS} arguments, without NUL"}
        )


def secrets(values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what has to be masked of decrypted launch variables and credentials.

    A text with several lines is masked as a whole and line by line.
    """
    for name, value in values.items():
        if ":" not in name:
            yield value
            continue
        for field, text in value.items():
            if field in PUBLIC_FIELDS or not isinstance(text, str):
                continue
            yield text
            lines = [line.strip() for line in text.splitlines()]
            if len(lines) > 1:
                yield from (
                    line
                    for line in lines
                    if len(line) >= _MIN_LINE and not line.startswith("-----")
                )


def _with_key(values: dict[str, str]) -> ValidValue:
    """Parse the key and certificate of valid texts. Raises InvalidFields."""
    public = None
    if "private_key" in values:
        values["private_key"] = private_key.normalise(values["private_key"])
        try:
            public = private_key.public_key(
                values["private_key"], values.get("passphrase", "")
            )
        except ValueError as error:
            raise InvalidFields({"private_key": str(error)}) from None
    if "certificate" in values:
        values["certificate"] = values["certificate"].strip() + "\n"
        try:
            private_key.require_certificate_of(values["certificate"], public)
        except ValueError as error:
            raise InvalidFields({"certificate": str(error)}) from None
    return ValidValue(values, public)


def _text_problem(kind: Kind, name: str, text: str) -> str:
    if "\0" in text:
        return "must not contain the character NUL"
    if len(text) > _MAX_TEXT and name not in ("private_key", "certificate"):
        return f"is longer than {_MAX_TEXT} characters"
    if (kind, name) == (Kind.GIT_TOKEN, "value"):
        return "" if text.strip().isprintable() and text.strip() else "must be one line"
    if name in ("private_key", "certificate", "value"):
        return "" if text.strip() else "is empty"
    if "\n" in text or "\r" in text:
        return "must be one line"
    if name == "user" and (text.startswith("-") or not text.isprintable()):
        return "must be the name of a user"
    if kind is Kind.VAULT and text != text.strip():
        return (
            "begins or ends with a blank, which ansible-vault removes from a password "
            "file: change the vault password with `ansible-vault rekey`"
        )
    return ""
