"""A deployment waits for an approval, a channel gets a message, and it runs then."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from app.domain.deployment import Outcome, Status
from app.domain.notification import MessageState
from testing.browser import WIDE, log_in, visit
from testing.cancellations import outcome_of
from testing.command_line import assert_refused, command
from testing.notification_site import Site, make_site
from testing.postgres import Postgres
from testing.seeding import make_user
from testing.waiting import eventually

SCRIPT = """\
#!/bin/sh
grep -q hunter2 "$2" && echo "the secret has arrived"
exit 0
"""
VARIABLES = {
    "properties": {
        "version": {"type": "string"},
        "token": {"type": "string", "writeOnly": True},
    }
}


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An installation with a worker and a service that asks for an approval."""
    folder = tmp_path_factory.mktemp("approvals")
    with make_site(postgres, folder, "127.0.0.0/8") as made:
        made.add("ops", "http://127.0.0.1:{http}/approvals", "a secret of the webhook")
        made.made.write_service(
            "gated",
            SCRIPT,
            approval=True,
            variables=VARIABLES,
            notify=[{"on": ["waiting-for-approval", "failed"], "to": "ops"}],
        )
        make_user(made.made)
        made.made.worker()
        made.made.web()
        yield made


def test_what_is_approved_runs_and_a_channel_gets_one_message(site: Site) -> None:
    made = site.made
    following = made.start(
        "deploy", "gated", "--follow", "-e", "version=2.0", "-e", "token=hunter2",
        LOGNAME="ada",
    )  # fmt: skip
    eventually(lambda: "waits for an approval, launched by ada" in following.log)
    number = int(following.log.split()[1])
    [message] = site.settled(number)
    made.write_service("open", SCRIPT)
    assert Status.SUCCESSFUL is made.run("open").status

    own = command(made, "deployment", "approve", str(number), LOGNAME="ada")
    waiting = made.status(number)
    approved = command(
        made, "deployment", "approve", str(number), "--comment", "go", LOGNAME="olga"
    )
    ended = made.ended(number)

    assert_refused(
        own,
        f"ada (host) has launched deployment {number}: somebody else has to approve it",
    )
    assert Status.WAITING_FOR_APPROVAL is waiting
    assert "is approved and queued" in approved.stdout
    assert (Status.SUCCESSFUL, {"version": "2.0"}) == (ended.status, ended.variables)
    assert ["the secret has arrived"] == made.lines(number)
    assert 0 == following.wait()
    assert "approved by olga (host): go" in following.log
    assert (MessageState.SENT, "waiting-for-approval") == (message.state, message.event)
    assert [message] == site.messages(number)
    [hook] = site.http.to("/approvals")
    body = json.loads(hook.body)
    assert f"https://fd.example.org/deployments/{number}" == body["url"]
    assert f"gated waits for approval (#{number})" == body["title"]
    assert "hunter2" not in hook.body.decode()
    shown = command(made, "deployment", "show", str(number)).stdout
    assert "approved by olga (host): go" in shown


def test_a_rejected_deployment_ends_a_command_that_follows_it(site: Site) -> None:
    made = site.made
    following = made.start("deploy", "gated", "--follow", LOGNAME="ada")
    eventually(lambda: "waits for an approval, launched by ada" in following.log)
    number = following.log.split()[1]

    rejected = command(
        made, "deployment", "reject", number, "--comment", "not today", LOGNAME="olga"
    )

    assert 0 == rejected.returncode, rejected.stderr
    assert 1 == following.wait()
    assert Outcome(Status.CANCELED, "rejected by olga (host): not today") == outcome_of(
        made.ended(int(number))
    )
    assert not made.run_folder(int(number)).exists()
    again = command(made, "deployment", "approve", number, LOGNAME="olga")
    assert_refused(again, f"deployment {number} was rejected already by olga (host)")


def test_a_page_follows_the_decision_that_somebody_makes_on_it(
    site: Site, browser: Browser
) -> None:
    number = site.made.launch("gated", token="hunter2")
    with (
        visit(browser, site.made.url, viewport=WIDE) as page,
        visit(browser, site.made.url, viewport=WIDE) as other,
    ):
        for each in (page, other):
            each.goto(f"/deployments/{number}")
            log_in(each)
            each.goto(f"/deployments/{number}")
            expect(each.get_by_role("button", name="Approve")).to_be_visible()

        page.get_by_label("Comment").fill("fine")
        page.get_by_role("button", name="Approve").click()

        expect(other.locator(".status-text")).to_have_text("successful")
        expect(other.get_by_role("button", name="Approve")).to_be_hidden()
        expect(other.locator(".output")).to_contain_text("approved by ada: fine")
        expect(page.get_by_text("Approved by ada, ")).to_be_visible()


def test_a_worker_cancels_what_nobody_approves_in_time(site: Site) -> None:
    made = site.made
    made.write_service("brief", SCRIPT, approval=True, approval_timeout=60)
    number = made.launch("brief")
    with made.store.begin() as db:
        db.exec_driver_sql("UPDATE approvals SET expires_at = now()")

    assert "nobody approved it in time" == made.ended(number).reason
