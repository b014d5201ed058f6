"""Workers send each message once: by mail, to a webhook and to a chat."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from app.domain.deployment import Status
from app.domain.notification import MessageState
from app.domain.webhook_signature import sign
from testing.command_line import command
from testing.database_dump import dump
from testing.notification_site import COPY, Site, make_site
from testing.postgres import Postgres
from testing.waiting import eventually

SECRET = "canary-secret-of-the-webhook"


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An installation whose receivers on loopback are allowed, with a worker."""
    folder = tmp_path_factory.mktemp("notifications")
    with make_site(postgres, folder, "127.0.0.0/8") as made:
        made.made.worker()
        yield made


def test_a_failure_and_the_recovery_reach_mail_webhook_and_chat_once(
    site: Site,
) -> None:
    site.add("mail", "mailto://127.0.0.1:{mail}?from=fd@example.org&to=ops@example.org")
    site.add("hook", "http://127.0.0.1:{http}/hook-canary-path", SECRET)
    site.add("chat", "mmost://127.0.0.1:{http}/canary-token-of-chat")
    site.service("shop", "mail", "hook", "chat")
    passed = site.made.run("shop")

    failed = site.made.run("shop", bad="yes")
    site.settled(failed.id)
    well = site.made.run("shop")
    found = [*site.settled(failed.id), *site.settled(well.id)]

    assert [Status.FAILED, Status.SUCCESSFUL] == [failed.status, well.status]
    assert [(MessageState.SENT, 1, "")] * 6 == [
        (each.state, each.attempts, each.error) for each in found
    ]
    keys = {each.key for each in found}
    assert [
        f"shop failed (#{failed.id})", f"shop recovered (#{well.id})"
    ] == [mail["Subject"] for mail in site.mail.mails]  # fmt: skip
    assert all(mail["Message-ID"][1:33] in keys for mail in site.mail.mails)
    content = site.mail.mails[0].get_content()
    for part in (
        f"https://fd.example.org/deployments/{failed.id}",
        "exit code 3",
        f"It last passed in deployment {passed.id}. Since then:",
        "bad: none → yes",
        "http://example.org",
    ):
        assert part in content, content
    assert "<b>" not in content
    assert "@channel" not in content
    hooks = site.http.to("/hook-canary-path")
    bodies = [json.loads(each.body) for each in hooks]
    assert [("failed", failed.id), ("recovered", well.id)] == [
        (each["event"], each["deployment"]) for each in bodies
    ]
    for hook, body in zip(hooks, bodies, strict=True):
        timestamp = hook.headers["x-fastdeploy-timestamp"]
        signature = sign(SECRET, timestamp, hook.body)
        assert signature == hook.headers["x-fastdeploy-signature"]
        assert body["id"] == hook.headers["idempotency-key"]
        assert body["id"] in keys
    chats = site.http.to("/hooks/canary-token-of-chat")
    assert 2 == len(chats)
    assert f"shop failed (#{failed.id})" in json.loads(chats[0].body)["text"]


def test_a_scheduled_check_that_finds_drift_is_a_mail_until_it_is_corrected(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "page"
    site.add("drift", "mailto://127.0.0.1:{mail}?from=fd@example.org&to=d@example.org")
    site.made.write_files(
        "page", {"site.yml": COPY.format(target=target)}, playbook="site.yml",
        options=["check"],
        schedules=[{"name": "nightly", "cron": "0 3 * * *", "timezone": "UTC",
                    "options": {"check": True}}],
        notify=[{"on": ["failed", "drift"], "to": "drift"}],
    )  # fmt: skip

    first = site.fire("page", "nightly")
    [found] = site.settled(first.id)
    silent = [site.fire("page", "nightly")]
    assert not target.exists()
    site.made.run("page")
    silent.append(site.fire("page", "nightly"))
    target.write_text("changed by hand")
    again = site.fire("page", "nightly")

    assert (MessageState.SENT, "drift", "") == (found.state, found.event, found.error)
    assert [[], []] == [site.messages(each.id) for each in silent]
    assert ["drift"] == [each.event for each in site.settled(again.id)]
    mails = [mail for mail in site.mail.mails if mail["To"] == "d@example.org"]
    assert [
        f"page has drifted on localhost (#{each.id})" for each in (first, again)
    ] == [mail["Subject"] for mail in mails]
    assert "Copy the page on localhost" in mails[0].get_content()


def test_a_refused_message_is_tried_again_and_names_no_secret_anywhere(
    site: Site,
) -> None:
    site.add("again", "json://127.0.0.1:{http}/again-canary-path?+X-T=canary-token")
    site.add("gone", "http://127.0.0.1:1/canary-of-nobody", SECRET)
    site.service("books", "again", "gone", "unknown")
    site.http.status = 503

    number = site.made.run("books", bad="yes").id

    eventually(
        lambda: (
            [] == [e for e in site.messages(number) if not e.error or e.attempts != 1]
        )
    )
    again, gone, unknown = site.messages(number)
    assert MessageState.PENDING is again.state
    assert "error=503" in again.error
    assert MessageState.PENDING is gone.state
    assert "127.0.0.1:1" in gone.error
    assert MessageState.FAILED is unknown.state
    assert "there is no channel unknown" in unknown.error
    site.http.status = 200
    with site.made.store.begin() as db:
        db.execute(
            text("UPDATE notifications SET next_at = now() WHERE id = :id"),
            {"id": again.id},
        )
    eventually(lambda: site.messages(number)[0].state is MessageState.SENT)
    requests = site.http.to("/again-canary-path")
    assert [again.key] * 2 == [each.headers["idempotency-key"] for each in requests]
    site.made.web()
    with site.made.client() as client:
        pages = [
            client.get(path).text
            for path in (
                f"/deployments/{number}",
                "/api/v1/notifications",
                "/api/v1/channels",
                "/api/v1/channels/again",
            )
        ]
    assert "error=503" in pages[1] or "there is no channel" in pages[1]
    logs = [each.read_text() for each in site.made.settings.var.parent.glob("*.log")]
    assert logs
    rows = dump(site.made.store)
    assert any("books" in each for each in rows)
    assert not any("canary" in each for each in (*pages, *logs, *rows))


def test_a_receiver_that_hangs_delays_neither_runs_nor_other_channels(
    site: Site,
) -> None:
    site.add("hangs", "http://127.0.0.1:{http}/hang", SECRET)
    site.add("quick", "http://127.0.0.1:{http}/quick", SECRET)
    site.service("slow", "hangs", "quick")
    first = site.made.run("slow", bad="yes").id
    eventually(lambda: site.http.to("/hang"))

    second = site.made.run("slow", bad="yes")

    assert Status.FAILED is second.status
    eventually(lambda: 2 == len(site.http.to("/quick")))
    states = [each.state for each in site.messages(first)]
    assert MessageState.SENDING is states[0]
    site.http.go_on.set()
    site.settled(second.id)
    assert 2 == len(site.http.to("/hang"))


def test_a_redirect_is_a_failure_and_is_not_followed(site: Site) -> None:
    site.add("moved", "json://127.0.0.1:{http}/moved")
    site.add("hook-moved", "http://127.0.0.1:{http}/hook-moved", SECRET)
    site.service("moves", "moved", "hook-moved")
    site.http.status = 302
    try:
        number = site.made.run("moves", bad="yes").id
        eventually(lambda: all(each.error for each in site.messages(number)))
    finally:
        site.http.status = 200

    assert [(MessageState.PENDING, 1)] * 2 == [
        (each.state, each.attempts) for each in site.messages(number)
    ]
    assert [] == site.http.to("/elsewhere")


def test_a_webhook_that_is_gone_gets_no_other_attempt(site: Site) -> None:
    site.add("away", "http://127.0.0.1:{http}/gone", SECRET)
    site.service("goes", "away")
    site.http.status = 410
    try:
        [found] = site.settled(site.made.run("goes", bad="yes").id)
    finally:
        site.http.status = 200

    assert (MessageState.FAILED, 1) == (found.state, found.attempts)
    assert "the receiver answered with status 410" == found.error


def test_the_command_line_manages_channels_and_prints_no_url(site: Site) -> None:
    url = f"json://127.0.0.1:{site.http.port}/canary-of-the-command-line"

    done = [
        command(site.made, "channel", *arguments, stdin=stdin)
        for stdin, arguments in (
            (url, ("add", "cli", "--description", "Who is on call")),
            ("", ("list", "--json")),
            ("", ("test", "cli")),
            ("", ("messages", "cli")),
            ("", ("remove", "cli")),
        )
    ]

    assert [(0, "")] * 5 == [(each.returncode, each.stderr) for each in done]
    listed = {each["name"]: each for each in json.loads(done[1].stdout)}
    assert ("json", "Who is on call") == (
        listed["cli"]["scheme"],
        listed["cli"]["description"],
    )
    assert "test" in done[3].stdout
    assert not any("canary" in each.stdout for each in done)


@pytest.mark.parametrize("stage", ["before it is sent", "after it has arrived"])
def test_a_message_arrives_once_more_at_most_if_its_worker_is_killed(
    postgres: Postgres, tmp_path: Path, stage: str
) -> None:
    with make_site(postgres, tmp_path, "127.0.0.0/8") as site:
        before = stage == "before it is sent"
        path = "/hook" if before else "/hang"
        site.add("hook", f"http://127.0.0.1:{{http}}{path}", SECRET)
        site.service("shop", "hook")
        worker = site.made.worker()
        if before:
            with psycopg.connect(site.made.settings.database) as connection:
                # The worker reads the channel after it has claimed the message.
                connection.execute("LOCK TABLE channels")
                number = site.made.run("shop", bad="yes").id
                eventually(
                    lambda: site.messages(number)[0].state is MessageState.SENDING
                )
                worker.kill()
        else:
            number = site.made.run("shop", bad="yes").id
            eventually(lambda: site.http.to(path))
            worker.kill()
        site.http.go_on.set()

        site.made.worker()

        (message,) = site.settled(number)
        assert (MessageState.SENT, 2) == (message.state, message.attempts)
        keys = [each.headers["idempotency-key"] for each in site.http.to(path)]
        assert [message.key] * (1 if before else 2) == keys


def test_nothing_is_sent_to_an_internal_address_that_is_not_allowed(
    postgres: Postgres, tmp_path: Path
) -> None:
    """An administrator has allowed another network only."""
    with make_site(postgres, tmp_path, "10.0.0.0/8") as site:
        site.add("hook", "http://localhost:{http}/hook", SECRET)
        site.add("chat", "mmost://localhost:{http}/token")
        site.add(
            "mail", "mailto://127.0.0.1:{mail}?from=a@example.org&to=b@example.org"
        )
        site.service("shop", "hook", "chat", "mail")
        site.made.worker()

        found = site.settled(site.made.run("shop", bad="yes").id)

        assert [MessageState.FAILED] * 3 == [each.state for each in found]
        assert all("FASTDEPLOY_OUTGOING_PRIVATE" in each.error for each in found)
        assert ([], []) == (site.http.received, site.mail.mails)
