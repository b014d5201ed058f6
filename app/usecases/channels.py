"""Add, list, pause, test and remove channels; their URLs are never read back."""

import uuid
from dataclasses import dataclass

from app.domain import channel as rules
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.channel import Channel
from app.domain.notification import Notification
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, NotFound
from app.store import audit, channels, notifications
from app.store.channels import NewChannel
from app.store.store import Store

#: The number of messages on a page.
SHOWN = 50


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel without its URL, and the services that name it."""

    channel: Channel
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What to store of a channel; without a URL, that of an existing one stays."""

    url: str = ""
    #: Signs the requests of a webhook.
    secret: str = ""
    description: str = ""


def list_all(store: Store, actor: Actor) -> list[ChannelView]:
    """Return the channels with the services that name them. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        used = channels.services_by_channel(db)
        return [
            ChannelView(each, tuple(used.get(each.name, ())))
            for each in channels.list_all(db)
        ]


def missing(store: Store, actor: Actor) -> dict[str, tuple[str, ...]]:
    """Return the services that name a channel which doesn't exist, by its name."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        known = {each.name for each in channels.list_all(db)}
        used = channels.services_by_channel(db)
    return {
        name: tuple(found) for name, found in sorted(used.items()) if name not in known
    }


def find(store: Store, actor: Actor, name: str) -> ChannelView:
    """Return one channel. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = channels.find(db, name)
        if found is None:
            raise NotFound(f"there is no channel {name!r}")
        used = channels.services_by_channel(db)
    return ChannelView(found.channel, tuple(used.get(name, ())))


def messages(store: Store, actor: Actor, name: str | None = None) -> list[Notification]:
    """Return the latest messages, newest first, of all channels by default."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return notifications.latest(db, channel=name, limit=SHOWN)


def put(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    name: str,
    change: Change,
    *,
    replace: bool,
) -> None:
    """Add or replace a channel.

    Raises NotAllowed, InvalidFields whose sentences contain no secret, NotFound if
    there is no URL to keep, and Conflict if it exists and isn't to be replaced.
    """
    actor.require(Permission.ADMIN)
    rules.require_name(name)
    if replace and not change.url:
        _describe(store, actor, name, change)
        return
    url, description = change.url.strip(), change.description.strip()
    scheme = rules.check(url, change.secret, description)
    values = {"url": url} | ({"secret": change.secret} if change.secret else {})
    sealed, key_id = secret_box.seal_with_id(values)
    assert sealed is not None
    new = NewChannel(
        name=name,
        scheme=scheme,
        sealed=sealed,
        key_id=key_id,
        description=description,
    )
    with store.begin() as db:
        found = channels.find(db, name)
        if not channels.put(db, new, actor.name, replace=replace):
            raise Conflict(
                f"there is a channel {name} already: replace it, or choose another name"
            )
        action = Action.ADD_CHANNEL if found is None else Action.REPLACE_CHANNEL
        changes = {
            "scheme": (found and found.channel.scheme, scheme),
            "description": (found and found.channel.description, description),
        }
        audit.note(db, actor, action, name, changes=changes)


def remove(store: Store, actor: Actor, name: str, *, force: bool) -> None:
    """Remove a channel; the list of its messages is kept.

    Raises NotAllowed, NotFound, and Conflict if a service names it, unless forced.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        used = channels.services_by_channel(db).get(name, [])
        if used and not force:
            raise Conflict(
                f"{', '.join(used[:5])}{' …' if used[5:] else ''} would notify nobody "
                f"without the channel {name}: remove it from `notify` there first, or "
                "force the removal"
            )
        _require(name, found=channels.remove(db, name))
        audit.note(db, actor, Action.REMOVE_CHANNEL, name)


def pause(store: Store, actor: Actor, name: str) -> None:
    """Send nothing to a channel until it is resumed; messages are skipped meanwhile.

    Raises NotAllowed and NotFound.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        _require(name, found=channels.pause(db, name, actor.name))
        audit.note(db, actor, Action.PAUSE_CHANNEL, name)


def resume(store: Store, actor: Actor, name: str) -> None:
    """End the pause of a channel. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        _require(name, found=channels.resume(db, name))
        audit.note(db, actor, Action.RESUME_CHANNEL, name)


def test(store: Store, actor: Actor, name: str) -> None:
    """Write a test message to a channel, which a worker sends.

    Raises NotAllowed and NotFound.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        _require(name, found=channels.find(db, name) is not None)
        notifications.add_test(db, name, uuid.uuid4().hex)
        audit.note(db, actor, Action.TEST_CHANNEL, name)


def send_again(store: Store, actor: Actor, number: int) -> Notification:
    """Send a message that failed or was skipped; return it.

    Raises NotAllowed, NotFound, and Conflict if it waits or was sent.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = notifications.find(db, number)
        if found is None:
            raise NotFound(f"there is no message {number}")
        if not notifications.send_again(db, number):
            raise Conflict(f"message {number} is {found.state}: nothing to send again")
        audit.note(db, actor, Action.SEND_AGAIN, found.channel, found.deployment_id)
        return found


def _describe(store: Store, actor: Actor, name: str, change: Change) -> None:
    """Change the description of a channel, and keep its URL and secret."""
    if change.secret:
        raise InvalidFields({"url": "enter the URL, too: both are replaced together"})
    description = rules.require_description(change.description)
    with store.begin() as db:
        found = channels.find(db, name)
        _require(name, found=channels.describe(db, name, description, actor.name))
        changes = {"description": (found and found.channel.description, description)}
        audit.note(db, actor, Action.REPLACE_CHANNEL, name, changes=changes)


def _require(name: str, *, found: bool) -> None:
    if not found:
        raise NotFound(f"there is no channel {name!r}")
