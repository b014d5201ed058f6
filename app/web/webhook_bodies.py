"""The bodies of the API about webhooks."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from app.domain.webhook import DeliveryState, Provider
from app.web.request_fields import WebhookName

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.store.webhook_deliveries import Delivery
    from app.store.webhooks import Webhook
    from app.usecases.webhooks import Wanted


class WebhookRequest(BaseModel):
    """A webhook to create."""

    model_config = ConfigDict(extra="forbid")

    name: WebhookName
    provider: Provider
    project: str
    status_credential: str = ""
    api_url: str = ""

    @property
    def wanted(self) -> "Wanted":
        """The same for the use case."""
        from app.usecases.webhooks import Wanted  # noqa: PLC0415 - the same

        return Wanted(
            self.name,
            self.provider,
            self.project,
            self.status_credential,
            self.api_url,
        )


class WebhookBody(BaseModel):
    """A webhook, without its secrets."""

    id: int
    name: str
    provider: Provider
    project: str
    path: str
    status_credential: str
    api_url: str
    created_at: datetime
    created_by: str
    rotated_at: datetime | None
    paused_at: datetime | None
    paused_by: str
    refused_at: datetime | None
    refused_reason: str


class SecretBody(WebhookBody):
    """A webhook with its new secret, which can't be read again."""

    secret: str


class PushBody(BaseModel):
    """A branch or tag, and the commits that it names and named before."""

    ref: str
    commit: str
    before: str


class DeliveryBody(BaseModel):
    """A signed request of a webhook, and what was done about it."""

    id: int
    delivery: str
    event: str
    pushes: list[PushBody]
    received_at: datetime
    state: DeliveryState
    answer: str
    attempt: int
    deployments: list[int]


def path_of(webhook: "Webhook") -> str:
    """Return the path of the URL to which the provider sends."""
    return f"/hooks/{webhook.name}"


def webhook_body(webhook: "Webhook") -> WebhookBody:
    """Return the body for a webhook."""
    return WebhookBody.model_validate(_fields(webhook))


def secret_body(webhook: "Webhook", secret: str) -> SecretBody:
    """Return the body for a webhook with a new secret."""
    return SecretBody.model_validate(_fields(webhook) | {"secret": secret})


def delivery_body(delivery: "Delivery") -> DeliveryBody:
    """Return the body for a delivery."""
    return DeliveryBody(
        id=delivery.id,
        delivery=delivery.delivery,
        event=delivery.event,
        pushes=[
            PushBody(ref=each.ref, commit=each.commit, before=each.before)
            for each in delivery.pushes
        ],
        received_at=delivery.received_at,
        state=delivery.state,
        answer=delivery.answer,
        attempt=delivery.attempt,
        deployments=list(delivery.deployments),
    )


def _fields(webhook: "Webhook") -> dict[str, object]:
    found = {
        name: getattr(webhook, name)
        for name in WebhookBody.model_fields
        if name != "path"
    }
    return found | {"path": path_of(webhook)}
