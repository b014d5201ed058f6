"""How webhooks are created, changed and kept."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, update

from app import bootstrap
from app.domain.access import Permission, Role
from app.domain.webhook import DeliveryState, Provider
from app.encryption import SecretBox
from app.queue import make_queue
from app.settings import Settings
from app.store import webhooks as stored_webhooks
from app.store.store import Store
from app.store.webhook_tables import webhook_deliveries as delivery_table
from app.usecases import (
    restore,
    secret_rotation,
    webhook_deliveries,
    webhooks,
)
from testing.factories import ROOT
from testing.web_client import ClientFor, csrf_of
from testing.webhook_sender import Sender
from testing.webhook_site import MAIN, Site, make_site


@pytest.fixture
def site(
    store: Store, settings: Settings, tmp_path: Path, client_for: ClientFor
) -> Site:
    return make_site(store, settings, tmp_path, client_for)


def test_both_secrets_are_valid_until_the_rotation_ends(site: Site) -> None:
    secret_box = bootstrap.make_secret_box(site.settings)
    secret = webhooks.rotate(site.store, secret_box, ROOT, site.sender.id)
    rotated = replace(site.sender, secret=secret)
    commit = site.head

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


def test_a_restored_installation_launches_no_delivery_of_its_backup(site: Site) -> None:
    site.push(MAIN, site.head)
    secret_box = bootstrap.make_secret_box(site.settings)
    queue = make_queue(site.settings)

    restore.settle(site.store, site.settings, secret_box, queue, ROOT, was="test")

    assert 0 == site.work()
    (delivery,) = site.deliveries
    assert DeliveryState.SKIPPED == delivery.state
    assert "deliver it again" in delivery.answer


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
    assert 202 == site.post(sender.push(MAIN, site.head), "made").status_code
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

    answer = client.post("/api/v1/webhooks", json=body)

    assert 422 == answer.status_code
    assert [field] == list(answer.json()["problems"])


def test_a_token_for_the_status_is_chosen_by_who_may_use_credentials(
    site: Site, client_for: ClientFor
) -> None:
    client = client_for((Permission.ADMIN,))
    body = {"name": "new", "provider": "github", "project": "infra"}

    chosen = client.post(
        "/api/v1/webhooks", json=body | {"status_credential": "git-token:a"}
    )

    assert 403 == chosen.status_code
    assert 201 == client.post("/api/v1/webhooks", json=body).status_code
    assert ["new", "push"] == [
        each.name for each in webhooks.list_all(site.store, ROOT)
    ]
