"""The table of owed handlers: what deployments add to it and take from it."""

import pytest

from app.domain.owed_handlers import OwedHandler
from app.errors import Conflict
from app.settings import Settings
from app.store import owed_handlers
from app.store.store import Store
from app.usecases import deploy, failures, record
from app.usecases.record import Place
from app.usecases.services import owed_handlers_of
from app.worker.translate import MAX_HANDLER
from testing.factories import make_runner_line, make_service, start_deployment
from testing.recording import take_in


def result(event: str = "runner_on_ok", host: str = "web1", **data: object) -> bytes:
    """A line with the result of a task that changed its host."""
    about = {"task": "Configure", "host": host, "res": {"changed": True}}
    return make_runner_line(event=event, event_data=about | data)


NOTIFY = result(notified=["restart"])
RAN = result(ran_handler="restart")


def begin(store: Store, settings: Settings, *lines: bytes) -> int:
    number = start_deployment(store, settings).id
    for line in lines:
        take_in(store, number, line)
    return number


def run(store: Store, settings: Settings, *lines: bytes, exit_code: int = 2) -> int:
    """Record a run line by line, and its end; return its number."""
    number = begin(store, settings, *lines)
    record.finish(store, number, exit_code)
    return number


def owed(store: Store, number: int) -> list[OwedHandler]:
    with store.begin() as db:
        return owed_handlers.of_deployment(db, number)


def names(store: Store, number: int) -> list[str]:
    return [each.handler for each in owed(store, number)]


def test_what_was_notified_and_did_not_run_is_owed_at_the_end(
    store: Store, settings: Settings
) -> None:
    number = begin(store, settings, NOTIFY, result(notified=["restart", "reload"]))
    before = owed(store, number)

    record.finish(store, number, 2)

    assert [] == before
    assert [
        OwedHandler(number, "web1", "restart", "Configure", 3),
        OwedHandler(number, "web1", "reload", "Configure", 4),
    ] == owed(store, number)
    found = failures.look(store, deploy.view(store, number))
    assert owed(store, number) == found.owed


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (RAN, []),
        (result("runner_on_skipped", ran_handler="restart"), []),
        (result("runner_on_failed", ran_handler="restart"), ["restart"]),
        (result("runner_on_unreachable", ran_handler="restart"), ["restart"]),
        (result(host="web2", ran_handler="restart"), ["restart"]),
        (result(host="web2", ran_handler="restart", for_all=True), []),
    ],
    ids=["ran", "skipped", "failed", "unreachable", "on-another", "once-for-all"],
)
def test_a_handler_of_the_same_run_settles_it(
    store: Store, settings: Settings, line: bytes, left: list[str]
) -> None:
    assert left == names(store, run(store, settings, NOTIFY, line))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (RAN, []),
        (result(), ["restart"]),
        (result("runner_on_skipped", ran_handler="restart"), ["restart"]),
        (result(host="web2", ran_handler="restart"), ["restart"]),
        (result(ran_handler="other"), ["restart"]),
    ],
    ids=["ran", "green", "skipped", "on-another-host", "another-handler"],
)
def test_only_a_later_run_of_the_handler_on_the_host_settles_it(
    store: Store, settings: Settings, line: bytes, left: list[str]
) -> None:
    failed = run(store, settings, NOTIFY)

    later = run(store, settings, line, exit_code=0)

    service_id = deploy.find(store, later).service_id
    assert left == names(store, failed)
    assert left == [each.handler for each in owed_handlers_of(store, service_id)]


def test_a_run_of_another_service_settles_nothing(
    store: Store, settings: Settings
) -> None:
    failed = run(store, settings, NOTIFY)
    other = make_service(name="other")
    number = start_deployment(store, settings, other).id
    take_in(store, number, RAN)
    record.finish(store, number, 0)

    assert ["restart"] == names(store, failed)


def test_a_refused_batch_changes_nothing(store: Store, settings: Settings) -> None:
    failed = run(store, settings, NOTIFY)
    number = begin(store, settings)

    with pytest.raises(Conflict):
        record.record(store, number, was=Place(10, 9), offset=20, batch=[], changed=[])
    take_in(store, number, NOTIFY)
    with pytest.raises(Conflict):
        # Another worker has recorded this piece.
        record.record(store, number, was=Place(0, 2), offset=20, batch=[], changed=[])
    record.finish(store, number, 0)

    assert ["restart"] == names(store, failed)
    assert ["restart"] == names(store, number)


def test_many_hosts_long_names_and_wrong_types_are_recorded(
    store: Store, settings: Settings
) -> None:
    long = "\N{SNOWMAN}" * 1000
    lines = [result(host=f"h{n:04}" + long, notified=[long, 7, ""]) for n in range(300)]
    number = start_deployment(store, settings).id
    take_in(store, number, *lines, result(notified="all"), result(ran_handler=["x"]))
    record.finish(store, number, 2)

    found = owed(store, number)

    assert owed_handlers.MAX_LISTED == len(found)
    assert {long[:MAX_HANDLER]} == {each.handler for each in found}
