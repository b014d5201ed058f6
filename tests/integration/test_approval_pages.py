"""The pages and the API of deployments that wait for an approval."""

import re
from html import unescape

from app.domain.access import Permission, Role
from app.domain.deployment import Outcome, Status
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy
from testing.approvals import launch
from testing.cancellations import outcome_of
from testing.factories import add_service, make_schema, make_service
from testing.web_client import ClientFor, csrf_of


def test_the_page_shows_what_would_run_to_who_may_approve_it(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = launch(
        store, settings, variables=make_schema(secret="token", version={}),
        given={"token": "hunter2-canary", "version": "2.0"},
    )  # fmt: skip
    client = client_for(Role.ADMIN)

    page = client.get(f"/deployments/{number}").text

    assert "Waiting for approval" in page
    assert re.search(r"<dt>version</dt>\s*<dd>2.0</dd>", page)
    assert re.search(r"<dt>token</dt>\s*<dd>••••••••</dd>", page)
    assert "hunter2-canary" not in page
    assert f'formaction="/deployments/{number}/reject"' in page
    for role in (Role.VIEWER, Role.DEPLOYER):
        page = client_for(role).get(f"/deployments/{number}").text
        assert "Waiting for approval" in page
        assert "/approve" not in page


def test_the_buttons_decide_and_lead_back(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    client = client_for(Role.ADMIN)
    form = {"csrf_token": csrf_of(client, store), "comment": "fine <b>"}
    approved, rejected = launch(store, settings), launch(store, settings)

    for number, verb in ((approved, "approve"), (rejected, "reject")):
        answer = client.post(f"/deployments/{number}/{verb}", data=form)
        assert (303, f"/deployments/{number}") == (
            answer.status_code, answer.headers["location"]
        )  # fmt: skip

    assert Status.QUEUED is deploy.find(store, approved).status
    assert Outcome(Status.CANCELED, "rejected by admin: fine <b>") == outcome_of(
        deploy.find(store, rejected)
    )
    page = client.get(f"/deployments/{approved}").text
    assert "Approved by admin" in page
    assert "fine &lt;b&gt;" in page
    answer = client.post(f"/deployments/{approved}/approve", data=form)
    assert 409 == answer.status_code


def test_who_launched_it_reads_that_somebody_else_has_to_approve_it(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    launch(store, settings)
    client = client_for(Role.ADMIN)
    form = {"csrf_token": csrf_of(client, store)}
    location = client.post("/services/hello/deploy", data=form).headers["location"]

    page = unescape(client.get(location).text)

    assert "somebody else has to approve it" in page
    assert f'action="{location}/approve"' not in page
    assert 403 == client.post(f"{location}/approve", data=form).status_code


def test_the_overview_and_the_list_show_what_waits(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = launch(store, settings)
    client = client_for(Role.VIEWER)

    overview = client.get("/").text
    listed = client.get("/deployments?status=waiting-for-approval").text

    assert '<h2 id="approvals">Waiting for approval</h2>' in overview
    assert f'href="/deployments/{number}"' in overview
    assert f'href="/deployments/{number}"' in listed
    assert 'data-status="waiting-for-approval"' in listed
    queued = client.get("/deployments?status=queued").text
    assert f'href="/deployments/{number}"' not in queued


def test_the_api_decides_and_shows_the_decision(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    number = launch(store, settings)
    client = client_for((Permission.VIEW, Permission.APPROVE))
    path = f"/api/v1/deployments/{number}"

    before = client.get(path).json()["approval"]
    answer = client.post(f"{path}/approve", json={"comment": "go"})
    again = client.post(f"{path}/reject")
    wrong = client.post(f"{path}/approve", json={"comment": "a\nb"})

    assert (None, "") == (before["decision"], before["decided_by"])
    assert (200, "queued") == (answer.status_code, answer.json()["status"])
    approval = answer.json()["approval"]
    assert ("approved", "view-approve (token)", "go") == (
        approval["decision"], approval["decided_by"], approval["comment"]
    )  # fmt: skip
    assert 409 == again.status_code
    assert "was approved already by view-approve (token)" in again.json()["detail"]
    assert 422 == wrong.status_code


def test_the_page_of_a_service_says_that_its_deployments_have_to_be_approved(
    store: Store, client_for: ClientFor
) -> None:
    gated = make_service(name="gated", approval=True, approval_timeout=7200)
    free = make_service(name="free")
    client = client_for(Role.VIEWER)

    pages = [client.get(f"/services/{add_service(store, each).name}").text
             for each in (gated, free)]  # fmt: skip

    assert "<dt>Approval</dt><dd>a deployment runs when somebody else" in pages[0]
    assert "within 2 h" in pages[0]
    assert "<dt>Approval</dt>" not in pages[1]
