"""Hosts: what runs record about them, and the lists and timelines that show it."""

from typing import Any

import pytest

from app.domain.deployment import Status
from app.domain.events import TaskResult
from app.domain.host import NOT_REACHED, HostStatus
from app.errors import Conflict, NotFound
from app.settings import Settings
from app.store.host_search import HostFilter
from app.store.hosts import Host
from app.store.store import Store
from app.usecases import hosts
from testing.factories import (
    begins,
    ends,
    recaps,
)
from testing.host_runs import (
    gathers,
    inventory,
    make_playbook_service,
    run_on_hosts,
    with_fields,
)

SHOP = make_playbook_service("shop/site@production")
CHANGED, FAILED = TaskResult.CHANGED, TaskResult.FAILED


def names(store: Store, **wanted: Any) -> list[str]:
    return [host.name for host in hosts.page(store, HostFilter(**wanted)).hosts]


def host(store: Store, name: str, project: str = "") -> Host:
    return hosts.find(store, name, project).host


def versions(store: Store) -> dict[str, str]:
    found = hosts.page(store, HostFilter()).hosts
    return {host.name: host.services[0].version for host in found}


def test_an_inventory_names_hosts_that_no_run_has_reached(
    store: Store, settings: Settings
) -> None:
    run_on_hosts(
        store, settings, SHOP,
        inventory(web1=["web"], web2=["web", "blue"], db1=[]),
        begins("Copy"), ends("Copy", "web1"), recaps(ok={"web1": 1}),
    )  # fmt: skip

    assert ["db1", "web1", "web2"] == names(store)
    assert ["web1", "web2"] == names(store, group="web")
    assert ["db1", "web2"] == names(store, status=NOT_REACHED)
    assert ["web1"] == names(store, status="ok", environment="production")
    assert ["web2"] == names(store, text="BLUE")
    assert [] == names(store, environment="staging")
    found = host(store, "web2")
    assert ["blue", "web"] == list(found.groups)
    assert ["production"] == found.environments
    assert found.named


def test_a_host_that_left_the_inventory_is_marked(
    store: Store, settings: Settings
) -> None:
    run_on_hosts(store, settings, SHOP, inventory(web1=["web"], web2=["web"]))
    run_on_hosts(store, settings, SHOP, inventory(web1=["new"]))

    assert host(store, "web2").named is False
    assert host(store, "web1").named is True
    assert ["new"] == list(host(store, "web1").groups)


def test_a_limited_or_failed_host_keeps_the_version_that_it_runs(
    store: Store, settings: Settings
) -> None:
    all_hosts = [ends("Copy", name, CHANGED) for name in ("web1", "web2", "web3")]
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), *all_hosts,
        recaps(changed={"web1": 1, "web2": 1, "web3": 1}), version="1.4.0",
    )  # fmt: skip
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), *all_hosts[1:],
        recaps(changed={"web2": 1, "web3": 1}), version="1.4.1", limit="web2,web3",
    )  # fmt: skip
    failed = run_on_hosts(
        store, settings, SHOP, begins("Copy"), ends("Copy", "web1", CHANGED),
        ends("Copy", "web2", CHANGED), ends("Copy", "web3", FAILED),
        recaps(changed={"web1": 1, "web2": 1}, failures={"web3": 1}),
        version="1.4.2", exit_code=2,
    )  # fmt: skip

    assert {"web1": "1.4.2", "web2": "1.4.2", "web3": "1.4.1"} == versions(store)
    web3 = host(store, "web3")
    assert HostStatus.FAILED is web3.status
    assert failed == web3.last_deployment == web3.services[0].last[HostStatus.FAILED]
    assert "shop/site@production" == web3.last_service
    assert ["web3"] == names(store, status="failed", service="shop/site@production")


@pytest.mark.parametrize(
    "option",
    [{"check": True}, {"tags": ["config"]}, {"start_at_task": "Copy"}],
    ids=str,
)
def test_a_run_without_all_tasks_brings_no_version(
    store: Store, settings: Settings, option: dict[str, Any]
) -> None:
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), ends("Copy", "web1", CHANGED),
        recaps(changed={"web1": 1}), version="2.0", **option,
    )  # fmt: skip

    assert {"web1": ""} == versions(store)
    assert HostStatus.CHANGED is host(store, "web1").status


def test_a_play_that_ends_for_all_hosts_brings_none_of_them_the_version(
    store: Store, settings: Settings
) -> None:
    """With any_errors_fatal, a host without a failure misses the later tasks."""
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), ends("Copy", "web1", CHANGED),
        with_fields(ends("Copy", "web2", FAILED), ends_play=True),
        recaps(changed={"web1": 1}, failures={"web2": 1}), version="2.0", exit_code=2,
    )  # fmt: skip

    assert {"web1": "", "web2": ""} == versions(store)


def test_a_host_that_the_last_play_did_not_reach_keeps_its_version(
    store: Store, settings: Settings
) -> None:
    run_on_hosts(
        store, settings, SHOP,
        begins("Prepare", play_uuid="one"),
        ends("Prepare", "web1"), ends("Prepare", "web2"), ends("Prepare", "web3"),
        begins("Copy", play_uuid="two"), ends("Copy", "web1", CHANGED),
        begins("Copy", play_uuid="two_2"), ends("Copy", "web2", FAILED),
        recaps(ok={"web1": 2, "web2": 1, "web3": 1}, failures={"web2": 1}),
        version="2.0", exit_code=2,
    )  # fmt: skip

    assert {"web1": "2.0", "web2": "", "web3": ""} == versions(store)


def test_without_a_recap_the_last_result_of_a_host_decides(
    store: Store, settings: Settings
) -> None:
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), ends("Copy", "web1", FAILED),
        ends("Rescue", "web1"), ends("Copy", "web2", TaskResult.UNREACHABLE),
        version="2.0", status=Status.CANCELED,
    )  # fmt: skip

    assert HostStatus.OK is host(store, "web1").status
    assert HostStatus.UNREACHABLE is host(store, "web2").status
    assert {"web1": "", "web2": ""} == versions(store)


def test_a_rescued_failure_is_none(store: Store, settings: Settings) -> None:
    run_on_hosts(
        store, settings, SHOP, begins("Copy"), ends("Copy", "web1", FAILED),
        ends("Rescue", "web1", CHANGED), recaps(changed={"web1": 1},
        rescued={"web1": 1}), version="3",
    )  # fmt: skip

    assert HostStatus.CHANGED is host(store, "web1").status
    assert {"web1": "3"} == versions(store)


def test_two_projects_have_hosts_of_the_same_name(
    store: Store, settings: Settings
) -> None:
    done = [begins("Copy"), ends("Copy", "web1"), recaps(ok={"web1": 1})]
    run_on_hosts(store, settings, SHOP, *done, version="1")
    run_on_hosts(store, settings, make_playbook_service("wiki"), *done)

    assert ["web1", "web1"] == names(store)
    assert ["web1"] == names(store, project="wiki")
    assert "wiki" == host(store, "web1", "wiki").services[0].service
    with pytest.raises(Conflict, match="shop, wiki"):
        hosts.find(store, "web1")
    with pytest.raises(NotFound, match="no host 'web1' of other"):
        hosts.find(store, "web1", "other")


def test_facts_are_kept_with_what_differs(store: Store, settings: Settings) -> None:
    first = run_on_hosts(
        store, settings, SHOP,
        gathers("web1", ansible_kernel="6.1.0-18", ansible_uptime_seconds=60,
                ansible_default_ipv4={"address": "10.0.0.5"}),
    )  # fmt: skip
    second = run_on_hosts(
        store, settings, SHOP,
        gathers("web1", ansible_kernel="6.1.0-21", ansible_uptime_seconds=5,
                ansible_distribution="Debian", ansible_distribution_version="12.5"),
    )  # fmt: skip

    view = hosts.find(store, "web1")
    assert first < second == view.host.facts_deployment
    assert {
        "os": "Debian 12.5",
        "kernel": "6.1.0-21",
        "ipv4": "10.0.0.5",
        "uptime_seconds": 5,
    } == view.host.facts
    assert [
        (
            {"os": None, "kernel": "6.1.0-18"},
            {"os": "Debian 12.5", "kernel": "6.1.0-21"},
        )
    ] == [(each.before, each.after) for each in view.fact_changes]
    assert ["web1"] == names(store, text="10.0.0.5") == names(store, text="debian 12")


def test_secret_prone_facts_are_never_kept(store: Store, settings: Settings) -> None:
    run_on_hosts(
        store, settings, SHOP,
        gathers("web1", ansible_kernel="6.1", ansible_env={"TOKEN": "sesame"},
                ansible_local={"app": {"password": "sesame"}},
                ansible_cmdline={"key": "sesame"}, password="sesame"),
        ends("Look", "web1", ansible_facts={"ansible_kernel": "forged"}),
    )  # fmt: skip

    assert {"kernel": "6.1"} == host(store, "web1").facts


def test_a_host_page_shows_what_is_owed(store: Store, settings: Settings) -> None:
    run_on_hosts(
        store, settings, SHOP, begins("Configure"),
        with_fields(ends("Configure", "web1", CHANGED), notified=["restart"]),
        ends("Break", "web1", FAILED), exit_code=2,
    )  # fmt: skip

    assert ["restart"] == [each.handler for each in hosts.find(store, "web1").owed]


def test_an_unknown_host_is_an_error(store: Store) -> None:
    with pytest.raises(NotFound, match="no host 'web1'"):
        hosts.scopes_of(store, "web1")


def test_a_page_after_the_last_one_is_the_last_one(
    store: Store, settings: Settings
) -> None:
    run_on_hosts(store, settings, SHOP, inventory(web1=["Küche"], WEB2=["bar"]))

    for wanted in (HostFilter(), HostFilter(text="KÜCHE"), HostFilter(text="web2")):
        first = hosts.page(store, wanted)

        assert first == hosts.page(store, wanted, 9)
        assert (
            (2 if wanted == HostFilter() else 1) == first.matching == len(first.hosts)
        )
    assert ["web1"] == names(store, text="KÜCHE")
    assert ["WEB2"] == names(store, text="web2 B")
