"""Webhooks: what is stored of a request, and what a delivery launches."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import bootstrap
from app.domain.deployment import Origin
from app.domain.webhook import DeliveryState, Provider
from app.settings import Settings
from app.store.store import Store
from app.usecases import (
    webhook_deliveries,
    webhook_receipts,
    webhooks,
)
from app.usecases.webhook_receipts import Receipt
from app.web.middleware import MAX_BODY
from testing.factories import ROOT
from testing.web_client import ClientFor
from testing.webhook_sender import Request, create_webhook
from testing.webhook_site import MAIN, Site, make_site


@pytest.fixture
def site(
    store: Store, settings: Settings, tmp_path: Path, client_for: ClientFor
) -> Site:
    return make_site(store, settings, tmp_path, client_for)


def test_a_push_launches_the_pushed_commit_as_its_rule_says(site: Site) -> None:
    before = site.head
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
    request = site.sender.push(MAIN, site.head, delivery="one")
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
    answer = site.post(change(site.sender.push(MAIN, site.head)))

    assert status == answer.status_code
    assert "error" in answer.json()
    assert 0 == site.work()
    assert ([], []) == (site.deliveries, site.launched)
    kept = webhooks.find(site.store, ROOT, site.sender.id).refused_reason
    assert (answer.json()["error"] if status != 413 else "") == kept


def test_a_signed_form_and_a_get_are_refused_with_what_to_do(site: Site) -> None:
    """GitHub can send forms, and Gitea both, if its settings say so."""
    form = b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
    headers, body = site.sender.sign(form, "push", "one")
    headers["content-type"] = "application/x-www-form-urlencoded"

    answer = site.post((headers, body))

    assert 422 == answer.status_code
    assert "choose the content type application/json" in answer.json()["error"]
    assert 405 == site.client.get("/hooks/push").status_code
    assert ([], []) == (site.deliveries, site.launched)


def test_an_old_timestamp_is_refused(site: Site) -> None:
    generic = create_webhook(
        site.store, site.settings, "own", Provider.GENERIC, "infra"
    )
    payload = {"ref": MAIN, "commit": site.head}

    old = site.post(generic.sign(payload, "push", "one", at=1_700_000_000), "own")
    new = site.post(generic.sign(payload, "push", "one"), "own")

    assert [403, 202] == [old.status_code, new.status_code]
    assert "5 minutes" in old.json()["error"]


@pytest.mark.parametrize("provider", Provider)
def test_a_push_of_each_provider_is_launched(site: Site, provider: Provider) -> None:
    sender = create_webhook(site.store, site.settings, "other", provider, "infra")

    answer = site.post(sender.push(MAIN, site.head), "other")
    site.work()

    assert 202 == answer.status_code
    assert ["webhook:other"] == [each.actor for each in site.launched]


def test_an_unknown_webhook_is_not_found(site: Site) -> None:
    assert 404 == site.post(site.sender.push(MAIN, site.head), "nothing").status_code


def test_a_delivery_is_launched_again_on_demand(site: Site) -> None:
    site.push(MAIN, site.head)
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
    answer = site.push(MAIN, site.head)
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
