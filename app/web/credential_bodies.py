"""The bodies of the API about credentials; none has a value of one."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.domain.credential import Home
from app.runner.credential_kinds import Kind
from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.usecases.credential_trial import Target
    from app.usecases.credentials import CredentialView


class CredentialBody(Body):
    """A credential without its value."""

    reference: str
    """Its kind and name, as a service declares it."""
    kind: Kind
    name: str
    home: Home
    """Where its value is: encrypted in the database, placed by root on the hosts,
    printed by a command, or asked at each launch."""
    command: list[str]
    public_key: str
    """The public key of a private one, as in authorized_keys."""
    fingerprint: str
    description: str
    used_by: list[str]
    """The services that declare it."""
    projects: list[str]
    """The projects whose repository is fetched with it."""
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    last_used_at: datetime | None
    last_used_deployment: int | None


class CredentialRequest(BaseModel):
    """The body of PUT /api/v1/credentials/{reference}."""

    model_config = ConfigDict(extra="forbid")

    home: Home = Home.STORED
    value: Annotated[
        dict[str, SecretStr],
        Field(
            description="Its fields: `private_key`, `passphrase`, `certificate` and "
            "`user` of ssh, `password` of become and vault, `value` of token, "
            "`private_key` and `passphrase` of git-ssh, `value` and `user` of "
            "git-token."
        ),
    ] = {}
    command: Annotated[
        list[str],
        Field(max_length=100, description="A program that prints the value."),
    ] = []
    description: str = ""
    replace: Annotated[bool, Field(description="Replace an existing one.")] = False


class TestRequest(BaseModel):
    """The body of POST /api/v1/credentials/{reference}/test."""

    model_config = ConfigDict(extra="forbid")

    host: Annotated[
        str, Field(description="Required for the kinds ssh, password and become.")
    ] = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Annotated[
        str, Field(description="The user to log in as; by default the credential's.")
    ] = ""
    ssh: Annotated[
        str,
        Field(
            description="For the kind become: the credential that reaches the host, "
            "such as `ssh:prod`."
        ),
    ] = ""
    project: Annotated[
        str,
        Field(
            description="For the kinds git-ssh and git-token: the project whose "
            "repository is read."
        ),
    ] = ""
    vaulted: Annotated[
        str,
        Field(
            description="For the kind vault: the text of a file that ansible-vault has "
            "encrypted. It isn't stored, and its content isn't returned."
        ),
    ] = ""

    def target(self, services: Path) -> "Target":
        """Return where the credential is tried.

        Raises:
            NotFound: There is no such project.
            Invalid: The project has no repository.
        """
        from app.usecases.credential_trial import Target, url_of  # noqa: PLC0415

        url = url_of(services, self.project) if self.project else ""
        return Target(self.host, self.port, self.user, vaulted=self.vaulted,
                      ssh=self.ssh, url=url, project=self.project)  # fmt: skip


class TestBody(Body):
    """The result of a test that succeeded."""

    result: str
    """A sentence about it."""


def credential_body(view: "CredentialView") -> CredentialBody:
    """Return the body of a credential."""
    one = view.credential
    return CredentialBody(
        reference=one.reference,
        kind=one.kind,
        name=one.name,
        home=one.home,
        command=list(one.command),
        public_key=one.public_key,
        fingerprint=one.fingerprint,
        description=one.description,
        used_by=list(view.used_by),
        projects=list(view.projects),
        created_at=one.created_at,
        created_by=one.created_by,
        changed_at=one.changed_at,
        changed_by=one.changed_by,
        last_used_at=one.last_used_at,
        last_used_deployment=one.last_used_deployment,
    )
