"""The bodies of the API about channels and messages; none has a URL of a channel."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.domain.notification import MessageState, Notification
from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.usecases.channels import Change, ChannelView


class ChannelBody(Body):
    """A channel without its URL."""

    name: str
    scheme: str
    """The scheme of its URL, such as `slack`; `https` is the signed webhook."""
    description: str
    services: list[str]
    """The services that name it in `notify`."""
    paused: bool
    paused_by: str
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


class ChannelRequest(BaseModel):
    """The body of PUT /api/v1/channels/{name}."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[
        SecretStr,
        Field(
            description="A URL of Apprise, or https://… for the signed webhook. It is "
            "never returned. Without one, that of an existing channel stays."
        ),
    ] = SecretStr("")
    secret: Annotated[
        SecretStr, Field(description="Signs the requests of a webhook.")
    ] = SecretStr("")
    description: str = ""
    replace: Annotated[bool, Field(description="Replace an existing one.")] = False

    @property
    def change(self) -> "Change":
        """What to store."""
        from app.usecases.channels import Change  # noqa: PLC0415 - the same

        return Change(
            self.url.get_secret_value().strip(),
            self.secret.get_secret_value().strip(),
            self.description,
        )


class NotificationBody(Body):
    """A message to a channel."""

    id: int
    deployment: int | None
    """The deployment that it is about; null: a test."""
    event: str
    channel: str
    state: MessageState
    attempts: int
    key: str
    """Identifies the message for its receiver, at each attempt the same."""
    error: str
    """Why it wasn't sent."""
    next_at: datetime | None
    """The time of the next attempt; null if there is none."""
    created_at: datetime
    sent_at: datetime | None


def channel_body(view: "ChannelView") -> ChannelBody:
    """Return the body of a channel."""
    one = view.channel
    return ChannelBody(
        name=one.name,
        scheme=one.scheme,
        description=one.description,
        services=list(view.used_by),
        paused=one.paused_at is not None,
        paused_by=one.paused_by,
        created_at=one.created_at,
        created_by=one.created_by,
        changed_at=one.changed_at,
        changed_by=one.changed_by,
    )


def notification_body(one: Notification) -> NotificationBody:
    """Return the body of a message."""
    waits = one.state is MessageState.PENDING
    return NotificationBody(
        id=one.id,
        deployment=one.deployment_id,
        event=one.event,
        channel=one.channel,
        state=one.state,
        attempts=one.attempts,
        key=one.key,
        error=one.error,
        next_at=one.next_at if waits else None,
        created_at=one.created_at,
        sent_at=one.sent_at,
    )
