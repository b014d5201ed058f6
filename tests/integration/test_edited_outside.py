"""A deployment that finds a file edited outside FastDeploy notifies of it."""

from typing import Any

import pytest

from app.domain.deployment import Status
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import notification_messages, record
from testing.factories import begins, ends, make_service, recaps
from testing.host_runs import run_on_hosts
from testing.notification_rows import claim, written

SHOP = make_service(
    name="shop/site@production",
    deploy_script=None,
    playbook="site.yml",
    steps=[],
    options=["check", "limit"],
    notify=[
        {"on": ["edited-outside", "failed"], "to": "ops"},
        {"on": ["edited-outside"], "to": "security"},
    ],
)
MOTD = "/etc/motd <b>"


def _writes(before: str, after: str, path: str = MOTD, host: str = "web1") -> bytes:
    diff = {"before_header": path, "before": before, "after": after}
    return ends("Configure", host, TaskResult.CHANGED, diff=diff)


def _run(store: Store, settings: Settings, *lines: bytes, **how: Any) -> int:
    end = recaps(changed={"web1": 1, "web2": 1})
    begin = begins("Configure")
    return run_on_hosts(store, settings, SHOP, begin, *lines, end, **how)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="successful"),
        pytest.param({"status": Status.CANCELED}, id="canceled"),
        pytest.param({"limit": "web1"}, id="partial"),
    ],
)
def test_each_channel_gets_one_message_of_a_deployment_that_found_edits(
    store: Store, settings: Settings, how: dict[str, Any]
) -> None:
    _run(store, settings, _writes("", "a\n"), _writes("", "a\n", "/etc/hosts"))
    assert [] == written(store)

    number = _run(
        store, settings, _writes("b\n", "c\n"), _writes("b\n", "c\n", "/etc/hosts"),
        **how,
    )  # fmt: skip
    _run(store, settings, _writes("c\n", "d\n"))

    event = "edited-outside"
    assert [(number, event, "ops"), (number, event, "security")] == written(store)


def test_a_check_finds_no_edit(store: Store, settings: Settings) -> None:
    _run(store, settings, _writes("", "a\n"))
    _run(store, settings, _writes("b\n", "c\n"), check=True)

    assert [] == written(store)


def test_the_end_that_is_recorded_twice_writes_one_message(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("", "a\n"))
    number = _run(store, settings, _writes("b\n", "c\n"))

    record.finish(store, number, 0)

    assert 2 == len(written(store))


def test_the_message_names_hosts_and_files_and_links_to_the_changes(
    store: Store, settings: Settings
) -> None:
    _run(store, settings, _writes("", "a\n"), _writes("", "a\n", host="web2"))
    number = _run(
        store, settings, _writes("b\n", "c\n"), _writes("b\n", "c\n", host="web2")
    )

    claimed = claim(store)
    assert claimed is not None
    found = notification_messages.compose(store, "https://fd.example.org", claimed)

    assert (
        "shop/site@production: files were edited outside FastDeploy on web1, web2 "
        f"(#{number})"
    ) == found.title.replace("\u2060", "")
    changes = f"https://fd.example.org/deployments/{number}/changes"
    for part in (changes, "/etc/motd \u2039b\u203a on web1, between 2026-05-04 13:37"):
        assert part in found.text
    assert changes == found.data["changes_url"]
    assert (["web1", "web2"], 2) == (
        found.data["edited_hosts"], found.data["edited_files_count"],
    )  # fmt: skip
    assert [(MOTD, "web1"), (MOTD, "web2")] == [
        (each["file"], each["host"]) for each in found.data["edited_files"]
    ]
