"""Notifications: which event an outcome is, and when a message is sent again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.deployment import Deployment, Origin, Status
from app.domain.notify_rules import NotifyEvent

#: A deployment of a schedule that hasn't started for this long is late.
LATE_AFTER = timedelta(minutes=10)
#: How long to wait before each further attempt to send a message.
_DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (30, 120, 600, 1800, 3600, 7200, 14400, 28800)
)
#: The outcomes that count: whether it failed, or passed again.
COUNTED = frozenset({Status.SUCCESSFUL, Status.FAILED, Status.TIMEOUT})


#: The event of the message that the button *Test* sends.
TEST = "test"


def event_of(outcome: Status, before: Status | None) -> NotifyEvent | None:
    """Return the event of a complete deployment that ended; None if there is none.

    `before` is the outcome of the last counted deployment before it, if there is one.
    """
    if outcome in {Status.FAILED, Status.TIMEOUT}:
        return NotifyEvent.FAILED
    if outcome is Status.SUCCESSFUL and before in {Status.FAILED, Status.TIMEOUT}:
        return NotifyEvent.RECOVERED
    return None


def finds_drift(deployment: Deployment, outcome: Status) -> bool:
    """Return whether what a deployment would change is drift.

    It must be a check that a schedule has launched, and that ends well.
    """
    return (
        outcome is Status.SUCCESSFUL
        and deployment.options.check
        and deployment.origin is Origin.SCHEDULE
    )


class MessageState(StrEnum):
    """The state of a message; the values are stored in the database."""

    #: Waits until its time.
    PENDING = "pending"
    #: A worker is sending it.
    SENDING = "sending"
    #: The receiver has accepted it.
    SENT = "sent"
    #: It couldn't be sent, and isn't tried again.
    FAILED = "failed"
    #: It wasn't sent: its channel was paused, or the database was restored.
    SKIPPED = "skipped"


#: The states from which a message can be sent again.
RESENDABLE = frozenset({MessageState.FAILED, MessageState.SKIPPED})


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to a channel about an event; without a deployment it is a test."""

    id: int
    deployment_id: int | None
    event: str
    channel: str
    state: MessageState
    #: How often it was tried.
    attempts: int
    #: Identifies the message for its receiver; it is the same at each attempt.
    key: str
    next_at: datetime
    error: str
    created_at: datetime
    sent_at: datetime | None

    @property
    def resendable(self) -> bool:
        """Whether it can be sent again."""
        return self.state in RESENDABLE


def delay_after(attempts: int) -> timedelta | None:
    """Return how long to wait after a number of failed attempts; None: give up."""
    return _DELAYS[attempts - 1] if attempts <= len(_DELAYS) else None
