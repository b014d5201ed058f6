"""What the rules of a project launch for a push, and when nothing is launched."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, update

from app.domain.access import Role
from app.domain.deployment import Status
from app.domain.webhook import DeliveryState, Provider
from app.settings import Settings
from app.store.store import Store
from app.store.webhook_tables import webhook_deliveries as delivery_table
from app.store.webhook_tables import webhook_launches
from testing.web_client import ClientFor
from testing.webhook_sender import Request, create_webhook
from testing.webhook_site import DESCRIPTION, MAIN, Site, make_site


@pytest.fixture
def site(
    store: Store, settings: Settings, tmp_path: Path, client_for: ClientFor
) -> Site:
    return make_site(store, settings, tmp_path, client_for)


def no_rule(site: Site) -> Request:
    return site.sender.push("refs/heads/draft", site.head)


def other_paths(site: Site) -> Request:
    before = site.head
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
    return site.sender.push("refs/tags/test-1", site.head)


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
    commit = site.head
    site.repository.git("tag", "--annotate", "-m", "Release", "v1")

    site.push("refs/tags/v1", site.repository.git("rev-parse", "v1"))
    site.work()

    (launched,) = site.launched
    assert ("infra/site@production", commit, {"release": "v1"}) == (
        launched.service_name, launched.commit, launched.variables,
    )  # fmt: skip


def test_a_push_to_an_environment_with_approval_waits(site: Site) -> None:
    asking = DESCRIPTION.replace('refs: ["v*"]', 'refs: ["v*"], approval: true')
    commit = site.repository.commit("Ask", {"fastdeploy.yml": asking})
    site.repository.git("tag", "v1")

    site.push("refs/tags/v1", commit)
    site.work()

    (launched,) = site.launched
    assert Status.WAITING_FOR_APPROVAL is launched.status


def test_a_new_branch_without_an_earlier_commit_counts_as_changed(site: Site) -> None:
    site.push(MAIN, site.head)
    site.push(MAIN, site.head, "d" * 40)
    site.work()

    assert 2 == len(site.launched)


def test_a_branch_can_not_define_what_its_push_launches(site: Site) -> None:
    site.repository.git("checkout", "--quiet", "-b", "draft")
    opened = DESCRIPTION.replace("ref: main", "ref: draft")
    commit = site.repository.commit("Open", {"fastdeploy.yml": opened})
    site.repository.git("checkout", "--quiet", "main")

    site.push("refs/heads/draft", commit)
    site.work()

    assert [] == site.launched


def test_a_repository_that_is_away_is_fetched_again_later(
    site: Site, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    commit = site.head
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
        for commit in ("d" * 40, site.head)
    )

    site.post(sender.sign({"push": {"changes": [gone, here]}}, "repo:push", "one"),
              "other")  # fmt: skip
    site.work()

    assert [site.head] == [each.commit for each in site.launched]


def test_a_delivery_that_can_not_be_handled_fails_at_last(site: Site) -> None:
    site.push(MAIN, site.head)
    with site.store.begin() as db:
        db.execute(update(delivery_table).values(tries=12))

    site.work()

    (delivery,) = site.deliveries
    assert DeliveryState.FAILED == delivery.state
    assert "handled too often" in delivery.answer


def test_a_deployment_links_to_the_commit_at_its_provider(
    site: Site, client_for: ClientFor
) -> None:
    commit = site.head
    site.push(MAIN, commit)
    site.work()
    with site.store.begin() as db:
        url = "git@github.com:acme/infra.git"
        db.execute(update(webhook_launches).values(repository=url))

    shown = client_for(Role.VIEWER).get(f"/deployments/{site.launched[0].id}").text

    assert f'href="https://github.com/acme/infra/commit/{commit}"' in shown
