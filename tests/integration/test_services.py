"""Sync: the services folder, mirrored; an invalid service affects no other."""

import json
import os

import pytest

from app import bootstrap
from app.doctor import diagnosis
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin
from app.domain.finding import Level
from app.errors import Conflict, Invalid, NotAllowed, NotFound
from app.queue import make_queue
from app.settings import Settings
from app.store.history import Filter
from app.store.services import Entry
from app.store.store import Store
from app.usecases import deploy, history, services
from app.usecases.services import SyncResult
from testing.broken_services import (
    BREAKS,
    break_json,
    break_prompt,
)
from testing.factories import ROOT, make_config, request_deployment, write_service


def sync(store: Store, settings: Settings) -> SyncResult:
    return services.sync_services(store, settings.services, settings.var, "here", ROOT)


def find(store: Store, name: str) -> Entry:
    return services.find_service(store, name)


def test_every_good_service_is_found(store: Store, settings: Settings) -> None:
    write_service(settings.services, "one", {"description": "The first"})
    playbook = make_config(name="two", playbook="site.yml")
    del playbook["deploy_script"]
    folder = write_service(settings.services, "two")
    (folder / "config.json").write_text(json.dumps(playbook))
    (folder / "site.yml").write_text("[]")

    assert SyncResult(valid=("one", "two"), invalid={}, archived=()) == sync(
        store, settings
    )

    entry = find(store, "one")
    assert entry.service is not None
    assert "The first" == entry.service.description
    assert ["one", "two"] == [
        listed.entry.name for listed in services.list_services(store)
    ]


@pytest.mark.parametrize(
    ("ruin", "sentence"), BREAKS, ids=[ruin.__name__ for ruin, _ in BREAKS]
)
def test_a_broken_service_is_listed_with_its_error_and_hurts_no_other(
    store: Store, settings: Settings, ruin: object, sentence: str
) -> None:
    write_service(settings.services, "good")
    folder = write_service(settings.services, "bad")
    assert callable(ruin)
    ruin(folder)

    found = sync(store, settings)

    assert ("good",) == found.valid
    assert ["bad"] == list(found.invalid)
    assert sentence in found.invalid["bad"]
    assert found.invalid["bad"] == find(store, "bad").error
    assert "" == find(store, "good").error


def test_a_service_that_cannot_be_run_is_not_launched(
    store: Store, settings: Settings
) -> None:
    break_prompt(write_service(settings.services, "bad"))
    sync(store, settings)

    with pytest.raises(
        Conflict, match=r'service bad is invalid: site\.yml:2 asks for "a"'
    ):
        deploy.launch(
            store, make_queue(settings), bootstrap.make_secret_box(settings),
            actor=ROOT, origin=Origin.CLI, service_name="bad", given={},
        )  # fmt: skip


def test_the_doctor_says_what_a_sync_says(store: Store, settings: Settings) -> None:
    break_prompt(write_service(settings.services, "bad"))
    said = sync(store, settings).invalid["bad"]

    report = diagnosis.examine(store, settings, "bad")

    (found,) = [each for each in report.findings if each.subject == "bad: prompts"]
    assert (Level.PROBLEM, said) == (found.level, found.message)


@pytest.mark.parametrize(
    "name", ["Upper", "has space", "new\nline", os.fsdecode(b"a\xff")]
)
def test_a_folder_whose_name_is_none_hurts_no_other(
    store: Store, settings: Settings, name: str
) -> None:
    write_service(settings.services, "good")
    (settings.services / name).mkdir()

    found = sync(store, settings)

    assert ("good",) == found.valid
    (error,) = found.invalid.values()
    assert "folder's name must be" in error


def test_files_and_hidden_folders_are_not_services(
    store: Store, settings: Settings
) -> None:
    (settings.services / "README.md").write_text("about")
    for name in (".git", "_shared", "__pycache__"):
        (settings.services / name).mkdir()

    assert SyncResult((), {}, ()) == sync(store, settings)


def test_a_service_that_breaks_keeps_its_last_good_config(
    store: Store, settings: Settings
) -> None:
    folder = write_service(settings.services, "one", {"description": "good"})
    sync(store, settings)
    good = find(store, "one")

    break_json(folder)
    sync(store, settings)

    broken = find(store, "one")
    assert good.service == broken.service
    assert broken.error

    write_service(settings.services, "one", {"description": "mended"})
    sync(store, settings)
    mended = find(store, "one")
    assert "" == mended.error
    assert mended.service is not None
    assert "mended" == mended.service.description
    assert good.id == mended.id


def test_a_vanished_service_is_archived_and_keeps_its_history(
    store: Store, settings: Settings
) -> None:
    folder = write_service(settings.services, "hello")
    sync(store, settings)
    deployment_id = request_deployment(store, settings)

    folder.rename(settings.services / ".gone")
    found = sync(store, settings)

    assert ("hello",) == found.archived
    assert [] == services.list_services(store)
    assert find(store, "hello").archived_at is not None
    assert [deployment_id] == [d.id for d in history.page(store, Filter("hello")).items]
    # Once is enough to say it.
    assert () == sync(store, settings).archived


def test_a_service_that_comes_back_is_the_same(
    store: Store, settings: Settings
) -> None:
    folder = write_service(settings.services, "hello")
    sync(store, settings)
    before = find(store, "hello")
    folder.rename(settings.services / ".gone")
    sync(store, settings)

    (settings.services / ".gone").rename(folder)
    assert ("hello",) == sync(store, settings).valid

    after = find(store, "hello")
    assert (before.id, None) == (after.id, after.archived_at)


def test_a_services_folder_that_cannot_be_read_archives_nothing(
    store: Store, settings: Settings
) -> None:
    write_service(settings.services, "hello")
    sync(store, settings)

    with pytest.raises(Invalid, match="FASTDEPLOY_SERVICES"):
        services.sync_services(
            store, settings.services / "nowhere", settings.var, "here", ROOT
        )

    assert find(store, "hello").archived_at is None


def test_who_may_not_sync_changes_nothing(store: Store, settings: Settings) -> None:
    write_service(settings.services, "hello")
    deployer = Actor("ada", frozenset({Permission.VIEW, Permission.DEPLOY}))

    with pytest.raises(NotAllowed):
        services.sync_services(store, settings.services, settings.var, "here", deployer)

    assert [] == services.list_services(store)


@pytest.mark.parametrize("name", ["nothing", "", "a\0b"])
def test_a_service_that_is_not_there_is_said(store: Store, name: str) -> None:
    with pytest.raises(NotFound, match="there is no service"):
        find(store, name)
    assert [] == history.page(store, Filter(name)).items


def test_the_list_has_the_latest_deployment_of_each(
    store: Store, settings: Settings
) -> None:
    write_service(settings.services, "hello")
    write_service(settings.services, "quiet")
    sync(store, settings)
    request_deployment(store, settings)
    latest = request_deployment(store, settings)

    assert {"hello": latest, "quiet": None} == {
        listed.entry.name: listed.latest.id if listed.latest else None
        for listed in services.list_services(store)
    }


def test_history_is_newest_first_in_pages(store: Store, settings: Settings) -> None:
    first, second, third = (request_deployment(store, settings) for _ in range(3))

    assert [third, second] == [d.id for d in history.page(store, limit=2).items]
    assert [first] == [d.id for d in history.page(store, before=second).items]
