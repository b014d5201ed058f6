"""The event log: appended in bulk, read in order, given back byte for byte."""

import pytest
from sqlalchemy import text

from app.domain.events import EventKind, Output, RunnerEvent, RunnerStatus, StepReported
from app.settings import Settings
from app.store import events, output
from app.store.events import SHOWN_TEXT, Occurrence
from app.store.store import Store
from app.worker.translate import translate
from testing.factories import NOW, make_runner_line, make_step_line, request_deployment


@pytest.fixture
def deployment_id(store: Store, settings: Settings) -> int:
    """A deployment with one event: it was queued."""
    return request_deployment(store, settings)


def append(store: Store, deployment_id: int, *lines: bytes, last: int = 1) -> int:
    batch = [Occurrence(NOW, translate(line), 2) for line in lines]
    with store.begin() as db:
        return events.append(db, deployment_id, last, batch)


def read(store: Store, deployment_id: int) -> list[events.Event]:
    with store.begin() as db:
        return events.read(db, deployment_id, after=1)


def printed(store: Store, deployment_id: int, *, script: bool = True) -> bytes:
    with store.begin() as db:
        found = output.read_output(
            db, deployment_id, script=script, after=0, up_to=events.MAX_NUMBER
        )
    assert found is not None
    return b"".join(found.content)


def test_an_open_event_is_printed_in_one_line_with_what_follows(
    store: Store, deployment_id: int
) -> None:
    first = make_runner_line(event="verbose", stdout="one ", stdout_open=True)
    second = make_runner_line(event="verbose", stdout="two ", stdout_open=True)

    append(store, deployment_id, first, second, b"three", b"four")

    assert b"one two three\nfour\n" == printed(store, deployment_id, script=False)
    assert [True, True, False, False] == [
        event.open for event in read(store, deployment_id)
    ]


def test_events_are_numbered_behind_the_last(store: Store, deployment_id: int) -> None:
    assert 3 == append(store, deployment_id, b"one", b"two")
    assert 4 == append(store, deployment_id, b"three", last=3)
    assert 4 == append(store, deployment_id, last=4)

    assert [(2, "one"), (3, "two"), (4, "three")] == [
        (event.number, event.text) for event in read(store, deployment_id)
    ]


def test_every_kind_of_event_is_read_as_it_was(
    store: Store, deployment_id: int
) -> None:
    batch = [
        Occurrence(NOW, Output("text", None, open=True), 1),
        Occurrence(NOW, translate(make_step_line("verify", "success")), 2),
        Occurrence(NOW, translate(make_runner_line()), None),
        Occurrence(NOW, RunnerStatus("running"), 5),
    ]
    with store.begin() as db:
        events.append(db, deployment_id, 1, batch)

    output, step, runner, status = read(store, deployment_id)

    assert (
        events.Event(
            2, NOW, EventKind.OUTPUT, "", 1, "", "", "", "text", cut=False, open=True
        )
        == output
    )
    assert (EventKind.STEP, "verify", "success", 2) == (
        step.kind, step.name, step.result, step.step,
    )  # fmt: skip
    ok = (EventKind.RUNNER, "runner_on_ok", "ok", "web1", "Install packages", None)
    assert ok == (
        runner.kind, runner.name, runner.result, runner.host, runner.task, runner.step,
    )  # fmt: skip
    assert "ok: [web1]" == runner.text
    assert (EventKind.STATUS, "running", None) == (
        status.kind,
        status.name,
        status.step,
    )


LINES = [
    b"plain",
    b"",
    b"nul \0 and \xff\xfe no utf-8",
    "größe ✓ 😀".encode(),
    b"tab\tbackslash \\ \\N \\. quote ' \"",
    b"\x1b[31mred\x1b[0m \r\n"[:-1],
    b"carriage\r",
    b'{"name": "a\\u0000", "state": "running",  "message": "\\u00e9"}',
    b'{"name": "%b", "state": "failure"}' % (b"n" * 10_000),
    b"null",
    b"x" * 100_000,
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_output_comes_back_byte_for_byte(
    store: Store, deployment_id: int, line: bytes
) -> None:
    append(store, deployment_id, line, line)

    assert line + b"\n" + line + b"\n" == printed(store, deployment_id)


def test_a_line_in_pieces_comes_back_as_one(store: Store, deployment_id: int) -> None:
    batch = [
        Occurrence(NOW, Output("one ", None, open=True)),
        Occurrence(NOW, Output("\ufffd", b"\xff", open=True)),
        Occurrence(NOW, Output("three")),
    ]
    with store.begin() as db:
        events.append(db, deployment_id, 1, batch)

    assert b"one \xffthree\n" == printed(store, deployment_id)


def test_of_an_ansible_event_the_output_has_the_display_text(
    store: Store, deployment_id: int
) -> None:
    lines = [
        make_runner_line(stdout="ok: [web1]", counter=1),
        make_runner_line(stdout="", counter=2),
        b'{"status": "running", "runner_ident": "1"}',
        b"raw",
    ]
    append(store, deployment_id, *lines)

    assert b"ok: [web1]\nraw\n" == printed(store, deployment_id, script=False)
    assert b"\n".join([*lines[:2], b"raw\n"]) == printed(store, deployment_id)
    with store.begin() as db:
        found = output.read_data(db, deployment_id, after=0, up_to=5)
    assert found is not None
    assert [line.decode() for line in lines[:2]] == found.content


def test_a_long_text_is_shown_cut(store: Store, deployment_id: int) -> None:
    append(store, deployment_id, b"x" * SHOWN_TEXT, b"x" * (SHOWN_TEXT + 1))

    assert [(SHOWN_TEXT, False), (SHOWN_TEXT, True)] == [
        (len(event.text), event.cut) for event in read(store, deployment_id)
    ]


def test_reading_has_a_window(store: Store, deployment_id: int) -> None:
    append(store, deployment_id, *(b"%d" % n for n in range(2, 12)))

    with store.begin() as db:
        after = events.read(db, deployment_id, after=4, up_to=9, limit=3)
        all_after = events.read(db, deployment_id, after=4, up_to=9)
        before = events.read_before(db, deployment_id, before=9, limit=3)
        first = events.read_before(db, deployment_id, before=3, limit=5)
        none = events.read_before(db, deployment_id, before=0, limit=5)

    assert [5, 6, 7] == [event.number for event in after]
    assert [5, 6, 7, 8, 9] == [event.number for event in all_after]
    assert [6, 7, 8] == [event.number for event in before]
    assert [1, 2] == [event.number for event in first]
    assert [] == none


def test_reading_goes_on_behind_what_was_removed(
    store: Store, deployment_id: int
) -> None:
    append(store, deployment_id, *(b"%d" % n for n in range(2, 12)))

    with store.begin() as db:
        events.delete_some(db, deployment_id, 6)
        found = events.read(db, deployment_id, after=0, up_to=9, limit=3)

    assert [7, 8, 9] == [event.number for event in found]


def test_deployments_do_not_mix(store: Store, settings: Settings) -> None:
    first, second = (request_deployment(store, settings) for _ in range(2))
    append(store, first, b"of the first")
    append(store, second, b"of the second")

    assert ["of the first"] == [event.text for event in read(store, first)]
    assert b"of the second\n" == printed(store, second)


def test_events_are_counted_by_kind(store: Store, deployment_id: int) -> None:
    append(store, deployment_id, b"a", b"b", make_step_line(), make_runner_line())

    with store.begin() as db:
        assert {
            EventKind.QUEUED: 1,
            EventKind.OUTPUT: 2,
            EventKind.STEP: 1,
            EventKind.RUNNER: 1,
        } == (events.count(db, deployment_id))


def test_an_error_while_copying_appends_nothing(
    store: Store, deployment_id: int
) -> None:
    """A number that is taken: the batch of somebody who lost his place."""
    append(store, deployment_id, b"one", b"two")

    with pytest.raises(Exception, match="pk_events"):
        append(store, deployment_id, b"x", b"y", last=2)

    assert ["one", "two"] == [event.text for event in read(store, deployment_id)]
    with store.begin() as db:
        assert 1 == db.scalar(text("SELECT 1"))


def test_the_journals_types_fit_the_columns(store: Store, deployment_id: int) -> None:
    """The longest of everything that translation lets through."""
    widest = RunnerEvent(
        "e" * 100, NOW, "p" * 500, "r" * 500, "t" * 500, "h" * 500, None, "s", "{}"
    )
    step = StepReported("n" * 10_000, translate(make_step_line()).state, "m", "{}")  # type: ignore[union-attr]
    with store.begin() as db:
        events.append(
            db, deployment_id, 1, [Occurrence(NOW, widest, 1200), Occurrence(NOW, step)]
        )

    assert [500, 0] == [len(event.task) for event in read(store, deployment_id)]
