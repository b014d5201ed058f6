"""Channels: their URLs are encrypted, and a restored database sends nothing."""

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.notification import MessageState
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields
from app.queue import make_queue
from app.settings import Settings
from app.store import audit
from app.store import notifications as rows
from app.store.store import Store
from app.usecases import channels, restore, secret_rotation
from app.usecases.channels import Change
from testing.factories import ROOT, make_service, start_deployment
from testing.notification_rows import ALL, claim, run, written

CANARY = "canary-of-a-channel"
URL = f"json://127.0.0.1/{CANARY}"


@pytest.fixture
def secret_box(settings: Settings) -> SecretBox:
    return bootstrap.make_secret_box(settings)


def test_a_channel_is_written_and_never_read_back(
    store: Store, settings: Settings, secret_box: SecretBox
) -> None:
    run(store, settings, 0, notify=[{"on": ["failed"], "to": "ops"}])
    assert {"ops": ("hello",)} == channels.missing(store, ROOT)

    def put(change: Change, *, replace: bool = False) -> None:
        channels.put(store, secret_box, ROOT, "ops", change, replace=replace)

    put(Change(URL))
    with pytest.raises(Conflict, match="there is a channel ops already"):
        put(Change(URL))
    put(Change(description="the shop"), replace=True)
    with pytest.raises(InvalidFields, match="enter the URL"):
        put(Change(secret="s" * 16), replace=True)
    channels.pause(store, ROOT, "ops")
    channels.test(store, ROOT, "ops")

    view = channels.find(store, ROOT, "ops")
    assert ("json", "the shop", ("hello",)) == (
        view.channel.scheme,
        view.channel.description,
        view.used_by,
    )
    assert {} == channels.missing(store, ROOT)
    assert (None, "test", "ops") == written(store)[-1]
    assert [] == leaks(store)
    with pytest.raises(Conflict, match="hello would notify nobody"):
        channels.remove(store, ROOT, "ops", force=False)
    channels.resume(store, ROOT, "ops")
    channels.remove(store, ROOT, "ops", force=True)
    with store.begin() as db:
        noted = [each.action for each in audit.latest(db) if each.subject == "ops"]
    assert [
        "remove channel", "resume channel", "test channel", "pause channel",
        "replace channel", "add channel",
    ] == noted  # fmt: skip


def test_a_rotation_of_the_key_encrypts_channels_again(
    store: Store, settings: Settings
) -> None:
    before = bootstrap.make_secret_box(settings)
    channels.put(store, before, ROOT, "ops", Change(URL), replace=False)

    done = secret_rotation.rotate(store, settings, before, ROOT)

    assert 1 == done.channels
    with store.begin() as db:
        sealed = db.execute(text("SELECT sealed, key_id FROM channels")).one()
    after = bootstrap.make_secret_box(settings)
    assert {"url": URL} == after.open(sealed.sealed)
    assert after.key_id == sealed.key_id


def test_a_restored_database_sends_nothing(store: Store, settings: Settings) -> None:
    run(store, settings, 1)
    start_deployment(store, settings, make_service(notify=ALL))

    restore.settle(
        store, settings, bootstrap.make_secret_box(settings), make_queue(settings),
        ROOT, was=settings.node,
    )  # fmt: skip

    with store.begin() as db:
        states = {each.state for each in rows.latest(db)}
    assert {MessageState.SKIPPED} == states
    assert claim(store) is None


def leaks(store: Store) -> list[str]:
    """Return the tables that contain the canary, in clear or as bytes."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"  # noqa: E501
    found = []
    with store.begin() as db:
        for (name,) in db.execute(text(query)).all():
            row = text(
                f'SELECT count(*) FROM "{name}" AS t WHERE t::text LIKE :clear '  # noqa: S608
                "OR t::text LIKE :bytes"
            )
            wanted = {"clear": f"%{CANARY}%", "bytes": f"%{CANARY.encode().hex()}%"}
            if db.execute(row, wanted).scalar_one():
                found.append(str(name))
    return found
