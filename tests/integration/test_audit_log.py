"""The audit log: what is noted of each change, and how its page filters it."""

import re

import pytest
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Actor, Permission, Role
from app.domain.audit import Action
from app.domain.deployment import Origin
from app.domain.node import NodeInstance
from app.errors import Conflict, NotFound, NotLoggedIn
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import audit, auth, nodes, record, retries, services, tokens, users
from app.usecases.cancel import cancel
from testing.factories import (
    PASSWORD,
    ROOT,
    make_user,
    request_deployment,
    start_deployment,
)
from testing.web_client import ClientFor, csrf_of

ANOTHER = "another long password"


def id_of(store: Store, name: str) -> int:
    return next(u.id for u in users.list_users(store, ROOT) if u.name == name)


def test_everything_that_somebody_does_is_noted_with_it(
    store: Store, settings: Settings
) -> None:
    ada = Actor("ada", frozenset(Permission), address="192.0.2.1")
    queue = make_queue(settings)
    users.create_user(store, ada, "bob", PASSWORD, Role.VIEWER)
    number = id_of(store, "bob")
    users.set_password(store, ada, "bob", ANOTHER)
    users.set_role(store, ada, number, Role.DEPLOYER)
    secret = auth.log_in(store, "bob", ANOTHER, "192.0.2.2", auth.WINDOW)
    auth.log_out(store, secret, "192.0.2.2")
    # A session that has ended is nobody's.
    auth.log_out(store, secret, "192.0.2.3")
    with pytest.raises(NotLoggedIn):
        auth.log_in(store, "bob", PASSWORD, "192.0.2.2", auth.WINDOW)
    users.end_sessions(store, ada, "bob")
    users.disable(store, ada, number)
    users.enable(store, ada, number)
    tokens.create_token(store, ada, "ci", [Permission.VIEW])
    tokens.revoke_token(store, ada, "ci")
    first = request_deployment(store, settings, actor=ada)
    cancel(store, queue, ada, first)
    again = retries.retry(
        store,
        queue,
        bootstrap.make_secret_box(settings),
        actor=ada,
        origin=Origin.API,
        deployment_id=first,
    )
    running = start_deployment(store, settings)
    cancel(store, queue, ada, running.id)
    cancel(store, queue, ada, running.id)
    services.sync_everywhere(store, settings.services, settings.var, "test", ada)
    nodes.beat(store, "away", me=NodeInstance("x"), concurrency=1)
    nodes.stop(store, "away", NodeInstance("x"))
    nodes.forget(store, queue, ada, "away")

    noted = [
        (entry.actor, entry.address, entry.action, entry.subject, entry.deployment)
        for entry in reversed(audit.latest(store, ROOT))
        if entry.actor != ROOT.name
    ]

    of_ada = ("ada", "192.0.2.1")
    of_bob = ("bob", "192.0.2.2")
    assert [
        (*of_ada, Action.CREATE_USER, "bob", None),
        (*of_ada, Action.SET_PASSWORD, "bob", None),
        (*of_ada, Action.SET_ROLE, "bob", None),
        (*of_bob, Action.LOG_IN, "", None),
        (*of_bob, Action.LOG_OUT, "", None),
        (*of_bob, Action.FAIL_TO_LOG_IN, "", None),
        (*of_ada, Action.END_SESSIONS, "bob", None),
        (*of_ada, Action.DISABLE_USER, "bob", None),
        (*of_ada, Action.ENABLE_USER, "bob", None),
        (*of_ada, Action.CREATE_TOKEN, "ci", None),
        (*of_ada, Action.REVOKE_TOKEN, "ci", None),
        (*of_ada, Action.LAUNCH, "hello", first),
        (*of_ada, Action.CANCEL, "hello", first),
        (*of_ada, Action.RETRY, "hello", again),
        # Who asks again changes nothing, and has done nothing.
        (*of_ada, Action.CANCEL, "hello", running.id),
        (*of_ada, Action.SYNC, "", None),
        (*of_ada, Action.FORGET_NODE, "away", None),
    ] == noted


def test_what_did_not_happen_is_not_noted(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    record.finish(store, running.id, 0)
    make_user(store)
    before = audit.latest(store, ROOT)

    with pytest.raises(Conflict):
        cancel(store, make_queue(settings), ROOT, running.id)
    with pytest.raises(Conflict):
        users.create_user(store, ROOT, "ada", PASSWORD, Role.VIEWER)
    with pytest.raises(NotFound):
        tokens.revoke_token(store, ROOT, "nothing")

    assert before == audit.latest(store, ROOT)


def test_the_log_is_narrowed_and_paged_by_its_address(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("app.web.audit_log.PAGE", 1)
    for name in ("one", "two", "<script>alert(1)"):
        with pytest.raises(NotLoggedIn):
            auth.log_in(store, name, "wrong", "192.0.2.7", auth.WINDOW)

    newest = admin.get("/admin/audit?action=fail+to+log+in").text
    tidied = admin.get("/admin/audit?actor=one&action=")
    one = admin.get(tidied.headers["location"]).text
    wrong = admin.get("/admin/audit?action=dance")
    older = re.search(r'href="([^"]+)" rel="next"', newest)

    assert "&lt;script&gt;" in newest
    assert "<script>alert" not in newest
    assert "/admin/audit?actor=one" == tidied.headers["location"]
    assert "192.0.2.7" in one
    assert 422 == wrong.status_code
    assert older is not None
    assert ">two</a>" in admin.get(older.group(1).replace("&amp;", "&")).text
    assert "No matching entries" in admin.get("/admin/audit?actor=%00").text


def test_a_refusal_is_noted_with_what_was_asked(
    client_for: ClientFor, store: Store
) -> None:
    viewer = client_for(Role.VIEWER)
    viewer.headers["X-CSRF-Token"] = csrf_of(viewer, store)

    assert 403 == viewer.get("/admin/credentials/%00").status_code
    assert 403 == viewer.get("/admin/audit").status_code
    assert 403 == viewer.post("/api/v1/deployments", json={"service": "x"}).status_code
    noted = audit.latest(store, ROOT, action=Action.REFUSED)
    for _ in range(audit.REFUSALS_A_MINUTE):
        viewer.get("/admin/users")
    bounded = audit.latest(store, ROOT, action=Action.REFUSED)

    assert [
        ("viewer", "POST /api/v1/deployments: viewer may not check"),
        ("viewer", "GET /admin/audit: viewer may not admin"),
        ("viewer", "GET /admin/credentials/%00: viewer may not credentials"),
    ] == [(entry.actor, entry.subject) for entry in noted]
    assert audit.REFUSALS_A_MINUTE == len(bounded)


def test_the_api_lists_entries_in_pages(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("app.web.audit_log.PAGE", 1)
    users.create_user(store, ROOT, "bob", PASSWORD, Role.VIEWER)
    users.set_role(store, ROOT, id_of(store, "bob"), Role.DEPLOYER)

    first = admin.get("/api/v1/audit", params={"actor": ROOT.name})
    second = admin.get(first.links["next"]["url"])
    shown = admin.get("/admin/audit?action=set+role").text

    assert {"role": {"before": "viewer", "after": "deployer"}} == (
        first.json()[0]["changes"]
    )
    assert ["set role", "create user"] == [
        answer.json()[0]["action"] for answer in (first, second)
    ]
    assert "role: <del>viewer</del> → deployer" in shown
    assert 422 == admin.get("/api/v1/audit?action=dance").status_code
