"""The status of a commit is sent until it is accepted, each by one worker at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app import bootstrap
from app.domain.commit_status import Sent
from app.domain.webhook import Provider
from app.settings import Settings
from app.store import webhook_launches as rows
from app.store.store import Store
from app.store.webhook_launches import DueStatus
from app.store.webhook_tables import webhook_launches as table
from app.usecases import commit_statuses, credentials
from app.usecases.credentials import Change
from testing.factories import ROOT
from testing.status_receiver import StatusReceiver
from testing.web_client import ClientFor
from testing.webhook_sender import create_webhook
from testing.webhook_site import MAIN, make_site

REFERENCE = "git-token:robot"


@pytest.fixture
def receiver() -> Iterator[StatusReceiver]:
    """The API of the provider, which fails once."""
    with StatusReceiver(failures=1).serving() as serving:
        yield serving


@pytest.fixture(autouse=True)
def launched(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    client_for: ClientFor,
    receiver: StatusReceiver,
) -> None:
    """A push whose deployment has a status to be sent."""
    site = make_site(store, settings, tmp_path, client_for)
    box = bootstrap.make_secret_box(settings)
    token = Change(values={"value": "canary-token"})
    credentials.put(store, box, ROOT, REFERENCE, token, replace=False)
    sender = create_webhook(
        store, settings, "reported", Provider.GITHUB, "infra",
        status_credential=REFERENCE, api_url=receiver.url,
    )  # fmt: skip
    site.post(sender.push(MAIN, site.head), "reported")
    site.work()


def due(store: Store) -> DueStatus:
    with store.begin() as db:
        db.execute(update(table).values(next_at=func.now()))
    with store.begin() as db:
        [found] = rows.due(db, 10)
    return found


def claim(store: Store) -> DueStatus:
    one = due(store)
    with store.begin() as db:
        claimed = rows.claim(db, one)
        assert rows.claim(db, one) is None, "another worker has claimed it"
    assert claimed is not None
    return claimed


def state(store: Store) -> tuple[str, int, str, bool]:
    """Return what was sent, the number of tries, the problem, and whether it is due."""
    with store.begin() as db:
        row = db.execute(select(table)).one()
    return row.sent, row.tries, row.problem, row.next_at is not None


def send(store: Store, settings: Settings, networks: str = "127.0.0.0/8") -> int:
    due(store)
    allowed = settings.model_copy(update={"outgoing_private": networks})
    box = bootstrap.make_secret_box(settings)
    return commit_statuses.send_due(store, box, allowed, lambda: False)


def test_a_worker_that_was_slower_than_its_lease_changes_nothing(store: Store) -> None:
    slow = claim(store)
    claimed = claim(store)

    with store.begin() as db:
        assert not rows.mark_sent(db, slow)
        assert not rows.postpone(db, slow, "too late", None)
    assert ("", 0, "", True) == state(store)

    with store.begin() as db:
        assert rows.mark_sent(db, claimed)
        assert not rows.postpone(db, slow, "too late", None)
    assert (Sent.PENDING, 0, "", True) == state(store)


@pytest.mark.parametrize("answer", [404, 401, 429, 500])
def test_an_error_is_followed_by_another_attempt(
    store: Store, settings: Settings, receiver: StatusReceiver, answer: int
) -> None:
    receiver.error = answer

    assert 0 == send(store, settings)
    problem = f"the provider answered with status {answer}"
    assert ("", 1, problem, True) == state(store)
    assert 1 == send(store, settings)

    assert (Sent.PENDING, 0, "", True) == state(store)
    assert [answer, 201] == [each.answered for each in receiver.received]


def test_an_api_that_is_gone_or_may_not_be_reached_is_given_up(
    store: Store, settings: Settings, receiver: StatusReceiver
) -> None:
    receiver.error = 410
    send(store, settings)
    assert ("", 1, "the provider answered with status 410", False) == state(store)

    send(store, settings, networks="")
    _, tries, problem, is_due = state(store)
    assert (2, False) == (tries, is_due)
    assert "an administrator can allow its network" in problem
