"""The form of a deployment that is launched again, and the other tabs of its page."""

import re

import pytest

from app import bootstrap
from app.domain.access import Role
from app.domain.deployment import Origin
from app.domain.events import TaskResult
from app.domain.options import Options
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, record
from app.usecases.cancel import cancel
from testing.factories import (
    add_service,
    begins,
    ends,
    make_schema,
    make_service,
    recaps,
    record_lines,
    start_deployment,
)
from testing.installation import ACTOR
from testing.web_client import ClientFor

_OPTIONS = Options(limit="web1:web2", tags=["site", "shop"], forks=3, check=True)


@pytest.mark.parametrize("outcome", ["successful", "failed", "canceled", "running"])
def test_launch_again_has_everything_of_a_launch_but_its_secrets(
    client_for: ClientFor, store: Store, settings: Settings, outcome: str
) -> None:
    version = {"type": "string", "default": "1.0"}
    service = make_service(
        name="shop", deploy_script=None, playbook="site.yml",
        variables=make_schema(secret="token", version=version),
        options=["check", "limit", "tags", "forks"],
    )  # fmt: skip
    queue, box = make_queue(settings), bootstrap.make_secret_box(settings)
    number = deploy.launch(
        store, queue, box, actor=ACTOR, origin=Origin.CLI,
        service_name=add_service(store, service).name, options=_OPTIONS,
        given={"version": "4.2.0", "token": "hunter2"},
    )  # fmt: skip
    if outcome == "canceled":
        cancel(store, queue, ACTOR, number)
    else:
        begun = record.mark_starting(store, number, settings.node)
        record.mark_running(store, begun.deployment)
    if outcome in ("successful", "failed"):
        record.finish(store, number, 0 if outcome == "successful" else 2)
    client = client_for(Role.DEPLOYER)

    page = client.get(f"/deployments/{number}").text
    link = re.search(r'href="(/services/shop\?again=\d+)#launch">Launch again', page)
    assert link
    form = client.get(link[1]).text

    assert value(form, "var.version") == "4.2.0"
    assert value(form, "option.limit") == "web1:web2"
    assert value(form, "option.tags") == "site,shop"
    assert value(form, "option.forks") == "3"
    assert "hunter2" not in form
    # It was a check: Enter and the primary button check again.
    first = re.search(r'<button class="button button-primary" [^>]+>([^<]+)', form)
    assert first
    assert first[1] == "Check"
    # A retry would need the secret.
    assert "/retry" not in page


def value(form: str, name: str) -> str:
    """Return the value of an input."""
    found = re.search(rf'<input [^>]*value="([^"]*)"[^>]* name="{name}"', form)
    assert found, name
    return found[1]


def test_the_changes_have_their_diffs_and_come_in_pages(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    service = make_service(deploy_script=None, playbook="site.yml")
    number = start_deployment(store, settings, service).id
    hosts = [f"web{n:02}" for n in range(30)]
    diff = {"before": "old <b>\n", "after": "new\n"}
    lines = [ends("site | Copy", h, TaskResult.CHANGED, diff=diff) for h in hosts]
    record_lines(store, number, begins("site | Copy"), *lines, ends("site | Copy", "z"))
    client = client_for(Role.VIEWER)

    first = client.get(f"/deployments/{number}/changes").text
    link = re.search(r'href="(/deployments/\d+/changes\?after=\d+)"', first)
    assert link
    second = client.get(link[1]).text

    assert '<span data-change="removed">-old &lt;b&gt;' in first
    assert '<span data-change="added">+new' in first
    named = r'<span class="soft">on (\w+)'
    assert hosts == re.findall(named, first) + re.findall(named, second)
    assert "changes?after" not in second


def test_a_rescued_failure_is_counted_and_named_as_rescued(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    """Of a host's failures, the last ones are those that Ansible counts as failed."""
    number = start_deployment(store, settings).id
    record_lines(
        store, number, begins("Try"), ends("Try", "a", TaskResult.FAILED),
        ends("Try", "b", TaskResult.FAILED), begins("Again"),
        ends("Again", "a", TaskResult.FAILED), ends("Again", "b"),
        recaps(ok={"b": 1}, failures={"a": 1}, rescued={"a": 1, "b": 1}),
    )  # fmt: skip
    record.finish(store, number, 2)
    client = client_for(Role.VIEWER)

    text = client.get(f"/deployments/{number}/results").text
    stream = client.get(f"/deployments/{number}/events").text

    statuses = re.findall('<td data-status="([a-z]+)"><a', text)
    assert ["rescued", "rescued", "failed", "ok"] == statuses
    assert '<li data-status="rescued">' in text
    assert "2 rescued" in text
    assert 2 == len(re.findall('data-result-of="Try".*data-status="rescued"', stream))
