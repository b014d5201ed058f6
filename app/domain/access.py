"""Access control: the role of a user or the scopes of a token grant permissions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.display import DEFAULT_DISPLAY, Display
from app.errors import NotAllowed

#: Maximum length of a host user's name. The names of Unix accounts have 32 characters.
_MAX_HOST_USER = 64


class Permission(StrEnum):
    """A permission that a route or a command requires."""

    #: See services, deployments, their output and artifacts.
    VIEW = "view"
    #: Launch deployments.
    DEPLOY = "deploy"
    #: Sync the services folder.
    SYNC = "sync"
    #: List, add, replace and remove credentials; their values can't be read.
    CREDENTIALS = "credentials"
    #: Read the metrics.
    METRICS = "metrics"
    #: Manage users, tokens and webhooks, add and remove projects, accept host keys.
    ADMIN = "admin"


class Role(StrEnum):
    """The role of a user; each role includes the one before."""

    #: Views services and deployments.
    VIEWER = "viewer"
    #: Views and deploys.
    DEPLOYER = "deployer"
    #: Has every permission.
    ADMIN = "admin"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.DEPLOYER: frozenset({Permission.VIEW, Permission.DEPLOY}),
    Role.ADMIN: frozenset(Permission),
}


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

    @property
    def key_owner(self) -> str:
        """What distinguishes its idempotency keys from those of other actors."""
        return self.identity or self.name

    def may(self, permission: Permission) -> bool:
        """Return whether the actor has the permission; templates call this too."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed unless the actor has the permission."""
        if not self.may(permission):
            raise NotAllowed(f"{self.name} may not {permission}")


def of_schedule(name: str) -> Actor:
    """Return the actor of the deployments that a schedule launches."""
    return Actor(
        f"schedule {name}",
        frozenset({Permission.DEPLOY}),
        identity=f"schedule:{name}",
    )


def of_webhook(name: str) -> Actor:
    """Return the actor of the deployments that a webhook launches."""
    return Actor(f"webhook:{name}", frozenset({Permission.DEPLOY}))


def on_host(user: str) -> Actor:
    """Return the actor of a command that runs on FastDeploy's host.

    It has every permission: a user who can read the settings can access the database
    anyway. The name may come from the environment (LOGNAME), so it is truncated and
    its invalid characters are replaced.
    """
    name = user.encode(errors="replace").decode()[:_MAX_HOST_USER]
    return Actor(f"{name} (host)", frozenset(Permission), identity=f"host:{name}")
