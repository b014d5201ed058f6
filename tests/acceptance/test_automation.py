"""A push, a schedule, notifications, metrics and traces in one installation."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from app import bootstrap
from app.domain.access import Permission
from app.domain.deployment import Deployment, Status
from app.domain.notification import MessageState
from app.domain.webhook import Provider
from app.store import notifications
from app.store.deployment_tables import deployments
from app.store.service_tables import schedules
from app.usecases import channels, credentials
from app.usecases.channels import Change
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.installation import ACTOR, Installation, installed
from testing.otlp_receiver import OtlpReceiver
from testing.postgres import Postgres
from testing.prometheus import OBSERVABILITY, scraping
from testing.receivers import HttpServer, MailServer, http_server, mail_server
from testing.status_receiver import StatusReceiver
from testing.waiting import PATIENCE, eventually
from testing.webhook_sender import Sender, create_webhook

URL = "https://fd.example.org"
SERVICE = "infra/site@staging"
TO_ALL = [{"on": ["failed", "recovered"], "to": name} for name in ("ops", "hook", "im")]
DESCRIPTION = {
    "project": "infra",
    "environments": {"staging": {"inventory": "hosts"}},
    "services": {
        "site": {
            "playbook": "site.yml",
            "options": ["check"],
            "notify": TO_ALL,
            "on_push": [{"ref": "main", "options": {"check": True}}],
            "schedules": [{"name": "nightly", "cron": "0 3 * * *", "ref": "main",
                           "missed": "run-once"}],
        }
    },
}  # fmt: skip
PLAYBOOK = """\
- name: Deploy
  hosts: all
  gather_facts: false
  tasks:
    - name: Check the release
      ansible.builtin.assert:
        that: {passes}
        fail_msg: the release is broken
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An installation with a git project, and everything that it reports to."""

    made: Installation
    repository: GitRepository
    sender: Sender
    statuses: StatusReceiver
    mail: MailServer
    http: HttpServer
    otlp: OtlpReceiver

    def push(self, subject: str, *, passes: bool) -> str:
        """Commit a release; return the commit."""
        files = {
            "fastdeploy.yml": json.dumps(DESCRIPTION),
            "site.yml": PLAYBOOK.format(passes=str(passes).lower()),
            "hosts": "web1 ansible_connection=local\n",
        }
        return self.repository.commit(subject, files)

    def deliver(self, client: httpx.Client, commit: str) -> int:
        """Send the webhook of a push; return the status of the answer."""
        headers, body = self.sender.push("refs/heads/main", commit, delivery="one")
        return client.post("/hooks/infra", content=body, headers=headers).status_code

    def ended(self, count: int) -> Deployment:
        """Wait until there are `count` deployments; return the last when it ended."""

        def numbers() -> list[int]:
            with self.made.store.begin() as db:
                query = select(deployments.c.id).order_by(deployments.c.id)
                return list(db.scalars(query))

        eventually(lambda: len(numbers()) == count, every=0.1)
        return self.made.ended(numbers()[-1])

    def let_an_instant_come(self) -> None:
        """Let the schedule be due."""
        with self.made.store.begin() as db:
            db.execute(update(schedules).values(next_at=func.now()))

    def messages(self) -> list[tuple[int | None, str, str]]:
        """Wait until every message was sent; return them, oldest first."""

        def sent() -> bool:
            with self.made.store.begin() as db:
                found = notifications.latest(db)
            return all(each.state is MessageState.SENT for each in found)

        # An attempt that a busy machine interrupts is repeated after 30 s.
        eventually(sent, 2 * PATIENCE, every=0.1)
        with self.made.store.begin() as db:
            found = reversed(notifications.latest(db))
            return [(each.deployment_id, each.event, each.channel) for each in found]


@pytest.fixture
def site(postgres: Postgres, tmp_path: Path) -> Iterator[Site]:
    """An installation without processes."""
    repository = GitRepository(tmp_path / "acme" / "infra")
    with ExitStack() as stack:
        made = stack.enter_context(
            installed(
                postgres,
                tmp_path / "fd",
                outgoing_private="127.0.0.0/8",
                url=URL,
                # Of both nodes, which have folders of their own.
                secret_key=SecretStr("k" * 40),
            )
        )
        statuses = stack.enter_context(StatusReceiver(failures=1).serving())
        mail = stack.enter_context(mail_server())
        http = stack.enter_context(http_server())
        otlp = stack.enter_context(OtlpReceiver().serving())
        secret_box = bootstrap.make_secret_box(made.settings)
        for name, url in (
            ("ops", f"mailto://127.0.0.1:{mail.port}?from=a@example.org&to=b@example.org"),
            ("hook", f"http://127.0.0.1:{http.port}/hook"),
            ("im", f"mmost://127.0.0.1:{http.port}/token"),
        ):  # fmt: skip
            secret = "secret-of-the-webhook" if name == "hook" else ""
            wanted = Change(url, secret)
            channels.put(made.store, secret_box, ACTOR, name, wanted, replace=False)
        values = credentials.Change(values={"value": "token"})
        credentials.put(
            made.store, secret_box, ROOT, "git-token:robot", values, replace=False
        )
        (made.services / "infra").mkdir(parents=True)
        (made.services / "infra" / "project.json").write_text(
            json.dumps({"git": f"file://{repository.folder}"})
        )
        sender = create_webhook(
            made.store, made.settings, "infra", Provider.GITHUB, "infra",
            status_credential="git-token:robot", api_url=statuses.url,
        )  # fmt: skip
        yield Site(made, repository, sender, statuses, mail, http, otlp)


def test_pushes_and_schedules_are_deployed_reported_and_measured_exactly_once(
    site: Site, tmp_path: Path
) -> None:
    made = site.made
    site.push("Release 1", passes=True)
    made.sync()
    made.web()
    tracing = {"FASTDEPLOY_OTLP_URL": site.otlp.url}
    made.worker(**tracing)
    there = tmp_path / "there"
    there.mkdir()
    made.worker(FASTDEPLOY_NODE="there", FASTDEPLOY_VAR=str(there), **tracing)
    token = tmp_path / "token"
    token.write_text(made.token(Permission.METRICS))
    scrape = {
        "job_name": "fastdeploy",
        "authorization": {"credentials_file": str(token)},
        "static_configs": [{"targets": [made.url.removeprefix("http://")]}],
    }
    with scraping(tmp_path, scrape, OBSERVABILITY / "alerts.yml") as prometheus:
        # A push that is delivered three times is one check of its commit.
        pushed = site.push("Release 2", passes=False)
        with made.client() as client, ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: site.deliver(client, pushed), range(3)))
        assert [200, 200, 202] == sorted(answers)
        check = site.ended(1)
        assert (pushed, "webhook:infra", True) == (
            check.commit, check.actor, check.options.check,
        )  # fmt: skip
        states = ("pending", "failure")
        eventually(lambda: len(site.statuses.accepted) == len(states), every=0.1)
        assert [*states] == [each.body["state"] for each in site.statuses.accepted]
        assert {f"/repos/acme/infra/statuses/{pushed}"} == {
            each.path for each in site.statuses.received
        }
        assert [] == site.messages()

        # The schedule fails, and everybody is notified; then it recovers.
        query = 'fastdeploy_deployments_total{outcome="failed"}'
        eventually(lambda: prometheus.value(query) == 1, every=0.2)
        site.let_an_instant_come()
        failed = site.ended(2)
        assert (Status.FAILED, "schedule nightly") == (failed.status, failed.actor)
        eventually(
            lambda: (
                ["FastDeployDeploymentFailed"]
                == [each["labels"]["alertname"] for each in prometheus.firing()]
            ),
            every=0.2,
        )
        site.push("Release 3", passes=True)
        site.let_an_instant_come()
        well = site.ended(3)
        assert Status.SUCCESSFUL is well.status, well.reason

    assert site.messages() == [
        (number, event, channel)
        for number, event in ((failed.id, "failed"), (well.id, "recovered"))
        for channel in ("ops", "hook", "im")
    ]
    titles = [
        f"{SERVICE} failed on web1 (#{failed.id})",
        f"{SERVICE} recovered (#{well.id})",
    ]
    assert titles == [plain(mail["Subject"]) for mail in site.mail.mails]
    bodies = [json.loads(each.body) for each in site.http.to("/hook")]
    assert titles == [plain(body["title"]) for body in bodies]
    chats = [
        plain(json.loads(each.body)["text"]) for each in site.http.to("/hooks/token")
    ]
    assert [True, True] == [
        title in chat for title, chat in zip(titles, chats, strict=True)
    ]
    roots = f"deploy {SERVICE}"
    eventually(
        lambda: 3 == sum(each.name == roots for each in site.otlp.spans), every=0.1
    )
    delivery = site.otlp.named("webhook infra")
    linked = [each.links for each in site.otlp.spans if each.links]
    assert [[(delivery.trace_id, delivery.span_id)]] == linked


def plain(text: str) -> str:
    """Return a text without the characters that keep receivers from interpreting it."""
    return text.replace("\N{WORD JOINER}", "")
