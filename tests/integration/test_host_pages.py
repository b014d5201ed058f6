"""The pages of hosts and their API."""

from typing import TYPE_CHECKING

import pytest

from app.domain.access import Role
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.web.host_filters import host_url
from testing.factories import NOW, begins, ends, recaps
from testing.host_runs import (
    gathers,
    inventory,
    make_playbook_service,
    run_on_hosts,
)
from testing.web_client import ClientFor

if TYPE_CHECKING:
    from starlette.testclient import TestClient

SHOP = make_playbook_service("shop/site@production")
DIFF = {"before": "port: 80\n", "after": "port: <8080>\n"}


@pytest.fixture
def viewer(client_for: ClientFor) -> "TestClient":
    return client_for(Role.VIEWER)


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    """A deployment that changed web1, and whose inventory names web2, too."""
    return run_on_hosts(
        store, settings, SHOP,
        inventory(web1=["web"], web2=["web"]),
        gathers("web1", ansible_distribution="Debian", ansible_kernel="6.1",
                ansible_default_ipv4={"address": "10.0.0.5"}),
        begins("Configure"), ends("Configure", "web1", TaskResult.CHANGED, diff=DIFF),
        recaps(changed={"web1": 1}), version="1.4.2",
    )  # fmt: skip


def test_the_list_links_to_hosts_and_deployments(
    viewer: "TestClient", number: int
) -> None:
    page = viewer.get("/hosts").text

    assert 'href="/hosts/web1?project=shop"' in page
    assert f'href="/deployments/{number}/search?host=web1"' in page
    assert "1.4.2" in page
    assert "10.0.0.5" in page
    assert "2 hosts" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("text=debian", {"web1"}),
        ("status=not+reached", {"web2"}),
        ("environment=production&status=changed", {"web1"}),
        ("environment=production&group=web", {"web1", "web2"}),
        ("service=shop/site@production&text=%00", set()),
        ("project=wiki", set()),
    ],
)
def test_the_page_and_the_api_filter_alike(
    viewer: "TestClient", number: int, query: str, names: set[str]
) -> None:
    page = viewer.get(f"/hosts?{query}").text
    listed = viewer.get(f"/api/v1/hosts?{query}").json()

    assert number
    assert names == {each["name"] for each in listed}
    assert names == {name for name in ("web1", "web2") if f"/hosts/{name}?" in page}


def test_an_invalid_filter_says_what_is_valid(
    viewer: "TestClient", number: int
) -> None:
    assert number
    for path in (
        "/api/v1/hosts?status=green",
        "/api/v1/hosts/web1/timeline?since=noon",
    ):
        answer = viewer.get(path)
        assert 422 == answer.status_code
        assert "must be" in answer.text
    assert "must be one of ok, changed" in viewer.get("/hosts?status=green").text
    assert "must be a time such as" in viewer.get("/hosts/web1?since=noon").text


def test_what_changed_between_two_times_is_one_link(
    viewer: "TestClient", number: int
) -> None:
    hour = "since=2026-05-04T13:00&until=2026-05-04T14:00"
    later = "since=2026-05-04T14:00&until=2026-05-04T15:00"

    page = viewer.get(f"/hosts/web1?{hour}").text
    entries = viewer.get(f"/api/v1/hosts/web1/timeline?{hour}").json()

    assert "+port: &lt;8080&gt;" in page
    assert f'href="/deployments/{number}/results/' in page
    assert ["Configure"] == [c["task"] for e in entries for c in e["changes"]]
    assert NOW.isoformat() == entries[0]["changes"][0]["at"].replace("Z", "+00:00")
    assert "No matching deployments" in viewer.get(f"/hosts/web1?{later}").text
    assert [] == viewer.get(f"/api/v1/hosts/web1/timeline?{later}").json()


def test_a_host_has_its_facts_and_versions(viewer: "TestClient", number: int) -> None:
    page = viewer.get("/hosts/web1").text
    body = viewer.get("/api/v1/hosts/web1").json()

    assert "Operating system" in page
    assert "1.4.2" in page
    assert {"os": "Debian", "kernel": "6.1", "ipv4": "10.0.0.5"} == body["facts"]
    assert ("1.4.2", number) == (
        body["services"][0]["version"], body["services"][0]["version_deployment"],
    )  # fmt: skip


def test_hosts_of_the_same_name_are_distinguished(
    viewer: "TestClient", store: Store, settings: Settings, number: int
) -> None:
    wiki = make_playbook_service("wiki")
    run_on_hosts(store, settings, wiki, begins("Copy"), ends("Copy", "web1"))

    answer = viewer.get("/hosts/web1", follow_redirects=False)

    assert (303, "/hosts?text=web1") == (
        answer.status_code, answer.headers["Location"]
    )  # fmt: skip
    assert 409 == viewer.get("/api/v1/hosts/web1").status_code
    assert "wiki" == viewer.get("/api/v1/hosts/web1?project=wiki").json()["project"]
    assert f"#{number}" in viewer.get("/hosts/web1?project=shop").text


def test_a_name_with_any_character_has_a_page(
    viewer: "TestClient", store: Store, settings: Settings
) -> None:
    names = ["/srv/chroot", "[::1]:22", "100%", "a b?c#d&e", "<i>", "wéb"]
    run_on_hosts(
        store,
        settings,
        SHOP,
        begins("Copy"),
        *(ends("Copy", name, TaskResult.CHANGED) for name in names),
    )

    for name in names:
        answer = viewer.get(host_url(name, "shop"))
        assert 200 == answer.status_code, name
        assert "<i>" not in answer.text
        api = viewer.get("/api/v1" + host_url(name, "shop").replace("?", "/timeline?"))
        assert ["Copy"] == [
            change["task"] for entry in api.json() for change in entry["changes"]
        ]


def test_an_unknown_host_is_not_found(viewer: "TestClient") -> None:
    for path in ("/hosts/web9", "/api/v1/hosts/web9", "/api/v1/hosts/web9/timeline"):
        answer = viewer.get(path)
        assert 404 == answer.status_code
        assert "no host" in answer.text
