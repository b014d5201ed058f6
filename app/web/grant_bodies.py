"""The bodies of the API about teams and grants."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from app.domain.access import Permission, SubjectKind
from app.web.request_fields import AccountName, GrantedPermission, ServicePattern

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.store.grants import StoredGrant
    from app.store.teams import Team


class TeamRequest(BaseModel):
    """A team to create."""

    model_config = ConfigDict(extra="forbid")

    name: AccountName


class MemberRequest(BaseModel):
    """A user to add to a team."""

    model_config = ConfigDict(extra="forbid")

    user: str


class TeamBody(BaseModel):
    """A team with the names of its members."""

    name: str
    members: list[str]


class GrantRequest(BaseModel):
    """A grant to add: `services` is a pattern, such as `shop/*@staging`."""

    model_config = ConfigDict(extra="forbid")

    subject: SubjectKind
    name: str
    permission: GrantedPermission
    services: ServicePattern


class GrantBody(BaseModel):
    """A grant of a user, a team or a token."""

    id: int
    subject: SubjectKind
    name: str
    permission: Permission
    services: str
    created_at: datetime
    created_by: str


def team_body(team: "Team") -> TeamBody:
    """Return the body of a team."""
    return TeamBody(name=team.name, members=list(team.members))


def grant_body(found: "StoredGrant") -> GrantBody:
    """Return the body of a grant."""
    return GrantBody(
        id=found.id,
        subject=found.subject.kind,
        name=found.subject.name,
        permission=found.grant.permission,
        services=found.grant.services,
        created_at=found.created_at,
        created_by=found.created_by,
    )
