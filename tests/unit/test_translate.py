"""One line of a journal becomes one event, whatever the line is."""

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
    Stats,
    StepReported,
    StepState,
    TaskResult,
)
from app.runner.masking import MASK, Masker
from app.worker.translate import output, translate
from testing.factories import NOW, UUID, make_runner_line, make_step_line

LONG = b"n" * 10_000


@pytest.mark.parametrize("state", StepState)
def test_a_step_line_is_a_step(state: StepState) -> None:
    line = f'{{"name": "prepare", "state": "{state}", "message": "é"}}'

    assert StepReported("prepare", state, "é", line) == translate(line.encode())


@pytest.mark.parametrize(
    ("line", "name", "message"),
    [
        (b'{"state":"running","name":"a"}', "a", ""),
        (b'{"name": "a", "state": "running", "message": null}', "a", "null"),
        (b'{"name": "a", "state": "running", "message": {"b": 1}}', "a", '{"b":1}'),
        (b'{"name": "a", "state": "running", "more": [1]}', "a", ""),
        (b'{"name": "x", "name": "a", "state": "running"}', "a", ""),
        (b'{"name": "a\\u0000b", "state": "running"}', "a\ufffdb", ""),
        (b'{"name": "<b>a</b>", "state": "running"}', "<b>a</b>", ""),
        (b'{"name": "%b", "state": "running"}' % LONG, LONG.decode(), ""),
    ],
    ids=[
        "no-message",
        "message-null",
        "message-object",
        "more-keys",
        "duplicate-keys",
        "nul",
        "html",
        "huge-name",
    ],
)
def test_a_step_line_is_read_kindly(line: bytes, name: str, message: str) -> None:
    assert StepReported(name, StepState.RUNNING, message, line.decode()) == translate(
        line
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"42", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="string"),
        pytest.param(b'[{"name": "a", "state": "running"}]', id="array"),
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b"{", id="cut-object"),
        pytest.param(b'{"a": {"name": "a", "state": "running"}}', id="nested"),
        pytest.param(b'{"name": "a", "state": "running"} x', id="text-behind"),
        pytest.param(b'{"name": "a", "state": "done"}', id="unknown-state"),
        pytest.param(b'{"name": "a", "state": 1}', id="state-number"),
        pytest.param(b'{"name": "a", "state": ["running"]}', id="state-list"),
        pytest.param(b'{"name": "a", "state": null}', id="state-null"),
        pytest.param(b'{"name": "a"}', id="no-state"),
        pytest.param(b'{"state": "running"}', id="no-name"),
        pytest.param(b'{"name": "", "state": "running"}', id="empty-name"),
        pytest.param(b'{"name": " \\t", "state": "running"}', id="blank-name"),
        pytest.param(b'{"name": 5, "state": "running"}', id="name-number"),
        pytest.param(b'{"name": NaN, "state": "running"}', id="nan"),
        pytest.param(b'{"name": "\\ud800", "state": "running"}', id="lone-surrogate"),
        pytest.param(b'{"a":' * 3000 + b"1" + b"}" * 3000, id="deep"),
        pytest.param(b'{"status": "failed"}', id="status-without-ident"),
        pytest.param(b'{"status": "hacked", "runner_ident": "1"}', id="unknown-status"),
        pytest.param(b'{"status": ["failed"], "runner_ident": "1"}', id="status-list"),
        pytest.param(b'{"eof": true}', id="eof"),
        pytest.param(b'{"zipfile": 1024}', id="zip"),
        pytest.param(b"<script>alert(1)</script>", id="html"),
        pytest.param(b"\x1b]0;title\x07\x1b[2J\x1b[31mred", id="escapes"),
        pytest.param("größe ✓".encode(), id="utf-8"),
        pytest.param(b"carriage\rreturn\r", id="carriage-return"),
    ],
)
def test_anything_else_is_output_as_it_is(line: bytes) -> None:
    assert Output(line.decode(), None, open=False) == translate(line)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"a\xffb", "a\ufffdb"),
        (b"a\0b", "a\ufffdb"),
        (
            b'{"name": "\xff", "state": "running"}',
            '{"name": "\ufffd", "state": "running"}',
        ),
        (
            b'{"name": "\0", "state": "running"}',
            '{"name": "\ufffd", "state": "running"}',
        ),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
    ids=["invalid-utf-8", "nul", "invalid-utf-8-in-json", "nul-in-json", "surrogate"],
)
def test_what_a_text_cannot_hold_keeps_its_bytes(line: bytes, shown: str) -> None:
    assert Output(shown, line, open=False) == translate(line)


def test_output_that_goes_on_says_so() -> None:
    assert Output("abc", None, open=True) == output(b"abc", open_=True)
    assert Output("\ufffd", b"\xff", open=True) == output(b"\xff", open_=True)


def test_an_event_of_ansible_runner_is_read() -> None:
    line = make_runner_line()

    assert RunnerEvent(
        event="runner_on_ok",
        at=NOW,
        play="Deploy",
        role="",
        task="Install packages",
        host="web1",
        result=TaskResult.OK,
        stdout="ok: [web1]",
        data=line.decode(),
        stats=None,
    ) == translate(line)


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param({"uuid": "../../x"}, id="uuid-a-path"),
        pytest.param({"uuid": f"{UUID}/../../x"}, id="uuid-and-a-path"),
        pytest.param({"uuid": f"{UUID}\n"}, id="uuid-and-newline"),
        pytest.param({"uuid": UUID.upper()}, id="uuid-upper-case"),
        pytest.param({"uuid": f"{UUID}_{'1' * 300}"}, id="uuid-endless"),
        pytest.param({"uuid": 5}, id="uuid-number"),
        pytest.param({"uuid": None}, id="uuid-null"),
        pytest.param({"counter": "1"}, id="counter-text"),
        pytest.param({"counter": "../x"}, id="counter-a-path"),
        pytest.param({"counter": True}, id="counter-true"),
        pytest.param({"counter": 0}, id="counter-zero"),
        pytest.param({"counter": -1}, id="counter-negative"),
        pytest.param({"counter": 1.0}, id="counter-float"),
        pytest.param({"counter": 2**31}, id="counter-huge"),
        pytest.param({"counter": 10**400}, id="counter-endless"),
        pytest.param({"counter": float("nan")}, id="counter-nan"),
        pytest.param({"counter": None}, id="counter-null"),
        pytest.param({"event": 5}, id="event-number"),
        pytest.param({"event": None}, id="event-null"),
        pytest.param({"event_data": []}, id="data-list"),
        pytest.param({"event_data": None}, id="data-null"),
        pytest.param({"stdout": 5}, id="stdout-number"),
        pytest.param({"event": "x", "state": "running", "uuid": ""}, id="and-a-step"),
    ],
)
def test_a_forged_event_is_output(forged: dict[str, Any]) -> None:
    line = make_runner_line(**forged)

    assert Output(line.decode(), None, open=False) == translate(line)


def test_a_repeated_uuid_of_ansible_runner_is_one() -> None:
    assert isinstance(translate(make_runner_line(uuid=f"{UUID}_2")), RunnerEvent)


def event(name: str, /, **data: Any) -> RunnerEvent:
    found = translate(make_runner_line(event=name, event_data=data))
    assert isinstance(found, RunnerEvent)
    return found


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("runner_on_ok", {"res": {"changed": False}}, TaskResult.OK),
        ("runner_on_ok", {"res": {"changed": True}}, TaskResult.CHANGED),
        ("runner_on_ok", {"res": {"changed": "true"}}, TaskResult.OK),
        ("runner_on_ok", {"res": None}, TaskResult.OK),
        ("runner_on_ok", {}, TaskResult.OK),
        ("runner_on_skipped", {}, TaskResult.SKIPPED),
        ("runner_on_failed", {}, TaskResult.FAILED),
        ("runner_on_failed", {"ignore_errors": True}, TaskResult.IGNORED),
        ("runner_on_failed", {"ignore_errors": None}, TaskResult.FAILED),
        ("runner_on_unreachable", {}, TaskResult.UNREACHABLE),
        ("runner_on_unreachable", {"ignore_unreachable": True}, TaskResult.IGNORED),
        ("runner_item_on_failed", {}, None),
        ("playbook_on_task_start", {}, None),
    ],
)
def test_a_task_result_is_in_ansibles_words(
    name: str, data: dict[str, Any], expected: TaskResult | None
) -> None:
    assert expected == event(name, **data).result


def test_the_recap_names_the_hosts_that_failed_for_good() -> None:
    found = event(
        "playbook_on_stats",
        ok={"a": 3, "b": 1},
        failures={"a": 1, "b": 0},
        dark={"c": 1},
        rescued={"b": 1},
    )

    assert Stats(frozenset({"a", "c"})) == found.stats


@pytest.mark.parametrize("data", [{}, {"failures": [1], "dark": "x"}])
def test_a_forged_recap_names_nobody(data: dict[str, Any]) -> None:
    assert Stats(frozenset()) == event("playbook_on_stats", **data).stats


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


def test_a_step_line_of_a_factory_is_one() -> None:
    assert isinstance(translate(make_step_line()), StepReported)


def test_a_failed_task_says_why() -> None:
    data = {"task": "a", "host": "web1", "res": {"msg": "no space left"}}

    found = translate(make_runner_line(event="runner_on_failed", event_data=data))

    assert isinstance(found, RunnerEvent)
    assert "no space left" == found.message


@pytest.mark.parametrize("res", [None, [], {"msg": 1}, {"msg": ["a"]}, "text"])
def test_a_result_without_a_message_has_none(res: object) -> None:
    data = {"task": "a", "host": "web1", "res": res}

    found = translate(make_runner_line(event="runner_on_failed", event_data=data))

    assert isinstance(found, RunnerEvent)
    assert "" == found.message
