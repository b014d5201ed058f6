"""The audit log: who did what, to what, when, and from which address."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias


class Action(StrEnum):
    """An audited action; the values are stored in the database and must not change."""

    #: Logged in with a password, and with the second factor that the subject names.
    LOG_IN = "log in"
    #: Logged out, which ends the session.
    LOG_OUT = "log out"
    #: Tried to log in with a name and a password that don't match.
    FAIL_TO_LOG_IN = "fail to log in"
    #: Launched a deployment.
    LAUNCH = "launch"
    #: Canceled a deployment.
    CANCEL = "cancel"
    #: Approved a deployment.
    APPROVE = "approve"
    #: Rejected a deployment that waited for an approval.
    REJECT = "reject"
    #: Canceled a deployment that nobody approved in time.
    EXPIRE_APPROVAL = "expire approval"
    #: Retried a deployment.
    RETRY = "retry"
    #: Continued a deployment.
    CONTINUE = "continue"
    #: Settled a handler that a deployment owed a host, without running it.
    DISMISS_HANDLER = "dismiss handler"
    #: Created a schedule.
    CREATE_SCHEDULE = "create schedule"
    #: Changed a schedule that somebody had created.
    CHANGE_SCHEDULE = "change schedule"
    #: Removed a schedule that somebody had created.
    REMOVE_SCHEDULE = "remove schedule"
    #: Paused a schedule.
    PAUSE_SCHEDULE = "pause schedule"
    #: Resumed a paused schedule.
    RESUME_SCHEDULE = "resume schedule"
    #: Created a webhook.
    CREATE_WEBHOOK = "create webhook"
    #: Removed a webhook.
    REMOVE_WEBHOOK = "remove webhook"
    #: Gave a webhook a new secret; the one before is still valid.
    ROTATE_WEBHOOK = "rotate webhook secret"
    #: Made the earlier secret of a webhook invalid.
    FINISH_WEBHOOK = "finish webhook rotation"
    #: Paused a webhook.
    PAUSE_WEBHOOK = "pause webhook"
    #: Resumed a paused webhook.
    RESUME_WEBHOOK = "resume webhook"
    #: Handled a delivery of a webhook again.
    REDELIVER = "redeliver"
    #: Synced the services folder.
    SYNC = "sync"
    #: Added a project to the services folder.
    ADD_PROJECT = "add project"
    #: Removed a project from the services folder.
    REMOVE_PROJECT = "remove project"
    #: Created a user.
    CREATE_USER = "create user"
    #: Changed the role of a user.
    SET_ROLE = "set role"
    #: Set a new password of a user.
    SET_PASSWORD = "set password"  # noqa: S105 - what was done, not a password
    #: Disabled a user.
    DISABLE_USER = "disable user"
    #: Enabled a disabled user.
    ENABLE_USER = "enable user"
    #: Ended every session of a user.
    END_SESSIONS = "end sessions"
    #: Set up TOTP as a second factor.
    SET_UP_TOTP = "set up totp"
    #: Removed TOTP as a second factor.
    REMOVE_TOTP = "remove totp"
    #: Added a passkey as a second factor.
    ADD_PASSKEY = "add passkey"
    #: Removed a passkey.
    REMOVE_PASSKEY = "remove passkey"
    #: Gave a code of a second factor, or used a passkey, that wasn't valid.
    FAIL_SECOND_FACTOR = "fail second factor"
    #: Removed the second factor of somebody who can't use it.
    RESET_SECOND_FACTOR = "reset second factor"
    #: Gave a user, a team or a token a permission on services.
    ADD_GRANT = "add grant"
    #: Removed a grant.
    REMOVE_GRANT = "remove grant"
    #: Created a team.
    CREATE_TEAM = "create team"
    #: Removed a team with its grants.
    REMOVE_TEAM = "remove team"
    #: Added a user to a team.
    ADD_MEMBER = "add team member"
    #: Removed a user from a team.
    REMOVE_MEMBER = "remove team member"
    #: Created a token.
    CREATE_TOKEN = "create token"  # noqa: S105 - what was done, not a token
    #: Revoked a token.
    REVOKE_TOKEN = "revoke token"  # noqa: S105 - what was done, not a token
    #: Accepted the key of a host.
    ACCEPT_HOST_KEY = "accept host key"
    #: Removed an accepted host key.
    REMOVE_HOST_KEY = "remove host key"
    #: Added a credential.
    ADD_CREDENTIAL = "add credential"
    #: Replaced the value or home of a credential.
    REPLACE_CREDENTIAL = "replace credential"
    #: Removed a credential.
    REMOVE_CREDENTIAL = "remove credential"
    #: Tried a credential.
    TEST_CREDENTIAL = "test credential"
    #: Added a channel of notifications.
    ADD_CHANNEL = "add channel"
    #: Replaced the URL, secret or description of a channel.
    REPLACE_CHANNEL = "replace channel"
    #: Removed a channel.
    REMOVE_CHANNEL = "remove channel"
    #: Paused a channel.
    PAUSE_CHANNEL = "pause channel"
    #: Resumed a paused channel.
    RESUME_CHANNEL = "resume channel"
    #: Sent a test message to a channel.
    TEST_CHANNEL = "test channel"
    #: Sent a notification again that had failed or was skipped.
    SEND_AGAIN = "send notification again"
    #: Encrypted the secrets with another key, or removed the keys before it.
    ROTATE_SECRETS = "rotate secret key"
    #: Removed a node.
    FORGET_NODE = "forget node"
    #: Asked for something that the actor may not do.
    REFUSED = "refused"
    #: Deleted the entries whose retention had ended.
    DELETE_ENTRIES = "delete audit entries"


#: A value before and after a change; None if there was or is none.
Changes: TypeAlias = Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A record of one action; `address` is empty for a command on the host.

    `subject` is the affected user, token, node or service, and `deployment` the number
    of the affected deployment, if any. `changes` are the changed values as JSON text:
    an object {field: {"before": …, "after": …}}, empty if there are none.
    `chain_number` is the place in the hash chain, and `hash` what proves it.
    """

    id: int
    at: datetime
    actor: str
    address: str
    action: Action
    subject: str
    deployment: int | None
    changes: str
    chain_number: int
    hash: bytes

    def as_json(self) -> dict[str, Any]:
        """Return the entry as values of JSON, in the API and in exports."""
        return {
            "id": self.id,
            "at": self.at.astimezone(UTC).isoformat(),
            "actor": self.actor,
            "address": self.address,
            "action": self.action.value,
            "subject": self.subject,
            "deployment": self.deployment,
            "changes": json.loads(self.changes or "{}"),
            "chain_number": self.chain_number,
            "hash": self.hash.hex(),
        }
