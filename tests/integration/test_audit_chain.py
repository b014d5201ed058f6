"""The hash chain of the audit log: what is written stays, and changes are noticed."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.audit_chain import Link
from app.settings import Settings
from app.store import audit as stored
from app.store.access_tables import audit_chain, audit_forwarding
from app.store.store import Store
from app.usecases import audit
from app.usecases.retention import prune
from app.worker.audit_syslog import AuditSyslog
from testing.factories import ROOT

ADA = Actor("ada", frozenset(Permission), address="192.0.2.1")


def note(store: Store, *subjects: str) -> None:
    for subject in subjects:
        with store.begin() as db:
            stored.note(
                db, ADA, Action.SET_ROLE, subject, changes={"role": ("a", "ü\n1.50")}
            )


def run(store: Store, statement: str) -> None:
    """Run SQL as somebody who may switch the triggers off."""
    with store.begin() as db:
        db.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        db.execute(text(statement))
        db.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))


def problem(store: Store, known: Link | None = None) -> str:
    return audit.verify(store, ROOT, known)[0].problem


def test_an_unchanged_log_is_intact(store: Store) -> None:
    note(store, "bob", "größe", "12:three,")

    verification, last = audit.verify(store, ROOT)

    assert verification.problem == ""
    assert verification.intact == last.number >= 3
    assert problem(store, last) == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE subject = 'bob'", "set role by eve"),
        ("UPDATE audit SET at = at + interval '1 us' WHERE subject = 'bob'", "changed"),
        ("UPDATE audit SET changes = '{}' WHERE subject = 'bob'", "was changed"),
        ("DELETE FROM audit WHERE subject = 'bob'", "is missing"),
        ("DELETE FROM audit WHERE subject = 'carl'", "are missing"),
        (
            "UPDATE audit SET hash = sha256('') WHERE subject = 'bob'",
            "was changed",
        ),
    ],
)
def test_a_changed_entry_is_named(store: Store, change: str, expected: str) -> None:
    note(store, "ann", "bob", "carl")

    run(store, change)

    assert expected in problem(store)


def test_a_chain_that_somebody_computed_again_is_noticed_with_an_earlier_hash(
    store: Store,
) -> None:
    note(store, "ann", "bob")
    last = audit.verify(store, ROOT)[1]
    run(store, "UPDATE audit SET subject = 'eve' WHERE subject = 'bob'")
    run(
        store,
        "UPDATE audit_chain SET number = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    run(store, "UPDATE audit SET chain_number = NULL, hash = NULL")
    run(store, "SELECT audit_append(id) FROM (SELECT id FROM audit ORDER BY id) e")

    assert problem(store) == ""
    assert "has another hash than the given one" in problem(store, last)
    assert "ends before the given entry" in problem(store, Link(10**6, last.hash))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "TRUNCATE audit"],
)
def test_postgresql_refuses_to_change_entries(store: Store, statement: str) -> None:
    note(store, "bob")

    with pytest.raises(DBAPIError, match="are never changed"), store.begin() as db:
        db.execute(text(statement))


def test_transactions_at_the_same_time_make_one_chain(store: Store) -> None:
    threads = [
        threading.Thread(target=note, args=(store, *(f"{n}.{i}" for i in range(10))))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    verification, last = audit.verify(store, ROOT)

    assert verification.problem == ""
    assert last.number >= 80


def test_a_transaction_that_is_rolled_back_leaves_no_gap(store: Store) -> None:
    note(store, "ann")
    with store.engine.connect() as db:
        stored.note(db, ADA, Action.SYNC)
        db.rollback()
    note(store, "bob")

    assert problem(store) == ""


def test_the_retention_deletes_the_oldest_and_says_so(
    store: Store, settings: Settings
) -> None:
    note(store, "ann", "bob", "carl")
    old = datetime.now(UTC) + timedelta(seconds=1)
    with store.begin() as db:
        assert stored.delete_some(db, old, 2) == 2

    entries = audit.export(store, ROOT, 0, 1_000)

    assert [e.subject for e in entries if e.action is Action.SET_ROLE] == ["carl"]
    assert entries[-1].action is Action.DELETE_ENTRIES
    assert entries[-1].actor == "retention"
    assert problem(store) == ""
    # A day must pass before the retention deletes again.
    assert prune(store, settings).noted == 0
    # Deleting them without an entry is noticed.
    run(store, "DELETE FROM audit WHERE subject = 'carl'")
    with store.begin() as db:
        db.execute(update(audit_chain).values(deleted_hash=entries[0].hash))
        db.execute(update(audit_chain).values(deleted_number=3))
    assert "no entry says so" in problem(store)


def test_an_entry_has_the_values_before_and_after(store: Store) -> None:
    note(store, "bob")

    entry = audit.latest(store, ROOT, limit=1)[0]

    assert json.loads(entry.changes) == {"role": {"before": "a", "after": "ü\n1.50"}}


def test_syslog_gets_each_entry_once_and_in_the_order_of_the_chain(
    store: Store, tmp_path: Path
) -> None:
    note(store, "ann", "x" * 10_000, "bob")
    address = str(tmp_path / "log")
    forwarding = AuditSyslog(store, address)
    with pytest.raises(OSError, match="No such file"):
        forwarding.send_some()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(address)
        daemon.setblocking(False)

        sent = [forwarding.send_some()]
        note(store, "carl")
        sent += [forwarding.send_some(), forwarding.send_some()]
        messages = [daemon.recv(65_536) for _ in range(sum(sent))]

    numbers = []
    for line in messages:
        # 86: facility authpriv, severity info.
        assert line.startswith(b"<86>fastdeploy-audit: {")
        numbers.append(json.loads(line.rstrip(b"\0").partition(b": ")[2])["id"])
    entries = audit.export(store, ROOT, 0, 1_000)
    assert numbers == [entry.id for entry in entries]
    assert sent[1:] == [1, 0]


def test_one_node_sends_at_a_time(store: Store, tmp_path: Path) -> None:
    note(store, "ann")
    with store.begin() as db:
        db.execute(select(audit_forwarding).with_for_update())
        assert AuditSyslog(store, str(tmp_path / "log")).send_some() == 0
