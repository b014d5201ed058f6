"""Deployments that change the same file at the same time claim no edit outside."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.domain.deployment import Deployment
from app.errors import NothingToReport
from app.settings import Settings
from app.store import files, hosts
from app.store.files import Version
from app.store.store import Store
from app.usecases import deploy, file_versions, notification_messages, record
from testing.factories import NOW, make_runner_line, make_service, start_deployment
from testing.notification_rows import claim, written
from testing.recording import take_in

NOTIFY = [{"on": ["edited-outside"], "to": "ops"}]
SERVICES = {
    name: make_service(
        name=f"shop/{name}@production", deploy_script=None, playbook="site.yml",
        steps=[], notify=NOTIFY,
    )
    for name in ("a", "b", "c")
}  # fmt: skip
MOTD = "/etc/motd"
#: A deployment that changed the file, the text before and after.
Change = tuple[str, str, str]


def _line(before: str | None, after: str | None, start: float) -> bytes:
    diff: dict[str, object] = {"before_header": MOTD, "before": before, "after": after}
    if before is None:
        removed = {"path": MOTD, "state": "file"}, {"path": MOTD, "state": "absent"}
        diff = dict(zip(("before", "after"), removed, strict=True))
    return make_runner_line(
        event_data={
            "task": "Write", "host": "web1", "res": {"changed": True, "diff": diff},
            "start": (NOW + timedelta(seconds=start)).isoformat(),
        }
    )  # fmt: skip


def _takes_in(
    store: Store, settings: Settings, changes: Sequence[Change], *, took: float = 0.5
) -> dict[str, Deployment]:
    """Take in a change per second; return the deployments by their letters."""
    runs = {
        name: start_deployment(store, settings, SERVICES[name]).id
        for name in sorted({name for name, _, _ in changes})
    }
    for second, (name, before, after) in enumerate(changes, start=1):
        line = _line(None if after == "-" else before, after, second - took)
        take_in(store, runs[name], line, at=NOW + timedelta(seconds=second))
    return {name: deploy.find(store, number) for name, number in runs.items()}


def _versions(store: Store) -> list[Version]:
    with store.begin() as db:
        found = hosts.find(db, "web1", "shop")
        return [each for h in found for each in files.find(db, h.id, MOTD)]


def _shown(store: Store) -> str:
    """Return the text of each version with the service; `!` marks an edit outside."""
    return " ".join(
        f"{each.service[5]}:{each.text or '-'}{'!' * (each.kind == 'outside')}"
        for each in _versions(store)
    )


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ("a12 b23", "a:1 a:2 b:3"),
        ("a12 a23 b34", "a:1 a:2 a:3 b:4"),
        ("a12 b23 a34", "a:1 a:2 b:3 a:4"),
        ("a12 b23 a34 b45", "a:1 a:2 b:3 a:4 b:5"),
        ("b01 a12 b21", "b:0 b:1 a:2 b:1"),
        ("c01 a1- b-3", "c:0 c:1 a:- b:3"),
        ("b01 a12 b97", "b:0 b:1 a:2 b:9! b:7"),
    ],
)
def test_the_order_of_recording_does_not_matter(
    store: Store, settings: Settings, order: str, changes: str, shown: str
) -> None:
    each = [(one[0], one[1].strip("-"), one[2]) for one in changes.split()]
    runs = _takes_in(store, settings, each)

    for name in ("c", *order):
        if name in runs:
            file_versions.record(store, runs[name])

    assert shown == _shown(store)


def test_a_late_change_explains_what_two_others_have_found(
    store: Store, settings: Settings
) -> None:
    changes = [("a", "0", "1"), ("b", "1", "2"), ("c", "2", "3")]
    runs = _takes_in(store, settings, changes)

    for name in "cab":
        file_versions.record(store, runs[name])

    assert "a:0 a:1 b:2 c:3" == _shown(store)
    assert [None] * 4 == [each.since for each in _versions(store)]
    assert [1, 1, 2, 3] == [(each.at - NOW).seconds for each in _versions(store)]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_two_that_found_the_same_content_claim_no_edit(
    store: Store, settings: Settings, order: str
) -> None:
    runs = _takes_in(store, settings, [("a", "1", "2"), ("b", "1", "3")], took=2)

    for name in order:
        file_versions.record(store, runs[name])

    assert "a:1 a:2 b:3" == _shown(store).replace("b:1", "a:1")


def test_a_change_after_an_edit_does_not_explain_it(
    store: Store, settings: Settings
) -> None:
    """It begins after the other deployment has found the edit."""
    changes = [("a", "0", "1"), ("b", "2", "3"), ("c", "1", "2")]
    runs = _takes_in(store, settings, changes)

    for name in "abc":
        file_versions.record(store, runs[name])

    assert "a:0 a:1 b:2! b:3 c:1! c:2" == _shown(store)


def test_the_end_of_a_deployment_records_changes_that_explain_what_it_found(
    store: Store, settings: Settings
) -> None:
    changes = [("c", "0", "1"), ("a", "1", "2"), ("b", "2", "3")]
    runs = _takes_in(store, settings, changes)
    file_versions.record(store, runs["c"])

    record.finish(store, runs["b"].id, 0)

    assert "c:0 c:1 a:2 b:3" == _shown(store)
    assert [] == written(store)


def test_a_message_about_edits_that_are_explained_by_now_is_not_sent(
    store: Store, settings: Settings
) -> None:
    """The other deployment runs on a node that was slower to record its events."""
    runs = _takes_in(store, settings, [("c", "0", "1"), ("b", "2", "3")])
    file_versions.record(store, runs["c"])
    record.finish(store, runs["b"].id, 0)
    late = start_deployment(store, settings, SERVICES["a"]).id
    take_in(store, late, _line("1", "2", 1.2), at=NOW + timedelta(seconds=1.5))
    file_versions.record(store, deploy.find(store, late))

    claimed = claim(store)

    assert claimed is not None
    with pytest.raises(NothingToReport):
        notification_messages.compose(store, "", claimed)
