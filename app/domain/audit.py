"""The audit log: who did what, to what, when, and from which address."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What somebody did; kept in the database, so a value never changes."""

    #: Logged in with a password.
    LOG_IN = "log in"
    #: Logged out, which ends the session.
    LOG_OUT = "log out"
    #: Tried to, with a name and a password that don't fit together.
    FAIL_TO_LOG_IN = "fail to log in"
    #: Asked for a deployment.
    LAUNCH = "launch"
    #: Asked that a deployment ends.
    CANCEL = "cancel"
    #: Asked for a deployment again.
    RETRY = "retry"
    #: Had the services folder read.
    SYNC = "sync"
    #: Created a user.
    CREATE_USER = "create user"
    #: Gave a user another role.
    SET_ROLE = "set role"
    #: Gave a user a new password.
    SET_PASSWORD = "set password"  # noqa: S105 - what was done, not a password
    #: Shut a user out.
    DISABLE_USER = "disable user"
    #: Let a user in again.
    ENABLE_USER = "enable user"
    #: Ended every session of a user.
    END_SESSIONS = "end sessions"
    #: Created a token.
    CREATE_TOKEN = "create token"  # noqa: S105 - what was done, not a token
    #: Ended a token.
    REVOKE_TOKEN = "revoke token"  # noqa: S105 - what was done, not a token
    #: Removed a node.
    FORGET_NODE = "forget node"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was done; `address` is empty for what was done on the host.

    `subject` is the user, token, node or service that it was done to, and
    `deployment` the number of the deployment, if it was one.
    """

    id: int
    at: datetime
    actor: str
    address: str
    action: Action
    subject: str
    deployment: int | None
