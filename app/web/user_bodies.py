"""The bodies of the API about users."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from app.domain.access import PERMISSIONS, Permission, Role
from app.web.grant_bodies import GrantBody, grant_body
from app.web.request_fields import AccountName, Password
from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.store.users import Member
    from app.usecases.users import UserDetails


class UserRequest(BaseModel):
    """A user to create."""

    model_config = ConfigDict(extra="forbid")

    name: AccountName
    password: Password
    role: Role = Role.DEPLOYER


class RoleRequest(BaseModel):
    """The role that a user gets."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class PasswordRequest(BaseModel):
    """The password that a user gets."""

    model_config = ConfigDict(extra="forbid")

    password: Password


class UserBody(Body):
    """A user."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    """When the user was disabled; null for one who can log in."""
    sessions: int
    """The number of valid sessions."""


class UserDetailBody(UserBody):
    """A user with what gives them permissions."""

    permissions: list[Permission]
    """What the role gives on all services, or for the administration."""
    teams: list[str]
    grants: list[GrantBody]
    """The user's own grants and those of their teams; `subject` says which."""
    second_factor: bool
    """Whether the user has set up a second factor in FastDeploy."""


class EndedSessionsBody(UserDetailBody):
    """A user whose sessions were ended."""

    ended: int
    """The number of sessions that were ended."""


def user_body(member: "Member") -> UserBody:
    """Return the body of a user."""
    return UserBody(
        id=member.id,
        name=member.name,
        role=member.role,
        created_at=member.created_at,
        disabled_at=member.disabled_at,
        sessions=member.sessions,
    )


def user_detail_body(found: "UserDetails") -> UserDetailBody:
    """Return the body of a user with what gives them permissions."""
    return UserDetailBody(
        **dict(user_body(found.member)),
        permissions=[p for p in Permission if p in PERMISSIONS[found.member.role]],
        teams=list(found.teams),
        grants=[grant_body(one) for one in found.grants],
        second_factor=found.second_factor,
    )
