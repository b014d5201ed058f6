"""Access control: roles, grants and the scopes of tokens give permissions.

A role gives its permissions on every service, a grant on the services that match a
pattern. The scopes of a token limit what its grants give.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from app.domain.display import DEFAULT_DISPLAY, Display
from app.domain.service_pattern import EVERY_SERVICE, patterns_of
from app.errors import NotAllowed

#: Maximum length of a host user's name. The names of Unix accounts have 32 characters.
_MAX_HOST_USER = 64
#: The number of actors whose grants are kept, as they are computed. Each request reads
#: the stored grants, which may be hundreds and seldom differ from the last ones.
_KEPT = 200


#: The beginning of the identity of a token's actor.
TOKEN = "token:"  # noqa: S105 - the beginning of an identity


class Permission(StrEnum):
    """A permission that a route or a command requires."""

    #: See services, deployments, their output and artifacts.
    VIEW = "view"
    #: Launch deployments in check mode.
    CHECK = "check"
    #: Launch and retry deployments.
    DEPLOY = "deploy"
    #: Cancel deployments.
    CANCEL = "cancel"
    #: Approve and reject deployments that others have launched.
    APPROVE = "approve"
    #: Create, change, pause and remove schedules.
    MANAGE = "manage"
    #: Sync the services folder.
    SYNC = "sync"
    #: List, add, replace and remove credentials; their values can't be read.
    CREDENTIALS = "credentials"
    #: Read the metrics.
    METRICS = "metrics"
    #: Manage users, tokens and webhooks, add and remove projects, accept host keys.
    ADMIN = "admin"


#: What grants give on services. Each includes those that are listed for it.
INCLUDED: dict[Permission, frozenset[Permission]] = {
    Permission.VIEW: frozenset({Permission.VIEW}),
    Permission.CHECK: frozenset({Permission.VIEW, Permission.CHECK}),
    Permission.DEPLOY: frozenset(
        {Permission.VIEW, Permission.CHECK, Permission.DEPLOY}
    ),
    Permission.CANCEL: frozenset({Permission.VIEW, Permission.CANCEL}),
    Permission.APPROVE: frozenset({Permission.VIEW, Permission.APPROVE}),
    Permission.MANAGE: frozenset(
        {
            Permission.VIEW,
            Permission.CHECK,
            Permission.DEPLOY,
            Permission.CANCEL,
            Permission.MANAGE,
        }
    ),
}


class Role(StrEnum):
    """The role of a user; each role includes the one before."""

    #: Has the permissions of grants only.
    MEMBER = "member"
    #: Views all services and deployments.
    VIEWER = "viewer"
    #: Views and deploys all services.
    DEPLOYER = "deployer"
    #: Has every permission.
    ADMIN = "admin"


def parse_roles(text: str) -> frozenset[Role]:
    """Return the roles in a text with commas. Raises ValueError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - set(Role))
    if unknown:
        raise ValueError(f"must be roles with commas: {', '.join(Role)}")
    return frozenset(map(Role, names))


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    # Everybody has pages, with the services that they may see.
    Role.MEMBER: frozenset({Permission.VIEW}),
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.DEPLOYER: INCLUDED[Permission.MANAGE],
    Role.ADMIN: frozenset(Permission),
}


def permissions_of_scopes(scopes: Iterable[Permission]) -> frozenset[Permission]:
    """Return what a token with these scopes may do at most.

    The scope `deploy` has always included canceling and schedules.
    """
    found = frozenset(scopes)
    if Permission.DEPLOY in found:
        found |= INCLUDED[Permission.MANAGE] - {Permission.VIEW}
    return found


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission on the services whose names match a pattern."""

    permission: Permission
    services: str


class SubjectKind(StrEnum):
    """Who can have a grant."""

    #: A user.
    USER = "user"
    #: Each member of a team.
    TEAM = "team"
    #: A token.
    TOKEN = "token"  # noqa: S105 - a kind, not a secret


_ON_EVERY_SERVICE: dict[Role, frozenset[Grant]] = {
    Role.MEMBER: frozenset(),
    Role.VIEWER: frozenset({Grant(Permission.VIEW, EVERY_SERVICE)}),
    Role.DEPLOYER: frozenset({Grant(Permission.MANAGE, EVERY_SERVICE)}),
    Role.ADMIN: frozenset(
        {
            Grant(Permission.MANAGE, EVERY_SERVICE),
            Grant(Permission.APPROVE, EVERY_SERVICE),
        }
    ),
}


@dataclass(frozen=True)
class Access:
    """What an actor may do with which services.

    Each layer must give a permission: a personal token has the grants of its owner and
    its own. Without layers, there is no limit.
    """

    layers: tuple[frozenset[Grant], ...] = ()

    def allows(self, permission: Permission, service: str) -> bool:
        """Return whether every layer gives the permission on a service."""
        patterns = patterns_of(service)
        return all(
            any(permission in granted.get(pattern, ()) for pattern in patterns)
            for granted in map(_permissions_by_pattern, self.layers)
        )

    @cached_property
    def visible(self) -> tuple[frozenset[str], ...]:
        """The patterns of the visible services; empty if all services are visible.

        A service is visible if a pattern of each element matches it.
        """
        layers = (frozenset(_permissions_by_pattern(one)) for one in self.layers)
        return tuple(one for one in layers if EVERY_SERVICE not in one)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the actor may do with any service; of an unlimited access, nothing."""
        found = [
            frozenset[Permission]().union(*_permissions_by_pattern(layer).values())
            for layer in self.layers
        ]
        return frozenset.intersection(*found) if found else frozenset()


@lru_cache(_KEPT)
def grants_on(permission: Permission, patterns: tuple[str, ...]) -> frozenset[Grant]:
    """Return the grants of one permission."""
    return frozenset(Grant(permission, pattern) for pattern in patterns)


@lru_cache(_KEPT)
def _permissions_by_pattern(
    layer: frozenset[Grant],
) -> Mapping[str, frozenset[Permission]]:
    found: dict[str, frozenset[Permission]] = {}
    for grant in layer:
        known = found.get(grant.services, frozenset())
        found[grant.services] = known | INCLUDED[grant.permission]
    return found


#: The access of an actor whose permissions are for all services.
UNLIMITED = Access()


def access_of(role: Role, grants: Iterable[Grant]) -> Access:
    """Return the access of a user with a role and grants."""
    return Access((_ON_EVERY_SERVICE[role] | frozenset(grants),))


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, token, schedule or webhook that makes a request."""

    name: str
    permissions: frozenset[Permission]
    #: The CSRF token of a session. Empty for an API token or the command line.
    csrf_token: str = ""
    #: The client's address. Empty for the command line.
    address: str = ""
    #: The user of a session. None for a token, a schedule or the command line.
    user_id: int | None = None
    #: How pages look for the user of a session.
    display: Display = DEFAULT_DISPLAY
    #: Its kind and id, such as `token:7`: another token may get the same name later.
    #: Empty: the name is unique.
    identity: str = ""
    #: When its session or token expires; None for never.
    expires_at: datetime | None = None
    #: Limits the permissions to services.
    access: Access = UNLIMITED
    #: Whether the user of a session has to set up a second factor first.
    needs_second_factor: bool = False

    @property
    def key_owner(self) -> str:
        """What distinguishes its idempotency keys from those of other actors."""
        return self.identity or self.name

    @property
    def token_id(self) -> int | None:
        """The id of the token that makes the request; None without a token."""
        kind, _, number = self.identity.partition(TOKEN)
        return int(number) if number and not kind else None

    def may(self, permission: Permission) -> bool:
        """Return whether the actor has the permission; templates call this too."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed unless the actor has the permission."""
        if not self.may(permission):
            raise NotAllowed(f"{self.name} may not {permission}")

    def may_on(self, permission: Permission, service: str) -> bool:
        """Return whether the actor has the permission on a service.

        Templates call this too.
        """
        return self.may(permission) and self.access.allows(permission, service)

    def require_on(self, permission: Permission, service: str) -> None:
        """Raise NotAllowed unless the actor has the permission on a service.

        The caller has found the service among those that the actor may see.
        """
        if not self.may_on(permission, service):
            raise NotAllowed(f"{self.name} may not {permission} {service}")


def of_schedule(name: str) -> Actor:
    """Return the actor of the deployments that a schedule launches."""
    return Actor(
        f"schedule {name}",
        frozenset({Permission.CHECK, Permission.DEPLOY}),
        identity=f"schedule:{name}",
    )


def of_webhook(name: str) -> Actor:
    """Return the actor of the deployments that a webhook launches."""
    return Actor(f"webhook:{name}", frozenset({Permission.CHECK, Permission.DEPLOY}))


def on_host(user: str) -> Actor:
    """Return the actor of a command that runs on FastDeploy's host.

    It has every permission: a user who can read the settings can access the database
    anyway. The name may come from the environment (LOGNAME), so it is truncated and
    its invalid characters are replaced.
    """
    name = user.encode(errors="replace").decode()[:_MAX_HOST_USER]
    return Actor(f"{name} (host)", frozenset(Permission), identity=f"host:{name}")
