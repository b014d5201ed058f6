"""The rules of a service: which events it notifies of, and which channel."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.domain.service_name import PART

#: The name of a channel.
CHANNEL = f"^{PART}$"


class NotifyEvent(StrEnum):
    """An event that a service can notify of."""

    #: The deployment failed or exceeded its timeout.
    FAILED = "failed"
    #: It succeeded, and the one before had failed.
    RECOVERED = "recovered"
    #: It runs longer than usual, or a schedule has launched it and it hasn't started.
    LATE = "late"
    #: It waits until somebody approves it.
    WAITING_FOR_APPROVAL = "waiting-for-approval"
    #: A check by a schedule would change what the check before it would not.
    DRIFT = "drift"
    #: It found that a file was edited outside FastDeploy.
    EDITED_OUTSIDE = "edited-outside"


class NotifyRule(BaseModel):
    """The events of a service that a channel receives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Annotated[
        tuple[NotifyEvent, ...],
        Field(min_length=1, max_length=len(NotifyEvent), description="The events."),
    ]
    to: Annotated[str, Field(pattern=CHANNEL, description="The name of a channel.")]
    environment: Annotated[
        str,
        Field(
            pattern=f"^(?:{PART})?$",
            description="The only environment of a project whose deployments it is "
            "about; empty: all.",
        ),
    ] = ""

    @field_validator("on")
    @classmethod
    def _each_event_once(
        cls, value: tuple[NotifyEvent, ...]
    ) -> tuple[NotifyEvent, ...]:
        if len(value) != len(set(value)):
            raise ValueError("must name each event once")
        return value


Notify = Annotated[
    tuple[NotifyRule, ...],
    Field(max_length=20, description="Who is notified of its deployments."),
]


def channels(rules: tuple[NotifyRule, ...], event: NotifyEvent) -> list[str]:
    """Return the names of the channels that receive an event, without duplicates."""
    return list(dict.fromkeys(rule.to for rule in rules if event in rule.on))
