"""Continue a deployment: which hosts, which handlers, and what it counts for."""

import pytest

from app import bootstrap
from app.domain.deployment import Deployment, Origin, Status
from app.domain.retry import RetryScope
from app.domain.run_warning import WarningKind
from app.domain.service import Service
from app.errors import Conflict
from app.queue import make_queue
from app.settings import Settings
from app.store import deployments, outcomes, owed_handlers
from app.store.store import Store
from app.usecases import deploy, record, retries, retry_plans
from testing.factories import ROOT, ends, make_schema, make_service, start_deployment
from testing.recording import (
    handled,
    make_owing,
    notify,
    plays,
    recaps,
    record_run,
    take_in,
)

SITE = make_service(name="site", deploy_script=None, playbook="site.yml", steps=[])


def retry(
    store: Store,
    settings: Settings,
    number: int,
    scope: RetryScope = RetryScope.CONTINUE,
) -> Deployment:
    again = retries.retry(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        deployment_id=number,
        scope=scope,
    )
    return deploy.find(store, again)


def run(
    store: Store,
    settings: Settings,
    *lines: bytes,
    exit_code: int = 2,
    service: Service = SITE,
) -> int:
    return record_run(store, settings, *lines, exit_code=exit_code, service=service)


def finish(
    store: Store, settings: Settings, number: int, *lines: bytes, exit_code: int = 0
) -> Deployment:
    """Let a worker run a queued deployment to its end."""
    begun = record.mark_starting(store, number, settings.node)
    record.mark_running(store, begun.deployment)
    take_in(store, number, *lines)
    record.finish(store, number, exit_code)
    return deploy.find(store, number)


def current(store: Store, number: int) -> int | None:
    """Return the deployment that has the running version of the service of another."""
    service_id = deploy.find(store, number).service_id
    with store.begin() as db:
        found = outcomes.last_successful(db, [service_id]).get(service_id)
    return found.id if found else None


def test_it_is_limited_to_what_was_not_finished_and_runs_owed_handlers(
    store: Store, settings: Settings
) -> None:
    number = run(
        store,
        settings,
        plays("fine", "failed", "gone", waiting=["later"]),
        notify("failed", "restart"),
        notify("fine", "restart"),
        handled("fine", "restart"),
        recaps(
            ok=["fine", "failed"], failed=["failed"], dark={"gone": 1},
            unfinished=["later"],
        ),
    )  # fmt: skip

    again = retry(store, settings, number)

    assert (("failed", "gone", "later"), RetryScope.CONTINUE, number) == (
        again.hosts, again.retry_scope, again.retry_of
    )  # fmt: skip
    assert {"failed": ["restart"]} == retry_plans.owed_first(store, again)
    assert again.partial
    assert again.counts


@pytest.mark.parametrize(
    ("lines", "hosts"),
    [
        pytest.param(
            [plays("a", "b", waiting=["c"]), ends("x", "a")],
            ("a", "b", "c"),
            id="killed",
        ),
        pytest.param([], None, id="before-the-first-play"),
        pytest.param([plays("a"), recaps(ok=["a"])], None, id="nobody-failed"),
        pytest.param(
            [plays("a"), recaps(ok=["a"], unfinished=["b", "… [cut: 9 more items]"])],
            None,
            id="too-many",
        ),
        pytest.param([plays("@a"), recaps(failed=["@a"])], None, id="not-a-limit"),
    ],
)
def test_the_hosts_that_were_not_finished(
    store: Store, settings: Settings, lines: list[bytes], hosts: tuple[str, ...] | None
) -> None:
    number = run(store, settings, *lines)

    sentence = str(retry_plans.choices(store, number)[0].plan)
    again = retry(store, settings, number)

    assert hosts == again.hosts
    assert (hosts is None) is ("It can't be limited to some hosts" in sentence)


def test_both_count_as_one_for_the_running_version(
    store: Store, settings: Settings
) -> None:
    before = run(store, settings, plays("web1"), recaps(ok=["web1"]), exit_code=0)
    failed = make_owing(store, settings)
    retried = retry(store, settings, failed, RetryScope.FAILED)
    finish(store, settings, retried.id, recaps(ok=["web1"]))
    assert before == current(store, failed)

    again = retry(store, settings, failed)
    finish(store, settings, again.id, recaps(ok=["web1"]))

    assert again.id == current(store, failed)


def test_one_that_fails_is_continued_and_completes_the_first(
    store: Store, settings: Settings
) -> None:
    failed = make_owing(store, settings)
    second = retry(store, settings, failed)
    finish(store, settings, second.id, plays("web1"), recaps(failed=["web1"]),
           exit_code=2)  # fmt: skip

    with pytest.raises(Conflict, match=f"deployment {second.id} continues it"):
        retry(store, settings, failed)
    third = retry(store, settings, second.id)
    finish(store, settings, third.id, recaps(ok=["web1"]))

    assert (("web1",), third.id) == (third.hosts, current(store, failed))
    assert {"web1": ["restart"]} == retry_plans.owed_first(store, third)


def test_a_check_on_some_hosts_completes_nothing(
    store: Store, settings: Settings
) -> None:
    limited = SITE.model_copy(update={"options": ("limit",)})
    number = start_deployment(store, settings, limited).id
    with store.begin() as db:
        deployments._update(db, number, partial=True)  # noqa: SLF001
    take_in(store, number, plays("web1"), recaps(failed=["web1"]))
    record.finish(store, number, 2)

    again = retry(store, settings, number)

    assert (False, False) == (again.completes, again.counts)


def test_after_a_later_success_that_one_is_continued(
    store: Store, settings: Settings
) -> None:
    failed = make_owing(store, settings)
    green = run(store, settings, plays("web1", "web2"), recaps(ok=["web1", "web2"]),
                exit_code=0)  # fmt: skip

    with pytest.raises(Conflict, match=f"deployment {green} was successful since"):
        retry(store, settings, failed)
    again = retry(store, settings, green)

    assert ("web1",) == again.hosts
    assert {"web1": ["restart"]} == retry_plans.owed_first(store, again)
    finish(store, settings, again.id, handled("web1", "restart"),
           recaps(ok=["web1"]))  # fmt: skip
    with store.begin() as db:
        assert {} == owed_handlers.by_host(db, again.service_id)
    with pytest.raises(Conflict, match="nothing to continue"):
        retry(store, settings, again.id)


def test_what_has_no_hosts_is_refused(store: Store, settings: Settings) -> None:
    script = record_run(store, settings)
    started = start_deployment(store, settings, SITE).id

    with pytest.raises(Conflict, match="ran a script, which has no hosts"):
        retry(store, settings, script)
    with pytest.raises(Conflict, match="is running; wait"):
        retry(store, settings, started)
    record.finish(store, started, 2)
    with pytest.raises(Conflict, match="no host that failed or was unreachable"):
        retry(store, settings, started, RetryScope.FAILED)


def test_secret_variables_are_not_kept(store: Store, settings: Settings) -> None:
    secret = SITE.model_copy(
        update=dict(make_service(name="site", deploy_script=None, playbook="site.yml",
                                 steps=[], variables=make_schema("password")))
    )  # fmt: skip
    number = run(
        store, settings, plays("web1"), recaps(failed=["web1"]), service=secret
    )

    with pytest.raises(Conflict, match="secret variables are not kept"):
        retry(store, settings, number)


def test_retry_failed_runs_no_handlers_and_a_retry_does_the_same_again(
    store: Store, settings: Settings
) -> None:
    number = make_owing(store, settings)

    failed = retry(store, settings, number, RetryScope.FAILED)
    finish(store, settings, failed.id, recaps(failed=["web1"]), exit_code=2)
    again = retry(store, settings, failed.id, RetryScope.ALL)

    assert {} == retry_plans.owed_first(store, failed)
    assert not failed.counts
    assert (failed.hosts, failed.retry_scope) == (again.hosts, again.retry_scope)


def test_a_handler_that_is_not_in_the_playbook_any_more_is_a_warning(
    store: Store, settings: Settings
) -> None:
    again = retry(store, settings, make_owing(store, settings))

    missing = [["web1", "restart"], ["x"]]
    end = recaps(ok=["web1"], missing_handlers=missing)
    ended = finish(store, settings, again.id, plays("web1"), end)

    [warning] = ended.warnings
    assert (Status.SUCCESSFUL, WarningKind.STILL_OWED) == (ended.status, warning.kind)
    assert "web1 still owes: restart (not in the playbook)" == str(warning)
    with store.begin() as db:
        assert {"web1": ["restart"]} == owed_handlers.by_host(db, ended.service_id)
