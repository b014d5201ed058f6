"""Two hosts, or one host at two times, side by side: facts, versions and files."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.access import Role
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import host_comparison
from app.usecases.host_comparison import PAGE, HostAt
from testing.factories import NOW, begins, ends, recaps
from testing.host_runs import gathers, make_playbook_service, run_on_hosts
from testing.web_client import ClientFor

if TYPE_CHECKING:
    from starlette.testclient import TestClient

SHOP = make_playbook_service("shop/site@production")
API = "/api/v1/compare-hosts"
#: Digests of two contents, with keys of one project.
ONE, TWO = (f"0123abcd:{digit * 32}" for digit in "12")


@pytest.fixture
def viewer(client_for: ClientFor) -> "TestClient":
    return client_for(Role.VIEWER)


def _writes(host: str, path: str, text: str | None, digest: str = "") -> bytes:
    """Return a line: a task has created a file; None is a binary one."""
    diff: dict[str, object] = {"before_header": path, "before": "", "after": text}
    if text is None:
        diff = {"before_header": path, "dst_binary": 1, "src_binary": 1}
    event = json.loads(ends("Configure", host, TaskResult.CHANGED, diff=diff))
    return json.dumps(event | {"file_digests": [digest, digest]}).encode()


def _removes(host: str, path: str) -> bytes:
    before, after = ({"path": path, "state": s} for s in ("file", "absent"))
    diff = {"before": before, "after": after}
    return ends("Clean up", host, TaskResult.CHANGED, diff=diff)


def _run(store: Store, settings: Settings, *lines: bytes, **options: Any) -> int:
    """Record a deployment that ended well on web1 and web2."""
    return run_on_hosts(
        store, settings, options.pop("service", SHOP), begins("Configure"), *lines,
        recaps(changed={"web1": 1, "web2": 1}), **options,
    )  # fmt: skip


def _files(found: Any) -> dict[str, str]:
    return {each["path"]: each["difference"] for each in found["files"]}


def test_facts_versions_and_files_that_differ_are_side_by_side(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    first = _run(
        store, settings,
        gathers("web1", ansible_kernel="6.1", ansible_memfree_mb=1,
                ansible_architecture="x86_64"),
        gathers("web2", ansible_kernel="6.<2>", ansible_memfree_mb=2,
                ansible_architecture="x86_64"),
        *(_writes(host, "/etc/same", "a\n") for host in ("web1", "web2")),
        _writes("web1", "/etc/other", "a\n"), _writes("web2", "/etc/other", "<b>\n"),
        _writes("web1", "/etc/one", "a"), _writes("web2", "/etc/two", "a"),
        _writes("web1", "/etc/gone", "a"), _removes("web1", "/etc/gone"),
        *(_writes(host, "/etc/binary", None) for host in ("web1", "web2")),
        version="1.0",
    )  # fmt: skip
    second = _run(store, settings, ends("Copy", "web2"), version="1.1", limit="web2")

    found = viewer.get(f"{API}?a=web1&b=web2").json()
    page = viewer.get("/compare-hosts?a=web1&b=web2").text

    assert [{"name": "kernel", "a": "6.1", "b": "6.<2>"}] == found["facts"]
    assert [
        {
            "service": SHOP.name,
            "a": {"version": "1.0", "deployment": first},
            "b": {"version": "1.1", "deployment": second},
        }
    ] == found["services"]
    assert {
        "/etc/binary": "unknown",
        "/etc/one": "only_a",
        "/etc/other": "differs",
        "/etc/two": "only_b",
    } == _files(found)
    assert ["-a", "+<b>"] == found["files"][2]["diff"][-2:]
    assert "6.&lt;2&gt;" in page
    assert "+&lt;b&gt;" in page
    assert "/etc/same" not in page
    swapped = viewer.get("/compare-hosts?a=web2&b=web1").text
    assert "-&lt;b&gt;" in swapped


def test_masked_texts_are_compared_by_their_digests(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    masked = "password: ********\n"
    _run(
        store, settings,
        _writes("web1", "/etc/same", masked, ONE),
        _writes("web2", "/etc/same", masked, ONE),
        _writes("web1", "/etc/secret", masked, ONE),
        _writes("web2", "/etc/secret", masked, TWO),
        _writes("web1", "/etc/unknown", masked),
        _writes("web2", "/etc/unknown", masked),
    )  # fmt: skip

    found = viewer.get(f"{API}?a=web1&b=web2").json()

    assert {"/etc/secret": "differs", "/etc/unknown": "unknown"} == _files(found)
    assert all(each["secrets_alone"] for each in found["files"])
    page = viewer.get("/compare-hosts?a=web1&b=web2").text
    assert "It differs in masked secrets alone." in page


@pytest.fixture
def later(store: Store, settings: Settings) -> str:
    """A time between two deployments on web1."""
    _run(store, settings, gathers("web1", ansible_kernel="6.1"),
         _writes("web1", "/etc/motd", "one\n"), version="1.0")  # fmt: skip
    _run(store, settings, gathers("web1", ansible_kernel="6.2"),
         _writes("web1", "/etc/motd", "two\n"), _writes("web1", "/etc/new", "x"),
         version="1.1")  # fmt: skip
    return _postpone_last(store)


def _postpone_last(store: Store) -> str:
    """Let everything of the last deployment be an hour later; return a time between."""
    with store.begin() as db:
        for table, column, of in (
            ("file_versions", "at", "deployment"),
            ("host_fact_changes", "at", "deployment"),
            ("host_deployments", "began_at", "deployment_id"),
            ("host_deployments", "last_at", "deployment_id"),
        ):
            db.exec_driver_sql(
                f"UPDATE {table} SET {column} = {column} + interval '1 hour' "  # noqa: S608
                f"WHERE {of} = (SELECT max(id) FROM deployments)"
            )
        db.exec_driver_sql("UPDATE hosts SET facts_at = facts_at + interval '1 hour'")
    return f"{NOW + timedelta(minutes=30):%Y-%m-%dT%H:%M}"


def test_one_host_is_compared_at_two_times(viewer: "TestClient", later: str) -> None:
    found = viewer.get(f"{API}?a=web1&a_at={later}").json()

    assert ("web1", "web1") == (found["a"]["name"], found["b"]["name"])
    assert [{"name": "kernel", "a": "6.1", "b": "6.2"}] == found["facts"]
    assert [("1.0", "1.1")] == [
        (each["a"]["version"], each["b"]["version"]) for each in found["services"]
    ]
    assert {"/etc/motd": "differs", "/etc/new": "only_b"} == _files(found)
    assert ["-one", "+two"] == found["files"][0]["diff"][-2:]
    same = viewer.get(f"{API}?a=web1&a_at=2030-01-01").json()
    assert ([], []) == (same["facts"], same["files"])
    before = viewer.get(f"{API}?a=web1&a_at=2020-01-01").json()
    assert [None] == [each["a"] for each in before["services"]]
    assert {"/etc/motd": "only_b", "/etc/new": "only_b"} == _files(before)


def test_a_time_in_words_is_the_same_for_all_links_of_a_page(
    viewer: "TestClient", later: str
) -> None:
    found = viewer.get(f"{API}?a=web1&a_at=yesterday").json()
    page = viewer.get("/compare-hosts?a=web1&a_at=2+days+ago").text

    assert later
    today = datetime.now(UTC).date()
    assert f"{today - timedelta(days=1)}T00:00:00Z" == found["a"]["at"]
    assert f"b_at={today - timedelta(days=2)}T" in page
    assert "days+ago" not in page


def test_the_page_of_a_host_and_its_timeline_link_to_the_comparison(
    viewer: "TestClient", later: str
) -> None:
    page = viewer.get("/hosts/web1?project=shop").text

    assert later
    assert 'href="/compare-hosts?a=web1&amp;a_project=shop"' in page
    assert "a_at=2026-05-04T14%3A37%3A00%2B00%3A00" in page
    form = viewer.get("/compare-hosts?a=web1&a_project=shop").text
    assert 'value="web1"' in form
    assert "No file differs" not in form


def test_a_wrong_host_or_time_keeps_the_form_and_says_what_to_do(
    viewer: "TestClient", later: str
) -> None:
    unknown = viewer.get("/compare-hosts?a=web1&b=nothing").text
    wrong = viewer.get("/compare-hosts?a=web1&a_at=noon").text

    assert later
    assert "no host &#39;nothing&#39;" in unknown
    assert 'value="web1"' in unknown
    assert "must be a time such as" in wrong
    assert 404 == viewer.get(f"{API}?a=web1&b=nothing").status_code
    for query in ("", "?b=web1", "?a=web1&a_at=noon"):
        answer = viewer.get(API + query)
        assert 422 == answer.status_code
        assert "must" in answer.text
    assert 404 == viewer.get(f"{API}?a=%00").status_code
    assert [] == viewer.get(f"{API}?a=web1&a_at=2020-01-01&after=%00").json()["files"]


def test_the_files_are_read_in_pages(
    store: Store, settings: Settings, viewer: "TestClient"
) -> None:
    paths = [f"/etc/{number:02}" for number in range(PAGE + 1)]
    _run(store, settings, *(_writes("web1", path, "a") for path in paths),
         ends("Copy", "web2"))  # fmt: skip

    first = viewer.get(f"{API}?a=web1&b=web2").json()
    rest = viewer.get(f"{API}?a=web1&b=web2&after={first['after']}").json()

    assert paths == [each["path"] for each in first["files"] + rest["files"]]
    assert rest["after"] is None
    page = viewer.get("/compare-hosts?a=web1&b=web2").text
    assert "after=%2Fetc%2F24#files" in page


def test_a_file_of_a_hidden_service_is_not_compared(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("web1", "/etc/own", "a"), ends("Copy", "web2"))
    hidden = make_playbook_service("shop/db")
    _run(store, settings, _writes("web1", "/etc/hidden", "a"),
         ends("Copy", "web2"), service=hidden, version="9.9")  # fmt: skip
    sides = HostAt("web1"), HostAt("web2")

    limited = host_comparison.look(store.limited_to([["shop/site"]]), *sides)
    whole = host_comparison.look(store, *sides)

    assert ["/etc/own"] == [each.path for each in limited.files]
    assert [SHOP.name] == list(limited.services)
    assert ["/etc/hidden", "/etc/own"] == [each.path for each in whole.files]
