"""The kinds of credentials, and what the value of each consists of."""

import re
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """A kind of credential; `kind:name` is a credential's reference."""

    #: An SSH private key.
    SSH = "ssh"
    #: A password for SSH.
    PASSWORD = "password"
    #: A password for become.
    BECOME = "become"
    #: A password of ansible-vault; the credential's name is the vault id.
    VAULT = "vault"
    #: An environment variable.
    TOKEN = "token"
    #: An SSH private key with which git fetches the repository of a project.
    GIT_SSH = "git-ssh"
    #: A token with which git fetches the repository of a project over HTTPS.
    GIT_TOKEN = "git-token"


#: The kinds that a project names for its repository; services name the others.
GIT_KINDS = (Kind.GIT_SSH, Kind.GIT_TOKEN)


#: The fields of each kind; the first one is required, and is what a command prints.
FIELDS = MappingProxyType({
    Kind.SSH: ("private_key", "passphrase", "certificate", "user"),
    Kind.PASSWORD: ("password", "user"),
    Kind.BECOME: ("password",),
    Kind.VAULT: ("password",),
    Kind.TOKEN: ("value",),
    Kind.GIT_SSH: ("private_key", "passphrase"),
    Kind.GIT_TOKEN: ("value", "user"),
})  # fmt: skip

#: The fields that aren't secret.
PUBLIC_FIELDS = frozenset({"certificate", "user"})

#: `kind:name`.
REFERENCE = re.compile(
    rf"(?P<kind>{'|'.join(Kind)}):(?P<name>[a-z0-9][a-z0-9_.-]{{0,63}})"
)


def variable_of(name: str) -> str:
    """Return the environment variable of a token."""
    return re.sub(r"[-.]", "_", name).upper()
