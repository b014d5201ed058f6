"""Versions of files: recording, pages, API, visibility and retention."""

from typing import TYPE_CHECKING, Any

import pytest

from app.domain.access import Role
from app.domain.events import TaskResult
from app.domain.file_history_key import FileHistory
from app.domain.service import Service
from app.settings import Settings
from app.store import files, hosts
from app.store.store import Store
from testing.factories import begins, ends, recaps
from testing.host_runs import make_playbook_service, run_on_hosts
from testing.web_client import ClientFor

if TYPE_CHECKING:
    from starlette.testclient import TestClient

SHOP = make_playbook_service("shop/site@production")
MOTD = "/etc/motd <1>"
PAGE = "/hosts/web1/files/etc/motd%20%3C1%3E?project=shop"


@pytest.fixture
def viewer(client_for: ClientFor) -> "TestClient":
    return client_for(Role.VIEWER)


def _writes(before: str | None, after: str | None, path: str = MOTD) -> bytes:
    """Return a line: a task changed a file on web1."""
    diff = {"before_header": path, "before": before, "after": after}
    known: dict[str, object] = {k: v for k, v in diff.items() if v is not None}
    if after is None:
        known["src_binary"] = 1
    return ends("Configure", "web1", TaskResult.CHANGED, diff=known)


def _run(
    store: Store, settings: Settings, *lines: bytes, service: Service = SHOP,
    **options: Any,
) -> int:  # fmt: skip
    return run_on_hosts(
        store, settings, service, begins("Configure"), *lines,
        recaps(changed={"web1": 1}), **options,
    )  # fmt: skip


def _edited(store: Store, settings: Settings) -> tuple[int, int]:
    """Record two deployments with an edit by hand between them."""
    first = _run(store, settings, _writes("", "a\nb\n"))
    return first, _run(store, settings, _writes("a\n<b>\n", "a\n<b>\nc\n"))


def test_a_page_shows_who_wrote_each_line(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    first, second = _edited(store, settings)

    page = viewer.get(PAGE).text

    assert "Edited outside FastDeploy between" in page
    assert "<code>&lt;b&gt;</code>" in page
    assert "+&lt;b&gt;" in page
    found = viewer.get(f"/api/v1{PAGE}").json()
    assert ["changed", "outside", "changed"] == [e["kind"] for e in found["versions"]]
    assert ["-b", "+<b>"] == found["versions"][1]["diff"][-2:]
    assert [
        ("a", "changed", first), ("<b>", "outside", second), ("c", "changed", second),
    ] == [
        (line["text"], line["kind"], line["deployment"]) for line in found["lines"]
    ]  # fmt: skip
    assert 404 == viewer.get("/api/v1/hosts/web1/files/etc/none").status_code


def test_the_list_of_files_is_searched(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    _run(store, settings, _writes("", "a", "/etc/a"), _writes("", "b", "/opt/b"))

    found = viewer.get("/api/v1/hosts/web1/files?project=shop&text=ETC").json()
    page = viewer.get("/hosts/web1/files?project=shop&text=opt").text

    assert ["/etc/a"] == [each["path"] for each in found]
    assert 'href="/hosts/web1/files/opt/b?project=shop"' in page
    assert "/etc/a" not in page


def test_edits_outside_are_on_the_timeline_and_the_deployment(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    first, second = _edited(store, settings)

    timeline = "/api/v1/hosts/web1/timeline?project=shop"
    every = viewer.get(timeline).json()
    only = viewer.get(f"{timeline}&outside=true").json()

    assert [second, first] == [each["deployment"] for each in every]
    assert [second] == [each["deployment"] for each in only]
    assert [MOTD] == [each["path"] for each in only[0]["outside"]]
    assert 422 == viewer.get(f"{timeline}&outside=no").status_code
    sentence = "was edited outside FastDeploy between"
    assert sentence in viewer.get("/hosts/web1?project=shop").text
    assert sentence in viewer.get(f"/deployments/{second}/changes").text
    assert sentence not in viewer.get(f"/deployments/{first}/changes").text


def test_hosts_and_deployments_are_filtered_by_edits_outside(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    _, second = _edited(store, settings)
    _run(store, settings, ends("Copy", "web2", TaskResult.CHANGED))

    hosts_found = viewer.get("/api/v1/hosts?outside=true").json()
    found = viewer.get("/api/v1/deployments?outside=true").json()

    assert ["web1"] == [each["name"] for each in hosts_found]
    assert [second] == [each["id"] for each in found]
    for path in ("/hosts", "/deployments"):
        assert "only with edits" in viewer.get(path).text
        assert 422 == viewer.get(f"/api/v1{path}?outside=no").status_code
        assert "must be true" in viewer.get(f"{path}?outside=no").text
    page = viewer.get("/hosts?outside=true").text
    assert "/hosts/web1?" in page
    assert "/hosts/web2?" not in page


def test_several_changes_of_a_file_in_one_batch_are_versions(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("0", "1"), _writes("1", "2"))
    _run(store, settings, _writes("2", None), _writes(None, "4"), _writes("4", "5"))

    found = _versions(store)

    assert ["0", "1", "2", None, "4", "5"] == [each.text for each in found]
    assert ["found", "changed", "changed", "unknown", "changed", "changed"] == [
        each.kind for each in found
    ]


def test_no_version_is_kept_of_a_check_or_of_an_excluded_file(
    store: Store, settings: Settings
) -> None:
    excluding = make_playbook_service("blog/site").model_copy(
        update={"file_history": FileHistory(exclude=("/etc/motd*",))}
    )
    off = make_playbook_service("wiki/site").model_copy(update={"file_history": False})

    _run(store, settings, _writes("", "a"), check=True)
    _run(store, settings, _writes("", "a"), service=excluding)
    _run(store, settings, _writes("", "a"), service=off)

    with store.begin() as db:
        for host in hosts.find(db, "web1"):
            assert 0 == files.count(db, host.id)


def test_a_file_is_visible_only_with_all_services_that_wrote_it(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("", "a"), _writes("", "x", "/etc/own"))
    _run(store, settings, _writes("a", "b"), service=make_playbook_service("shop/db"))

    with store.limited_to([["shop/site"]]).begin() as db:
        [host] = hosts.find(db, "web1")
        assert ["/etc/own"] == [each.path for each in files.listed(db, host.id)]
        assert [] == files.find(db, host.id, MOTD)
        assert "x" == files.find(db, host.id, "/etc/own")[0].text
    with store.limited_to([["shop/*"]]).begin() as db:
        assert 2 == files.count(db, host.id)


def test_retention_removes_the_oldest_contents_alone(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("", "one\n"), _writes("one\n", "two\n"))
    with store.begin() as db:
        assert 0 == files.prune(db, 1000, 10)
        assert 1 == files.prune(db, 30, 10)

    _run(store, settings, _writes("two\n", "three\n"))

    found = _versions(store)
    assert [None, "two\n", "three\n"] == [each.text for each in found]
    assert {"changed"} == {each.kind for each in found}


def _versions(store: Store) -> list[files.Version]:
    with store.begin() as db:
        [host] = hosts.find(db, "web1", "shop")
        return files.find(db, host.id, MOTD)
