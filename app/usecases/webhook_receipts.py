"""Receive a request of a webhook: check its signature, and store it exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain import webhook_payload
from app.domain.webhook import DeliveryState, verify
from app.encryption import SecretBox
from app.errors import BadSetting, Invalid, NotAllowed, NotFound, Unavailable
from app.log import get
from app.store import schedules, webhook_deliveries, webhooks
from app.store.store import Store
from app.store.webhook_deliveries import NewDelivery
from app.store.webhooks import SealedWebhook
from app.usecases.webhooks import secrets_of

log = get("webhooks")


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a request was stored: its delivery, and what happens about it."""

    delivery: int
    state: DeliveryState
    answer: str
    #: It was delivered before, and nothing was stored.
    repeated: bool


def receive(
    store: Store,
    secret_box: SecretBox,
    name: str,
    headers: Mapping[str, str],
    body: bytes,
    address: str,
) -> Receipt:
    """Store a signed request of the webhook `name`; a worker handles it.

    `headers` have lower-case names. Of a request without a valid signature, only the
    reason, the time and the address are stored, in place of those before.

    Raises:
        NotFound: There is no such webhook.
        NotAllowed: The signature is missing, wrong or too old.
        Invalid: The signature is right, but the payload can't be used.
        Unavailable: No key fits that decrypts the secrets.
    """
    with store.begin() as db:
        known = webhooks.find_named(db, name)
        now = schedules.now(db)
    if known is None:
        raise NotFound(f"there is no webhook {name!r}")
    webhook = known.webhook
    secrets = _secrets(secret_box, known)
    try:
        signed = verify(webhook.provider, headers, body, secrets, now)
        payload = webhook_payload.read(webhook.provider, headers, body)
    except (Invalid, NotAllowed) as error:
        with store.begin() as db:
            webhooks.note_refusal(db, webhook.id, str(error), address)
        raise
    if payload.ignored:
        state, answer = DeliveryState.IGNORED, payload.ignored
    elif webhook.paused_at is not None:
        state = DeliveryState.SKIPPED
        answer = f"{webhook.paused_by} has paused the webhook"
    else:
        state, answer = DeliveryState.QUEUED, ""
    new = NewDelivery(
        webhook_id=webhook.id,
        delivery=signed.delivery,
        digest=signed.digest,
        event=payload.event,
        pushes=payload.pushes,
        state=state,
        answer=answer,
    )
    return _store(store, webhook.name, new)


def _secrets(secret_box: SecretBox, known: SealedWebhook) -> list[str]:
    """Return the valid secrets. Raises Unavailable: the sender may try again."""
    try:
        return secrets_of(secret_box, known.sealed)
    except BadSetting as error:
        # The route is public, so only the log says what is wrong with the settings.
        log.error("webhook.sealed", webhook=known.webhook.name, error=str(error))  # noqa: TRY400 - the message is enough
        raise Unavailable(
            "the signature can't be checked at the moment; the log of the web process "
            "has the reason"
        ) from None


def _store(store: Store, webhook: str, new: NewDelivery) -> Receipt:
    with store.begin() as db:
        number = webhook_deliveries.add(db, new)
        if number is not None:
            log.info("webhook.received", webhook=webhook, delivery=number,
                     state=new.state)  # fmt: skip
            return Receipt(number, new.state, new.answer, repeated=False)
        earlier = webhook_deliveries.find_repeated(db, new)
    if earlier is None:
        raise NotFound(f"the webhook {webhook!r} has just been removed")
    log.info("webhook.repeated", webhook=webhook, delivery=earlier.id)
    return Receipt(earlier.id, earlier.state, earlier.answer, repeated=True)
