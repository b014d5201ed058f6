"""Approvals: the keys of a service, and what an approver decides."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

#: How long a deployment waits for an approval by default, in seconds: a week.
DEFAULT_APPROVAL_TIMEOUT = 7 * 24 * 3600
#: Maximum length of the comment on a decision.
MAX_COMMENT = 1000
#: A comment, as a pattern of ECMA-262 and of Python: a line without characters that
#: control a terminal or the direction of text.
COMMENT = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"

ApprovalKey = Annotated[
    bool,
    Field(
        strict=True,
        description="Whether each deployment waits until somebody else than who "
        "launched it has approved it. Checks don't wait.",
    ),
]
ApprovalTimeoutKey = Annotated[
    int,
    Field(
        ge=60,
        le=30 * 24 * 3600,
        description="Seconds that a deployment waits for an approval; then it is "
        "canceled.",
    ),
]


class Decision(StrEnum):
    """What was decided; the values are stored in the database."""

    #: The deployment was queued.
    APPROVED = "approved"
    #: The deployment was canceled by an approver.
    REJECTED = "rejected"
    #: The deployment was canceled, since nobody decided in time.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Who launched a deployment that needs an approval."""

    #: The actor's kind and id, such as `user:7`, or its name.
    identity: str
    #: The user, also if a personal token of the user was used.
    user_id: int | None = None
    token_id: int | None = None
    #: The identities of others who determined what was launched, such as who created or
    #: changed the schedule.
    requesters: tuple[str, ...] = ()

    @property
    def requester(self) -> str:
        """The identity of who launched it, whether by session or by token."""
        return self.identity if self.user_id is None else f"user:{self.user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The approval that a deployment needs; without a decision it waits for one."""

    deployment_id: int
    launcher: Launcher
    expires_at: datetime
    decision: Decision | None = None
    #: Who decided; empty if nobody did.
    decided_by: str = ""
    decided_at: datetime | None = None
    comment: str = ""
