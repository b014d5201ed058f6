"""Who may do what: users have a role, tokens have scopes, both come to permissions."""

from dataclasses import dataclass
from enum import StrEnum

from app.errors import NotAllowed

#: Characters of a user of the host that are kept. The names of Unix accounts have 32.
_MAX_HOST_USER = 64


class Permission(StrEnum):
    """What a route or a command asks for."""

    #: See services, deployments, their output and artifacts.
    VIEW = "view"
    #: Launch deployments.
    DEPLOY = "deploy"
    #: Read the services folder anew.
    SYNC = "sync"
    #: Manage users and tokens.
    ADMIN = "admin"


class Role(StrEnum):
    """What a user is; each role can do what the one before can."""

    #: Looks on.
    VIEWER = "viewer"
    #: Deploys.
    DEPLOYER = "deployer"
    #: Does everything.
    ADMIN = "admin"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.DEPLOYER: frozenset({Permission.VIEW, Permission.DEPLOY}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for something: a user, by session or by token."""

    name: str
    permissions: frozenset[Permission]
    #: Of a session: what its forms must carry. Empty for a token or the command line.
    csrf_token: str = ""
    #: Where the request came from. Empty for the command line.
    address: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether the actor has the permission; templates ask this too."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise NotAllowed unless the actor has the permission."""
        if not self.may(permission):
            raise NotAllowed(f"{self.name} may not {permission}")


def on_host(user: str) -> Actor:
    """The actor behind a command that is typed on FastDeploy's own host.

    Whoever can read FastDeploy's settings there holds its database already. The name
    may come from the environment (LOGNAME), so it is made one that can be stored.
    """
    name = user.encode(errors="replace").decode()[:_MAX_HOST_USER]
    return Actor(f"{name} (host)", frozenset(Permission))
