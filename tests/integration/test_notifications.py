"""Messages are written with the end of a deployment, and each is claimed once."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text, update

from app.domain.access import Actor, Permission
from app.domain.deployment import Status
from app.domain.events import TaskResult
from app.domain.notification import MessageState
from app.errors import Conflict, NotAllowed, NotFound
from app.settings import Settings
from app.store import notifications as rows
from app.store.notification_tables import notifications as table
from app.store.store import Store
from app.usecases import channels, deploy, notification_messages, notifications, record
from testing.factories import (
    ROOT,
    begins,
    ends,
    make_schema,
    make_service,
    recaps,
    record_lines,
    set_columns,
    start_deployment,
)
from testing.notification_rows import ALL, claim, finish, run, written


def test_a_failure_and_the_recovery_are_written_once_for_each_channel(
    store: Store, settings: Settings
) -> None:
    rules = [
        {"on": ["failed", "recovered"], "to": "ops"},
        {"on": ["failed"], "to": "ops"},
        {"on": ["failed"], "to": "chat"},
    ]

    for exit_code in (0, 1, 2, 0, 0):
        run(store, settings, exit_code, notify=rules)

    assert [
        (2, "failed", "ops"), (2, "failed", "chat"), (3, "failed", "ops"),
        (3, "failed", "chat"), (4, "recovered", "ops"),
    ] == written(store)  # fmt: skip
    with store.begin() as db:
        notifications.note_end(db, deploy.find(store, 2), Status.FAILED)
    assert 5 == len(written(store))


def test_a_recovery_is_compared_with_the_last_deployment_that_counts(
    store: Store, settings: Settings
) -> None:
    failed = run(store, settings, 1)
    run(store, settings, None)
    check = start_deployment(store, settings, make_service(notify=ALL)).id
    with store.begin() as db:
        set_columns(db, check, partial=True)
    record.finish(store, check, 0)
    run(store, settings, 0, name="other")
    well = run(store, settings, 0)

    assert [
        (failed, "failed", "ops"), (well, "recovered", "ops")
    ] == written(store)  # fmt: skip


def test_the_order_of_the_ends_counts_not_that_of_the_launches(
    store: Store, settings: Settings
) -> None:
    """A queued deployment of a higher priority overtakes the one before it."""
    first = start_deployment(store, settings, make_service(notify=ALL)).id
    urgent = start_deployment(store, settings, make_service(notify=ALL)).id
    record.finish(store, urgent, 1)

    record.finish(store, first, 0)

    assert [(urgent, "failed", "ops"), (first, "recovered", "ops")] == written(store)


def test_a_message_is_only_written_if_the_end_is(
    store: Store, settings: Settings
) -> None:
    started = start_deployment(store, settings, make_service(notify=ALL))
    with store.begin() as db:
        db.execute(text("ALTER TABLE notifications RENAME TO elsewhere"))

    with pytest.raises(Exception, match="notifications"):
        record.finish(store, started.id, 1)

    with store.begin() as db:
        db.execute(text("ALTER TABLE elsewhere RENAME TO notifications"))
    assert Status.RUNNING is deploy.find(store, started.id).status
    record.finish(store, started.id, 1)
    assert [(started.id, "failed", "ops")] == written(store)


def test_a_message_is_claimed_by_one_worker_and_a_channel_has_one_at_a_time(
    store: Store, settings: Settings
) -> None:
    rules = [*ALL, {"on": ["failed"], "to": "chat"}]
    run(store, settings, 1, notify=rules)
    run(store, settings, 1, notify=rules)

    claimed = [claim(store, "a"), claim(store, "b"), claim(store, "a")]

    first, second, none = claimed
    assert first is not None
    assert second is not None
    assert none is None
    assert {"ops", "chat"} == {first.channel, second.channel}
    assert finish(store, first, MessageState.SENT)
    third = claim(store)
    assert third is not None
    assert (first.channel, 2) == (third.channel, third.deployment_id)


def test_what_a_killed_worker_was_sending_is_sent_again_with_the_same_key(
    store: Store, settings: Settings
) -> None:
    run(store, settings, 1)
    before = claim(store, "killed")
    assert before is not None
    assert claim(store) is None
    with store.begin() as db:
        assert 0 == rows.release(db, "other")
        assert 1 == rows.release(db, "killed")

    after = claim(store)

    assert after is not None
    assert (before.id, before.key, 2) == (after.id, after.key, after.attempts)
    # What the first worker stores now, after all, is too late.
    assert not finish(store, before, MessageState.FAILED)
    with store.begin() as db:
        db.execute(update(table).values(next_at=datetime.now(UTC)))
    assert claim(store) is not None  # Nobody has released it, but its time is over.


def test_a_message_that_failed_is_sent_again_by_those_who_may(
    store: Store, settings: Settings
) -> None:
    run(store, settings, 1)
    claimed = claim(store)
    assert claimed is not None
    with pytest.raises(Conflict, match="is sending"):
        channels.send_again(store, ROOT, claimed.id)
    finish(store, claimed, MessageState.FAILED)
    assert claim(store) is None
    viewer = Actor("viewer", frozenset({Permission.VIEW, Permission.DEPLOY}))
    with pytest.raises(NotAllowed):
        channels.send_again(store, viewer, claimed.id)
    with pytest.raises(NotFound):
        channels.send_again(store, ROOT, 4242)

    channels.send_again(store, ROOT, claimed.id)

    again = claim(store)
    assert again is not None
    assert (claimed.key, 1, "") == (again.key, again.attempts, again.error)


def test_thirty_failed_hosts_are_one_message_with_what_changed_since_it_passed(
    store: Store, settings: Settings
) -> None:
    service = make_service(
        deploy_script=None,
        playbook="site.yml",
        steps=[],
        notify=ALL,
        variables=make_schema(version={"type": "string"}),
    )
    well = start_deployment(store, settings, service, given={"version": "1.0"}).id
    record_lines(store, well, begins("Install"), ends("Install", "web1"),
                 recaps(ok={"web1": 1}))  # fmt: skip
    record.finish(store, well, 0)
    hosts = [f"web{n:02}" for n in range(1, 31)]
    failed = start_deployment(store, settings, service, given={"version": "1.1"}).id
    hostile = "<script>alert(1)</script> @channel [x](http://evil)\r\nBcc: evil"
    record_lines(
        store,
        failed,
        begins("Install"),
        *(ends("Install", each, TaskResult.FAILED, msg=hostile) for each in hosts),
        recaps(failures=dict.fromkeys(hosts, 1)),
    )
    record.finish(store, failed, 2)

    assert 1 == len(written(store))
    claimed = claim(store)
    assert claimed is not None
    message = notification_messages.compose(store, "https://fd.example.org", claimed)

    assert f"hello failed on web01, web02, web03 and 27 more (#{failed})" == (
        message.title
    )
    for part in (
        f"https://fd.example.org/deployments/{failed}",
        "30 hosts: web01, web02, web03 and 27 more",
        "host web01, task Install",
        "and 27 more failures",
        f"It last passed in deployment {well}. Since then:",
        "version: 1.0 → 1.1",
        "script",
    ):
        assert part in message.text, message.text
    assert not any(each in message.text for each in ("<script", "@channel", "](http"))
    data = message.data
    assert (30, hosts, "web01", "Install") == (
        data["failed_hosts_count"],
        data["failed_hosts"],
        data["failures"][0]["host"],
        data["failures"][0]["task"],
    )
    assert [{"name": "version", "before": "1.0", "now": "1.1"}] == data["changes"]
    assert (claimed.key, "failed", well) == (
        data["id"],
        data["event"],
        data["last_successful"],
    )
