"""Nodes with different secret keys are a warning of the doctor."""

from pathlib import Path

import pytest

from app import bootstrap
from app.doctor import diagnosis
from app.domain.finding import Level
from app.domain.node import NodeInstance
from app.encryption import key_id
from app.project_folder import without_credentials
from app.settings import Settings
from app.store.store import Store
from app.usecases import nodes
from app.usecases.secret_rotation import rotate
from app.worker.heartbeat import Presence
from testing.factories import ROOT


def beat(store: Store, name: str, *key_ids: str) -> None:
    me = NodeInstance(name)
    nodes.beat(store, name, me=me, concurrency=1, key_ids=key_ids)


def findings(store: Store, settings: Settings) -> list[tuple[Level, str]]:
    report = diagnosis.examine(store, settings)
    return [(f.level, f.message) for f in report.findings if f.subject == "secret keys"]


@pytest.mark.parametrize(
    ("here", "there", "level"),
    [
        (["one"], ["one"], Level.OK),
        (["new", "old"], ["old", "new"], Level.OK),
        (["new", "old"], ["new"], Level.OK),
        (["new", "old"], ["old"], Level.WARNING),
        (["one"], ["other"], Level.WARNING),
    ],
)
def test_nodes_must_know_the_keys_with_which_others_encrypt(
    store: Store, settings: Settings, here: list[str], there: list[str], level: Level
) -> None:
    beat(store, "web1", *here)
    beat(store, "web2", *there)
    beat(store, "before-the-update")

    [(found, message)] = findings(store, settings)

    assert level is found
    named = "web1, web2 have different secret keys" in message
    assert named is (level is Level.WARNING)


def test_a_node_alone_or_one_that_is_stopped_is_not_a_finding(
    store: Store, settings: Settings
) -> None:
    beat(store, "web1", "one")
    beat(store, "web2", "other")
    nodes.stop(store, "web2", NodeInstance("web2"))

    assert [] == findings(store, settings)


def test_a_heartbeat_has_the_ids_of_the_present_keys(
    store: Store, settings: Settings
) -> None:
    box = bootstrap.make_secret_box(settings)
    presence = Presence(store, settings, without_credentials, box, draining=False)
    presence.begin()
    [before] = nodes.list_nodes(store)

    rotate(store, settings, box, ROOT)
    presence.beat()

    [after] = nodes.list_nodes(store)
    assert (box.key_id, *before.key_ids) == after.key_ids
    assert before.key_ids[0] != after.key_ids[0]
    # A key that is broken now doesn't end the heartbeat.
    file = Path(settings.var, "secret-key")
    kept = file.read_text()
    file.write_text("cut")
    presence.beat()
    assert after.key_ids == nodes.list_nodes(store)[0].key_ids
    assert key_id(kept.split()[0]) == after.key_ids[0]
