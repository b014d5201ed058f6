"""The request and response bodies of the API for host keys."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without it.
    from app.store.host_keys import AcceptedKey


class AddHostKeysRequest(BaseModel):
    """The body of POST /api/v1/host-keys."""

    model_config = ConfigDict(extra="forbid")

    scope: Annotated[
        str,
        Field(description="A project, or a service outside of projects."),
    ]
    known_hosts: Annotated[
        str,
        Field(
            description="Lines of a known_hosts file, `HOST TYPE KEY`. Each key "
            "replaces the one of the same host and type."
        ),
    ]


class HostKeyBody(Body):
    """A host key that the runs of a project or service trust."""

    id: int
    scope: str
    """The project, or the service outside of projects."""
    host: str
    """The name in known_hosts files: `web1`, or `[web1]:2222` for another port."""
    type: str
    key: str
    """The public key in base64."""
    fingerprint: str
    """The fingerprint as `ssh-keygen -l` prints it."""
    accepted_by: str
    accepted_at: datetime


def host_key_body(accepted: "AcceptedKey") -> HostKeyBody:
    """Return the body of an accepted key."""
    return HostKeyBody(
        id=accepted.id,
        scope=accepted.scope,
        host=accepted.key.host,
        type=accepted.key.type,
        key=accepted.key.key,
        fingerprint=accepted.key.fingerprint,
        accepted_by=accepted.accepted_by,
        accepted_at=accepted.accepted_at,
    )
