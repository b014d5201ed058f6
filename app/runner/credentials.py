"""Collect the credentials that a service declares, from the host or the config file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import credential_command, credential_files
from .credential_kinds import FIELDS, PUBLIC_FIELDS, Kind, variable_of
from .definition import Definition
from .errors import RunnerError
from .extra_vars import is_utf_8
from .secret_values import MIN_LENGTH

#: Fields that a program reads from a pipe, and their bytes: they have to fit into it.
_PIPED = ("password", "passphrase")
_MAX_PIPED = 4096
#: Kinds whose value Ansible reads from a file: it strips blanks and newlines.
_ONE_LINE = PUBLIC_FIELDS | {"passphrase"}
_READ_BY_ANSIBLE = (Kind.PASSWORD, Kind.BECOME, Kind.VAULT)


@dataclass(frozen=True)
class Credential:
    """One credential with its values, which its repr doesn't show."""

    kind: Kind
    name: str
    #: The values by field; a field without a value is missing.
    values: Mapping[str, str] = field(repr=False)

    @property
    def reference(self) -> str:
        """How a service names it."""
        return f"{self.kind}:{self.name}"

    @property
    def main(self) -> str:
        """The value of the kind's first field."""
        return self.values[FIELDS[self.kind][0]]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that are secret."""
        return tuple(
            text for name, text in self.values.items() if name not in PUBLIC_FIELDS
        )


@dataclass(frozen=True)
class Credentials:
    """The credentials of one run, in the order in which the service names them."""

    all: tuple[Credential, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.all)

    def of(self, *kinds: Kind) -> list[Credential]:
        """Return those of some kinds."""
        return [one for one in self.all if one.kind in kinds]

    @property
    def tokens(self) -> dict[str, str]:
        """The environment variables of the tokens."""
        return {variable_of(one.name): one.main for one in self.of(Kind.TOKEN)}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not be shown."""
        return tuple(text for one in self.all for text in one.secrets)

    @property
    def unmaskable(self) -> list[str]:
        """The references of those with a value that is too short to be masked."""
        return [
            one.reference
            for one in self.all
            if any(len(text.strip()) < MIN_LENGTH for text in one.secrets)
        ]


def read(
    config: Path, definition: Definition, placed: Path, env: Mapping[str, str]
) -> Credentials:
    """Return the credentials that a service declares.

    A file that was placed on this host takes precedence over the run's config file.

    Args:
        config: The run's config file.
        definition: The service.
        placed: The folder with the placed files of each user.
        env: The environment of the run, for commands.

    Raises:
        RunnerError: A declared credential is missing or invalid, the config file has
            one that the service doesn't declare, or a command can't be used.
    """
    given, is_own = credential_files.read_given(config)
    known = {*definition.credentials, definition.git_credential}
    if unknown := sorted(given.keys() - known):
        raise RunnerError(
            f"{definition.name} does not use the credential {unknown[0]!r}: name it "
            'under "credentials" of the service.'
        )
    return Credentials(
        tuple(
            _find(definition.name, reference, given, is_own, placed, env,
                  definition.folder)
            for reference in definition.credentials
        )
    )  # fmt: skip


def read_git(
    project: str, reference: str, config: Path, placed: Path, env: Mapping[str, str]
) -> Credential:
    """Return the credential with which the repository of a project is fetched.

    Args:
        project: The name of the project.
        reference: The credential that its project.json names.
        config: The run's config file.
        placed: The folder with the placed files of each user.
        env: The environment of a command that prints it.

    Raises:
        RunnerError: It is missing or invalid, or its command can't be used.
    """
    given, is_own = credential_files.read_given(config)
    return _find(project, reference, given, is_own, placed, env, Path("/"))


def read_placed(
    reference: str, placed: Path, env: Mapping[str, str]
) -> Credential | None:
    """Return a credential that root has placed for this user; None if there is none.

    Raises:
        RunnerError: The file is invalid, or its command fails.
    """
    content = credential_files.read_placed(
        credential_files.placed_path(placed, reference)
    )
    return None if content is None else make(reference, content, env)


def _find(
    user: str,
    reference: str,
    given: Mapping[str, Mapping[str, Any]],
    is_own: bool,  # noqa: FBT001 - it belongs to what is given
    placed: Path,
    env: Mapping[str, str],
    folder: Path,
) -> Credential:
    """Return a credential that was placed or given; `user` needs it."""
    path = credential_files.placed_path(placed, reference)
    content: Mapping[str, Any] | None = credential_files.read_placed(path)
    may_run = content is not None or is_own
    if content is None:
        content = given.get(reference, {"placed": True})
        if content.get("placed"):
            raise RunnerError(
                f"{user} needs the credential {reference}: add it (fastdeploy "
                f"credential add {reference}), or place it on this host as {path}."
            )
    if "command" in content and not may_run:
        raise RunnerError(
            f"{reference} has a command, and FastDeploy's user may not choose what "
            "this user runs: place it on this host with fd_credentials."
        )
    return make(reference, content, env, folder)


def make(
    reference: str,
    content: Mapping[str, Any],
    env: Mapping[str, str],
    folder: Path = Path("/"),
) -> Credential:
    """Return a credential from its fields, or from the command that prints it.

    Args:
        reference: Its `kind:name`.
        content: Its fields by name, or `command` in place of the first one.
        env: The environment of the command.
        folder: The folder in which it is executed.

    Raises:
        RunnerError: A field is invalid, or the command fails.
    """
    kind_name, _, name = reference.partition(":")
    kind = Kind(kind_name)
    fields = FIELDS[kind]
    values = dict(content)
    values.pop("placed", None)
    if "command" in values:
        command = values.pop("command")
        printed = credential_command.run(reference, command, env, str(folder))
        values[fields[0]] = printed
    values = {key: text for key, text in values.items() if text not in (None, "")}
    if unknown := sorted(values.keys() - set(fields)):
        raise RunnerError(
            f"{reference} has the unknown field {unknown[0]!r}: its fields are "
            f"{', '.join(fields)} and command."
        )
    if problem := next(_problems(kind, values), ""):
        raise RunnerError(f"{reference}: {problem}.")
    return Credential(kind, name, values)


def _problems(kind: Kind, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values, without repeating them."""
    main = FIELDS[kind][0]
    if main not in values:
        yield f"the field {main} is missing"
        return
    for name, text in values.items():
        if not isinstance(text, str) or "\0" in text or not is_utf_8(text):
            yield f"{name} must be a text without NUL characters"
        elif (
            name in _ONE_LINE or (kind, name) == (Kind.GIT_TOKEN, main)
        ) and not text.strip().isprintable():
            yield f"{name} must be one line"
        elif name in _PIPED and len(text.encode()) > _MAX_PIPED:
            yield f"{name} must have at most {_MAX_PIPED} bytes"
    if kind in _READ_BY_ANSIBLE:
        yield from _problems_of_password(kind, main, values[main])
    user = values.get("user", "")
    if user.startswith("-") or any(character.isspace() for character in user.strip()):
        yield "user must be a name without blanks"


def _problems_of_password(kind: Kind, name: str, text: str) -> Iterator[str]:
    if text != text.strip():
        yield f"{name} must not begin or end with a blank, which Ansible removes"
    if kind is not Kind.VAULT and len(text.splitlines()) > 1:
        yield f"{name} must be one line"
