"""One line of a journal becomes one event, whatever the line is."""

from typing import Any

import pytest

from app.domain.events import (
    Output,
    RunnerEvent,
    Stats,
    StepReported,
    StepState,
    TaskResult,
)
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
