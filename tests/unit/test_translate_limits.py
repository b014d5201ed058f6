"""Hostile lines of a journal: secrets in them, depth, size and odd times."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import (
    Output,
    RunnerEvent,
    RunnerStatus,
    StepReported,
    StepState,
)
from app.runner.masking import MASK, Masker
from app.worker.translate import translate
from testing.factories import NOW, UUID, make_runner_line


def event(name: str, /, **data: Any) -> RunnerEvent:
    found = translate(make_runner_line(event=name, event_data=data))
    assert isinstance(found, RunnerEvent)
    return found


def test_texts_of_an_event_are_cut_and_hold_no_nul() -> None:
    line = make_runner_line(
        event="e" * 1000,
        stdout="a\0b",
        event_data={"task": "t\0" * 1000, "host": "h" * 1000, "play": 5},
    )

    found = translate(line)

    assert isinstance(found, RunnerEvent)
    assert "e" * 100 == found.event
    assert "a\ufffdb" == found.stdout
    assert "t\ufffd" * 250 == found.task
    assert "h" * 500 == found.host
    assert "" == found.play


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-05-04T13:37:00", NOW),
        ("2026-05-04T15:37:00+02:00", NOW),
        ("yesterday", None),
        (5, None),
        (None, None),
    ],
    ids=["without-zone", "with-zone", "word", "number", "null"],
)
def test_the_time_of_an_event_is_read_where_it_can_be(
    created: object, expected: datetime | None
) -> None:
    found = translate(make_runner_line(created=created))

    assert isinstance(found, RunnerEvent)
    assert expected == found.at


@pytest.mark.parametrize(
    "created", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_time_at_the_edge_of_all_times_can_be_compared(created: str) -> None:
    found = translate(make_runner_line(created=created))

    assert isinstance(found, RunnerEvent)
    assert found.at is not None
    assert NOW == sorted([found.at, NOW, NOW])[1]


def test_a_status_line_leaves_its_environment_behind() -> None:
    line = {
        "status": "starting",
        "runner_ident": "7",
        "command": ["ansible-playbook"],
        "env": {"DATABASE_PASSWORD": "hunter2"},
        "cwd": "/",
    }

    found = translate(json.dumps(line).encode())

    assert RunnerStatus("starting") == found
    assert "hunter2" not in repr(found)


def test_a_status_line_of_a_script_is_output_without_the_environment() -> None:
    plain = b'{"status":"running",  "runner_ident":"7", "more":1}'
    with_env = b'{"status":"starting","runner_ident":"7","env":{"A":"hunter2"}}'

    assert Output(plain.decode()) == translate(plain, script=True)
    assert Output(
        '{"status":"starting","runner_ident":"7","env":"********"}'
    ) == translate(with_env, script=True)


def test_a_step_with_a_secret_stays_the_step_that_it_is() -> None:
    line = b'{"name":"go 1234","state":"running","message":"running","n":1234}'
    masker = Masker(["1234", "running"])

    assert StepReported(
        f"go {MASK}",
        StepState.RUNNING,
        MASK,
        f'{{"name":"go {MASK}","state":"{MASK}","message":"{MASK}","n":{MASK}}}',
    ) == translate(line, masker)


def test_an_event_with_a_secret_stays_the_event_that_it_is() -> None:
    line = make_runner_line(counter=1234, stdout="ok: 1234", more="runner_on_ok")

    found = translate(line, Masker(["1234", UUID[:8]]))

    assert isinstance(found, RunnerEvent)
    assert f"ok: {MASK}" == found.stdout
    data = json.loads(found.data)
    assert {**json.loads(line), "stdout": f"ok: {MASK}"} == data


def test_an_event_that_is_held_together_by_a_secret_is_output() -> None:
    secret = "0242ac11-0002-1f3b-93a8-00000000beef"
    line = make_runner_line(uuid=secret, event="runner_on_ok")

    found = translate(line, Masker([secret]))

    assert isinstance(found, Output)
    assert secret not in found.text


DEPTHS = [100, 253, 254, 255, 300, 900, 1000, 1020, 1024, 1025, 5000, 100_000]
DEEP = [
    '{"name":"a","state":"running","message":%s}',
    make_runner_line(event_data={"res": "%s"}).decode().replace('"%s"', "%s"),
    '{"status":"running","runner_ident":%s}',
    '{"status":"running","runner_ident":"1","env":%s}',
    '{"a":%s}',
]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("form", DEEP, ids=["step", "event", "status", "env", "other"])
def test_no_depth_stops_the_translation_or_shows_a_secret(
    depth: int, form: str
) -> None:
    line = form.replace("%s", "[" * depth + '"hunter2"' + "]" * depth).encode()

    for script in (True, False):
        found = translate(line, Masker(["hunter2"]), script=script)
        assert "hunter2" not in repr(found)
        assert translate(line, script=script) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(["event", "state", "status", "uuid", "name", "event_data", "a"]),
)
def test_no_line_stops_the_translation_or_shows_a_secret(
    value: object, key: str
) -> None:
    found = {**json.loads(make_runner_line()), key: value, "x": ["hunter2", value]}
    line = json.dumps(found).encode()

    for script in (True, False):
        event = translate(line, Masker(["hunter2"]), script=script)
        assert "hunter2" not in repr(event)


def test_a_line_of_200_000_braces_is_read_without_harm() -> None:
    line = b"{" * 200_000

    assert Output(line.decode()) == translate(line)
