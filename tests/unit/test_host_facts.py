"""The facts of a host that are kept, and how they are shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain import host_facts, inventory
from app.domain.inventory import InventoryHost
from app.web import host_fact_texts

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def read(action: str = "ansible.builtin.setup", **facts: object) -> Any:
    return host_facts.read({"task_action": action, "res": {"ansible_facts": facts}})


@pytest.mark.parametrize("action", ["setup", "gather_facts", "ansible.legacy.setup"])
def test_only_setup_gathers_facts(action: str) -> None:
    assert {"kernel": "6.1"} == read(action, ansible_kernel="6.1")
    assert read("ansible.builtin.set_fact", ansible_kernel="6.1") is None


@pytest.mark.parametrize("res", [None, [], {}, {"ansible_facts": []}, "text"])
def test_a_result_of_any_shape_is_read(res: object) -> None:
    assert host_facts.read({"task_action": "setup", "res": res}) is None


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 1.5, "", "x" * 10_000, [], [[]], {}, {"address": []}, "\0"],
)
def test_a_fact_of_any_type_can_be_stored(value: object) -> None:
    facts: dict[str, Any] = dict.fromkeys(host_facts.SOURCES, value)

    found = read(**facts)

    assert "\\u0000" not in json.dumps(found)
    assert len(json.dumps(found)) < 20_000
    assert list(host_fact_texts.rows(host_facts.merged({}, found), AT)) is not None


def test_facts_of_a_subset_are_merged_and_empty_ones_removed() -> None:
    known = {"kernel": "6.1", "ipv6": "fe80::1", "os": "Debian 12"}
    gathered = read(ansible_kernel="6.2", ansible_default_ipv6={})

    after = host_facts.merged(known, gathered)

    assert {"os": "Debian 12", "kernel": "6.2"} == after
    assert ["kernel", "ipv6"] == host_facts.changed(known, after)


def test_what_differs_in_each_run_is_not_a_change() -> None:
    mount = {"mount": "/", "size_total": 10, "size_available": 4}
    before = read(ansible_mounts=[mount], ansible_uptime_seconds=1)
    after = read(ansible_mounts=[mount | {"size_available": 3}],
                 ansible_uptime_seconds=2)  # fmt: skip

    assert [] == host_facts.changed(before, after)


def test_facts_are_shown_with_units() -> None:
    facts = read(
        ansible_distribution="Debian", ansible_distribution_version="12.5",
        ansible_distribution_release="bookworm", ansible_memtotal_mb=1000,
        ansible_memfree_mb=500, ansible_uptime_seconds=3600,
        ansible_reboot_pending=True,
        ansible_mounts=[{"mount": "/", "size_total": 2 * 10**9,
                         "size_available": 10**9, "device": "//user:pass@nas/x"}],
    )  # fmt: skip

    assert [
        ("Operating system", "Debian 12.5 (bookworm)"),
        ("Up since", "2026-05-04 11:00:00 UTC"),
        ("Reboot", "pending"),
        ("Memory", "1.0 GB, 524 MB free"),
        ("Disks", "/ 2.0 GB, 1.0 GB free"),
    ] == list(host_fact_texts.rows(facts, AT))
    assert "pass" not in json.dumps(facts)


@pytest.mark.parametrize("listed", [None, [], {"a": None}, {"": []}, {"a": "b"}])
def test_an_inventory_of_any_shape_is_read(listed: object) -> None:
    assert () == inventory.read({"inventory": listed})


def test_an_inventory_is_sorted() -> None:
    data = {"inventory": {"b": ["y", "x", 1], "a\0": []}}

    assert (
        InventoryHost("a\N{REPLACEMENT CHARACTER}"),
        InventoryHost("b", ("x", "y")),
    ) == inventory.read(data)
