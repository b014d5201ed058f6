"""Webhooks: what is stored of a request, and what the rules of a project launch."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.deployment import Deployment, Origin
from app.domain.webhook import DeliveryState, Provider
from app.encryption import SecretBox
from app.queue import make_queue
from app.settings import Settings
from app.store import webhooks as stored_webhooks
from app.store.deployment_tables import deployments
from app.store.store import Store
from app.store.webhook_deliveries import Delivery
from app.store.webhook_tables import webhook_deliveries as delivery_table
from app.store.webhook_tables import webhook_launches
from app.usecases import (
    deploy,
    restore,
    secret_rotation,
    services,
    webhook_deliveries,
    webhook_receipts,
    webhooks,
)
from app.usecases.git_access import GitAccess
from app.usecases.webhook_launches import Launcher, launch_due
from app.usecases.webhook_receipts import Receipt
from app.web.middleware import MAX_BODY
from testing.factories import ROOT
from testing.git_repository import GitRepository
from testing.web_client import ClientFor, csrf_of
from testing.webhook_sender import Request, Sender, create_webhook

MAIN = "refs/heads/main"
_DESCRIPTION = """\
project: infra
environments:
  staging: {inventory: hosts}
  production: {inventory: hosts, refs: ["v*"]}
services:
  site:
    playbook: site.yml
    options: [check]
    variables: {properties: {release: {type: string}, commit: {type: string}}}
    on_push:
      - {ref: main, environment: staging, options: {check: true}, paths: ["roles/**"],
         from_push: {commit: commit, release: tag}}
      - {ref: refs/tags/*, environment: production, from_push: {release: tag}}
  manual: {playbook: site.yml}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A git project with a webhook of GitHub."""

    store: Store
    settings: Settings
    repository: GitRepository
    sender: Sender
    client: TestClient

    def post(self, request: Request, name: str = "push") -> Any:
        headers, body = request
        return self.client.post(f"/hooks/{name}", content=body, headers=headers)

    def push(self, ref: str, commit: str, before: str = "", **more: str) -> Any:
        return self.post(self.sender.push(ref, commit, before, **more))

    def work(self) -> int:
        """Handle what is queued, as a worker does."""
        secret_box = bootstrap.make_secret_box(self.settings)
        reach = GitAccess(self.store, lambda: secret_box).of
        queue = make_queue(self.settings)
        launcher = Launcher(self.store, queue, secret_box, self.settings, reach)
        return launch_due(launcher, lambda: False)

    @property
    def deliveries(self) -> list[Delivery]:
        listed, _ = webhook_deliveries.list_page(self.store, ROOT, self.sender.id)
        return listed

    @property
    def launched(self) -> list[Deployment]:
        with self.store.begin() as db:
            query = select(deployments.c.id).order_by(deployments.c.id)
            numbers = list(db.scalars(query))
        return [deploy.find(self.store, number) for number in numbers]


@pytest.fixture
def site(
    store: Store, settings: Settings, tmp_path: Path, client_for: ClientFor
) -> Site:
    repository = GitRepository(tmp_path / "acme" / "infra")
    repository.commit(
        "Begin",
        {"fastdeploy.yml": _DESCRIPTION, "site.yml": "- hosts: all\n", "hosts": "a\n"},
    )
    folder = settings.services / "infra"
    folder.mkdir(parents=True)
    source = {"git": f"file://{repository.folder}"}
    (folder / "project.json").write_text(json.dumps(source))
    services.sync_services(store, settings.services, settings.var, settings.node, ROOT)
    sender = create_webhook(store, settings, "push", Provider.GITHUB, "infra")
    return Site(store, settings, repository, sender, client_for(None))


def head(site: Site) -> str:
    return site.repository.git("rev-parse", "HEAD")


def test_a_push_launches_the_pushed_commit_as_its_rule_says(site: Site) -> None:
    before = head(site)
    commit = site.repository.commit("Change", {"roles/a/tasks/main.yml": "[]\n"})
    site.repository.commit("Later", {"later": ""})

    answer = site.push(MAIN, commit, before)
    site.work()

    assert 202 == answer.status_code
    (launched,) = site.launched
    assert ("infra/site@staging", commit, MAIN, Origin.WEBHOOK, "webhook:push") == (
        launched.service_name, launched.commit, launched.ref, launched.origin,
        launched.actor,
    )  # fmt: skip
    assert launched.options.check
    assert {"commit": commit} == launched.variables
    (delivery,) = site.deliveries
    assert (DeliveryState.LAUNCHED, (launched.id,)) == (
        delivery.state, delivery.deployments,
    )  # fmt: skip
    assert 0 == site.work()


def test_a_delivery_is_stored_once_however_often_it_arrives(site: Site) -> None:
    request = site.sender.push(MAIN, head(site), delivery="one")
    # The same body with another id, as somebody might send it who recorded it.
    replayed = ({**request[0], "x-github-delivery": "two"}, request[1])

    def receive(sent: Request) -> Receipt:
        secret_box = bootstrap.make_secret_box(site.settings)
        return webhook_receipts.receive(site.store, secret_box, "push", *sent, "")

    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(receive, [request, replayed] * 3))
    site.work()

    assert [False, *[True] * 5] == sorted(each.repeated for each in receipts)
    assert 1 == len({each.delivery for each in receipts})
    assert 200 == site.post(request).status_code
    assert 1 == len(site.launched)


REFUSED: dict[str, tuple[Callable[[Request], Request], int]] = {
    "unsigned": (lambda r: ({"x-github-event": "push"}, r[1]), 403),
    "wrong": (lambda r: (r[0] | {"x-hub-signature-256": "sha256=00"}, r[1]), 403),
    "another-body": (lambda r: (r[0], r[1] + b" "), 403),
    "oversized": (lambda r: (r[0], r[1] + b" " * MAX_BODY), 413),
    "long-id": (lambda r: (r[0] | {"x-github-delivery": "x" * 201}, r[1]), 422),
    "browser": (lambda r: ({"origin": "https://evil.example", "accept": "text/html",
                            "sec-fetch-site": "cross-site"}, r[1]), 403),
}  # fmt: skip


@pytest.mark.parametrize(("change", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_request_launches_nothing_and_leaves_no_body(
    site: Site, change: Callable[[Request], Request], status: int
) -> None:
    answer = site.post(change(site.sender.push(MAIN, head(site))))

    assert status == answer.status_code
    assert "error" in answer.json()
    assert 0 == site.work()
    assert ([], []) == (site.deliveries, site.launched)
    kept = webhooks.find(site.store, ROOT, site.sender.id).refused_reason
    assert (answer.json()["error"] if status != 413 else "") == kept


def test_an_old_timestamp_is_refused(site: Site) -> None:
    generic = create_webhook(
        site.store, site.settings, "own", Provider.GENERIC, "infra"
    )
    payload = {"ref": MAIN, "commit": head(site)}

    old = site.post(generic.sign(payload, "push", "one", at=1_700_000_000), "own")
    new = site.post(generic.sign(payload, "push", "one"), "own")

    assert [403, 202] == [old.status_code, new.status_code]
    assert "5 minutes" in old.json()["error"]


@pytest.mark.parametrize("provider", Provider)
def test_a_push_of_each_provider_is_launched(site: Site, provider: Provider) -> None:
    sender = create_webhook(site.store, site.settings, "other", provider, "infra")

    answer = site.post(sender.push(MAIN, head(site)), "other")
    site.work()

    assert 202 == answer.status_code
    assert ["webhook:other"] == [each.actor for each in site.launched]


def test_an_unknown_webhook_is_not_found(site: Site) -> None:
    assert 404 == site.post(site.sender.push(MAIN, head(site)), "nothing").status_code


def test_both_secrets_are_valid_until_the_rotation_ends(site: Site) -> None:
    secret_box = bootstrap.make_secret_box(site.settings)
    secret = webhooks.rotate(site.store, secret_box, ROOT, site.sender.id)
    rotated = replace(site.sender, secret=secret)
    commit = head(site)

    def codes() -> list[int]:
        return [
            site.post(each.push(MAIN, commit)).status_code
            for each in (site.sender, rotated)
        ]

    # The second one has the same body.
    during = codes()
    webhooks.finish_rotation(site.store, secret_box, ROOT, site.sender.id)

    assert [202, 200] == during
    assert [403, 200] == codes()


def test_a_rotation_of_the_secret_key_encrypts_the_secrets_again(site: Site) -> None:
    secret_box = bootstrap.make_secret_box(site.settings)
    secret_rotation.rotate(site.store, site.settings, secret_box, ROOT)
    (site.settings.var / "secret-key").touch()
    newest = secret_box_of_newest_key(site.settings)

    with site.store.begin() as db:
        found = stored_webhooks.find_named(db, "push")
    assert found is not None
    assert [site.sender.secret] == webhooks.secrets_of(newest, found.sealed)


def secret_box_of_newest_key(settings: Settings) -> SecretBox:
    """A secret box without the earlier keys."""
    return SecretBox((settings.var / "secret-key").read_text().split()[0])


def test_a_delivery_is_launched_again_on_demand(site: Site) -> None:
    site.push(MAIN, head(site))
    site.work()
    (delivery,) = site.deliveries

    webhook_deliveries.redeliver(site.store, ROOT, site.sender.id, delivery.id)
    site.work()

    (again,) = site.deliveries
    assert (2, DeliveryState.LAUNCHED) == (again.attempt, again.state)
    assert [each.id for each in site.launched] == list(again.deployments)
    assert 2 == len(again.deployments)


def test_a_paused_webhook_logs_and_launches_nothing(site: Site) -> None:
    webhooks.pause(site.store, ROOT, site.sender.id)
    answer = site.push(MAIN, head(site))
    webhooks.resume(site.store, ROOT, site.sender.id)

    assert 0 == site.work()
    (delivery,) = site.deliveries
    assert 202 == answer.status_code
    assert (DeliveryState.SKIPPED, "has paused the webhook") == (
        delivery.state, delivery.answer[-22:],
    )  # fmt: skip


def test_another_event_is_logged_with_its_name(site: Site) -> None:
    answer = site.post(site.sender.sign({"zen": "…"}, "ping", "one"))

    assert 202 == answer.status_code
    (delivery,) = site.deliveries
    assert ("ping", DeliveryState.IGNORED) == (delivery.event, delivery.state)


def no_rule(site: Site) -> Request:
    return site.sender.push("refs/heads/draft", head(site))


def other_paths(site: Site) -> Request:
    before = head(site)
    commit = site.repository.commit("Change", {"README.md": "text"})
    return site.sender.push(MAIN, commit, before)


def forced_away(site: Site) -> Request:
    site.repository.git("checkout", "--quiet", "-b", "draft")
    commit = site.repository.commit("Change", {"README.md": "text"})
    site.repository.git("checkout", "--quiet", "main")
    return site.sender.push(MAIN, commit)


def tag_elsewhere(site: Site) -> Request:
    """A tag that a rule is for, but that may not be deployed in production."""
    site.repository.git("tag", "test-1")
    return site.sender.push("refs/tags/test-1", head(site))


UNLAUNCHED: dict[str, tuple[Callable[[Site], Request], DeliveryState, str]] = {
    "no-rule": (no_rule, DeliveryState.SKIPPED, "no rule of infra is for"),
    "other-paths": (other_paths, DeliveryState.SKIPPED, "changes none of its paths"),
    "forced-away": (forced_away, DeliveryState.FAILED, "main doesn't contain commit"),
    "refs": (tag_elsewhere, DeliveryState.FAILED, "must be in an allowed ref"),
}


@pytest.mark.parametrize(
    ("make", "state", "reason"), UNLAUNCHED.values(), ids=UNLAUNCHED.keys()
)
def test_a_push_that_launches_nothing_is_logged_with_the_reason(
    site: Site, make: Callable[[Site], Request], state: DeliveryState, reason: str
) -> None:
    answer = site.post(make(site))
    site.work()

    (delivery,) = site.deliveries
    assert (202, state) == (answer.status_code, delivery.state)
    assert reason in delivery.answer
    assert [] == site.launched


def test_an_annotated_tag_launches_its_commit_with_its_name(site: Site) -> None:
    commit = head(site)
    site.repository.git("tag", "--annotate", "-m", "Release", "v1")

    site.push("refs/tags/v1", site.repository.git("rev-parse", "v1"))
    site.work()

    (launched,) = site.launched
    assert ("infra/site@production", commit, {"release": "v1"}) == (
        launched.service_name, launched.commit, launched.variables,
    )  # fmt: skip


def test_a_new_branch_without_an_earlier_commit_counts_as_changed(site: Site) -> None:
    site.push(MAIN, head(site))
    site.push(MAIN, head(site), "d" * 40)
    site.work()

    assert 2 == len(site.launched)


def test_a_branch_can_not_define_what_its_push_launches(site: Site) -> None:
    site.repository.git("checkout", "--quiet", "-b", "draft")
    opened = _DESCRIPTION.replace("ref: main", "ref: draft")
    commit = site.repository.commit("Open", {"fastdeploy.yml": opened})
    site.repository.git("checkout", "--quiet", "main")

    site.push("refs/heads/draft", commit)
    site.work()

    assert [] == site.launched


def test_a_repository_that_is_away_is_fetched_again_later(
    site: Site, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    commit = head(site)
    site.repository.folder.rename(elsewhere)
    site.push(MAIN, commit)
    site.work()
    (waiting,) = site.deliveries
    elsewhere.rename(site.repository.folder)
    with site.store.begin() as db:
        db.execute(update(delivery_table).values(next_at=func.now()))
    site.work()

    assert DeliveryState.QUEUED == waiting.state
    assert "the fetch failed and is tried again" in waiting.answer
    assert 1 == len(site.launched)


def test_each_push_of_a_delivery_is_handled_by_itself(site: Site) -> None:
    sender = create_webhook(
        site.store, site.settings, "other", Provider.BITBUCKET, "infra"
    )
    gone, here = (
        {"new": {"type": "branch", "name": "main", "target": {"hash": commit}}}
        for commit in ("d" * 40, head(site))
    )

    site.post(sender.sign({"push": {"changes": [gone, here]}}, "repo:push", "one"),
              "other")  # fmt: skip
    site.work()

    assert [head(site)] == [each.commit for each in site.launched]


def test_a_delivery_that_can_not_be_handled_fails_at_last(site: Site) -> None:
    site.push(MAIN, head(site))
    with site.store.begin() as db:
        db.execute(update(delivery_table).values(tries=12))

    site.work()

    (delivery,) = site.deliveries
    assert DeliveryState.FAILED == delivery.state
    assert "handled too often" in delivery.answer


def test_a_restored_installation_launches_no_delivery_of_its_backup(site: Site) -> None:
    site.push(MAIN, head(site))
    secret_box = bootstrap.make_secret_box(site.settings)
    queue = make_queue(site.settings)

    restore.settle(site.store, site.settings, secret_box, queue, ROOT, was="test")

    assert 0 == site.work()
    (delivery,) = site.deliveries
    assert DeliveryState.SKIPPED == delivery.state
    assert "deliver it again" in delivery.answer


def test_a_deployment_links_to_the_commit_at_its_provider(
    site: Site, client_for: ClientFor
) -> None:
    commit = head(site)
    site.push(MAIN, commit)
    site.work()
    with site.store.begin() as db:
        url = "git@github.com:acme/infra.git"
        db.execute(update(webhook_launches).values(repository=url))

    shown = client_for(Role.VIEWER).get(f"/deployments/{site.launched[0].id}").text

    assert f'href="https://github.com/acme/infra/commit/{commit}"' in shown


def test_old_deliveries_are_forgotten(site: Site) -> None:
    for name, state, days in (
        ("a", "ignored", 8), ("b", "skipped", 8), ("c", "launched", 91),
        ("d", "queued", 91),
    ):  # fmt: skip
        site.post(site.sender.sign({name: 1}, "ping", name))
        with site.store.begin() as db:
            db.execute(
                update(delivery_table)
                .where(delivery_table.c.delivery == name)
                .values(
                    state=state,
                    received_at=func.now() - func.make_interval(0, 0, 0, days),
                    next_at=func.now() if state == "queued" else None,
                )
            )

    webhook_deliveries.prune(site.store, lambda: False)

    assert ["d", "b"] == [each.delivery for each in site.deliveries]


def test_an_admin_manages_a_webhook_in_the_browser(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for(Role.ADMIN)
    token = {"csrf_token": csrf_of(client, site.store)}
    form = {"name": "made", "provider": "gitlab", "project": "infra"}

    refused = client.post("/admin/new-webhook", data=token | form | {"name": "Ä"})
    made = client.post("/admin/new-webhook", data=token | form)
    number = webhooks.find_named(site.store, ROOT, "made").id
    address = f"/admin/webhooks/{number}"
    sender = Sender(Provider.GITLAB, made.text.partition('value="whsec_')[2])
    sender = replace(sender, secret="whsec_" + sender.secret.partition('"')[0])
    assert 202 == site.post(sender.push(MAIN, head(site)), "made").status_code
    site.work()
    shown = client.get(address).text

    assert (422, 200) == (refused.status_code, made.status_code)
    assert "must be 1 to 64 lower case letters" in refused.text
    assert f'href="/deployments/{site.launched[0].id}"' in shown
    assert "whsec_" not in shown
    for action in ("rotate", "finish-rotation", "pause", "resume",
                   "deliveries/1/redeliver", "remove"):  # fmt: skip
        done = client.post(f"{address}/{action}", data=token)
        assert done.status_code in {200, 303}, action
    assert 404 == client.get(address).status_code


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"project": "nothing"}, "project"),
        ({"project": "../infra"}, "project"),
        ({"provider": "svn"}, "provider"),
        ({"status_credential": "ssh:prod"}, "status_credential"),
        ({"provider": "generic", "status_credential": "git-token:a"},
         "status_credential"),
        ({"api_url": "https://git.example.org"}, "status_credential"),
        ({"status_credential": "git-token:a", "api_url": "https://a:b@c"}, "api_url"),
        ({"status_credential": "git-token:a", "api_url": "http://git"}, "api_url"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("site")
def test_a_webhook_that_could_not_work_is_refused(
    client_for: ClientFor, change: dict[str, str], field: str
) -> None:
    client = client_for(tuple(ROOT.permissions))
    body = {"name": "new", "provider": "github", "project": "infra"} | change

    answer = client.post("/api/webhooks", json=body)

    assert 422 == answer.status_code
    assert [field] == list(answer.json()["problems"])


def test_a_token_for_the_status_is_chosen_by_who_may_use_credentials(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for((Permission.ADMIN,))
    body = {"name": "new", "provider": "github", "project": "infra"}

    chosen = client.post(
        "/api/webhooks", json=body | {"status_credential": "git-token:a"}
    )

    assert 403 == chosen.status_code
    assert 201 == client.post("/api/webhooks", json=body).status_code
    assert ["new", "push"] == [
        each.name for each in webhooks.list_all(site.store, ROOT)
    ]
