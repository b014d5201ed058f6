"""The page of a service, and the comparison of two deployments."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Role
from app.domain.deployment import Deployment
from app.domain.events import StepState, TaskResult
from app.domain.steps import Step
from app.errors import Invalid, NotFound
from app.settings import Settings
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import comparison, deploy, overview, record, trends
from app.usecases.record import Place
from testing.factories import (
    add_service,
    make_schema,
    make_service,
    make_task,
    request_deployment,
    set_columns,
    start_deployment,
)
from testing.web_client import ClientFor

VERSIONED = make_schema(version={"default": "1"})


def run(
    store: Store, settings: Settings, version: str, code: int, *changed: str
) -> Deployment:
    """A run that changed something on these hosts, and ended with that code."""
    service = make_service(variables=VERSIONED)
    number = request_deployment(store, settings, service, given={"version": version})
    begun = record.mark_starting(store, number, settings.node)
    record.mark_running(store, begun.deployment)
    found = deploy.find(store, number)
    now = datetime.now(UTC)
    batch = [
        Occurrence(now, make_task("Install", TaskResult.CHANGED, host=host))
        for host in changed
    ]
    batch.append(Occurrence(now, make_task("Check", TaskResult.OK, host="web1")))
    was = Place(found.journal_offset, found.last_event)
    prepared = Step(1, "prepare", True, StepState.SUCCESS, "", now, now)
    record.record(store, number, was=was, offset=10, batch=batch, changed=[prepared])
    record.finish(store, number, code)
    return deploy.find(store, number)


def test_two_deployments_are_compared_by_all_that_they_have(
    store: Store, settings: Settings
) -> None:
    a = run(store, settings, "1", 0, "web1", "web2")
    b = run(store, settings, "2", 3, "web2", "web3")

    compared = comparison.look(store, "hello", a.id, b.id)

    assert ("1", "2") == (compared.a.deployment.version, compared.b.deployment.version)
    (version,) = compared.comparison.variables
    assert ("version", "1", "2", True) == (
        version.name, version.a, version.b, version.differs,
    )  # fmt: skip
    (change,) = compared.comparison.changes
    assert ("Install", ["web2"], ["web1"], ["web3"]) == (
        change.task, change.both, change.a, change.b,
    )  # fmt: skip
    assert ["prepare", "verify"] == [p.name for p in compared.comparison.steps]
    assert [] == compared.comparison.config
    assert not compared.a.cut


def test_without_the_first_one_it_is_the_last_that_succeeded(
    store: Store, settings: Settings
) -> None:
    good = run(store, settings, "1", 0)
    run(store, settings, "2", 1)
    last = run(store, settings, "3", 1)

    assert good.id == comparison.look(store, "hello", None, last.id).a.deployment.id
    with pytest.raises(NotFound, match="succeeded before"):
        comparison.look(store, "hello", None, good.id)


def test_what_can_not_be_compared_is_said(store: Store, settings: Settings) -> None:
    one = run(store, settings, "1", 0).id
    other = request_deployment(store, settings, make_service(name="other"))

    with pytest.raises(Invalid, match="two different"):
        comparison.look(store, "hello", one, one)
    for a, b in ((one, other), (other, one), (one, one + 100), (None, 2**63)):
        with pytest.raises(NotFound):
            comparison.look(store, "hello", a, b)


def test_of_very_many_changes_the_first_are_compared(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = run(store, settings, "1", 0, "web1", "web2")
    b = run(store, settings, "1", 0, "web1")
    monkeypatch.setattr(comparison, "CHANGES", 1)

    compared = comparison.look(store, "hello", a.id, b.id)

    assert (True, False) == (compared.a.cut, compared.b.cut)
    assert [["web1"]] == [change.both for change in compared.comparison.changes]


def test_a_comparison_is_an_address_that_the_history_leads_to(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    a = run(store, settings, "<script>alert(1)</script>", 0, "web1")
    b = run(store, settings, "2", 3, "web2")
    client = client_for(Role.VIEWER)

    history = client.get("/services/hello").text
    page = client.get(f"/services/hello/compare?a={a.id}&b={b.id}").text

    assert 'action="/services/hello/compare"' in history
    assert f'name="a" value="{a.id}" form="compare" checked' in history
    assert f'name="b" value="{b.id}" form="compare" checked' in history
    assert "<script>alert" not in page
    assert "web2" in page
    assert f"/services/hello/compare?a={b.id}&amp;b={a.id}" in page
    assert 'form="compare"' not in client.get("/deployments").text
    for query, status in (("", 404), ("a=1", 404), ("a=x&b=y", 422), ("b=-1", 422)):
        answer = client.get(f"/services/hello/compare?{query}")
        assert status == answer.status_code
    same = client.get(f"/services/hello/compare?a={a.id}&b={a.id}")
    assert 422 == same.status_code


# How it went


def test_a_service_shows_the_outcomes_of_its_last_runs(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    for code in (0, 0, 0, 1):
        run(store, settings, "1", code)
    start_deployment(store, settings)

    trend = trends.look(store, "hello")
    page = client_for(Role.VIEWER).get("/services/hello").text

    assert 0.75 == trend.rate
    assert [1, 2, 3, 4] == [found.number for found in trend.runs]
    assert ["prepare"] == [step.name for step in trend.steps]
    assert "75 %" in page
    assert 4 == page.count('class="chart-bar"')
    with pytest.raises(NotFound):
        trends.look(store, "nothing")


def test_a_service_that_never_ran_has_no_chart(
    client_for: ClientFor, store: Store
) -> None:
    add_service(store)

    assert "chart" not in client_for(Role.VIEWER).get("/services/hello").text


def test_what_runs_now_is_what_succeeded_last(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    good = run(store, settings, "1.2.3", 0)
    run(store, settings, "1.3.0", 1)

    (glance,) = overview.look(store).services
    (spot,) = glance.spots

    assert ("1.2.3", good.id) == (spot.version, spot.brought_by)
    assert "1.2.3" in client_for(Role.VIEWER).get("/").text


def test_what_is_registered_is_shown_with_the_rule_of_sudo(
    client_for: ClientFor, store: Store
) -> None:
    add_service(
        store,
        make_service(
            registration={
                "run_as": "deploy_x", "become": "full", "egress": ["db.example:5432"],
            }
        ),
    )  # fmt: skip

    page = client_for(Role.VIEWER).get("/services/hello").text

    assert "deploy_x, may become root" in page
    assert "db.example:5432" in page
    assert "(deploy_x) CWD=/home/deploy_x/runners/hello NOPASSWD: " in page
    assert "/runners/hello/deploy.py ^--config " in page


def test_what_a_pruned_deployment_changed_is_not_known(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    a, b = (run(store, settings, "1", 0) for _ in range(2))
    with store.begin() as db:
        set_columns(db, a.id, pruned_at=datetime.now(UTC))

    page = client_for(Role.VIEWER).get(f"/services/hello/compare?a={a.id}&b={b.id}")

    assert f"The output of #{a.id} was deleted" in page.text
