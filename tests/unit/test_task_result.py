"""The result of a task, read from events with any content."""

import json
from typing import Any

import pytest

from app.domain.diff import MAX_SHOWN, DiffKind, diff_lines
from app.domain.events import TaskResult
from app.domain.recap import Changes, changes, recap
from app.domain.task_result import MAX_ITEMS, MAX_JSON, MAX_TEXT, message, read


def make_event(res: object, **about: Any) -> str:
    return json.dumps({"event": "runner_on_ok", "event_data": {"res": res, **about}})


def test_a_result_is_read_with_all_its_fields() -> None:
    res = {
        "msg": "non-zero return code", "rc": 3, "cmd": ["false", "-x"],
        "stdout": "out", "stderr": "", "warnings": ["careful"],
        "invocation": {"module_args": {"path": "/x", "mode": None, "n": [1]}},
        "extra": {"b": 1}, "_ansible_no_log": False,
    }  # fmt: skip

    told = read(make_event(res, task_action="command", task_path="/d.yml:7",
                           play="P", role="r", duration=1.5))  # fmt: skip

    assert "non-zero return code" == told.message
    assert (3, "false -x", 1.5) == (told.exit_code, told.command, told.seconds)
    assert ("command", "/d.yml:7", "P", "r") == (
        told.module, told.path, told.play, told.role,
    )  # fmt: skip
    assert [("stdout", "out", False)] == [
        (section.name, section.text, section.cut) for section in told.sections
    ]
    assert ("careful",) == told.warnings
    assert (("n", "[1]"), ("path", "/x")) == told.arguments
    assert {"extra": {"b": 1}} == json.loads(told.rest)


@pytest.mark.parametrize(
    "data",
    ["{}", "[]", "null", '"x"', "no JSON", '{"event_data": []}', make_event([]),
     make_event({"results": 1, "diff": 2, "warnings": 3, "invocation": 4, "rc": "x",
                 "cmd": 5, "stdout": 6, "msg": {"a": None}}, duration=True),
     make_event({"results": [1, None, {"item": {"a": 1}, "diff": [[]]}]})],
)  # fmt: skip
def test_whatever_a_run_sends_can_be_read(data: str) -> None:
    told = read(data)

    assert told.seconds is None
    assert told.exit_code is None
    assert isinstance(message(data), str)


def test_a_loop_has_a_result_and_a_diff_for_each_item() -> None:
    items = [
        {"item": "a", "changed": True, "diff": {"before": "1\n", "after": "2\n"}},
        {"item": {"n": 1}, "failed": True, "msg": "no"},
        {"_ansible_item_label": "third", "item": "x", "skipped": True},
    ]

    told = read(make_event({"results": items, "msg": "All items completed"}))

    assert [
        ("a", TaskResult.CHANGED), ('{"n":1}', TaskResult.FAILED),
        ("third", TaskResult.SKIPPED),
    ] == [(item.label, item.result) for item in told.items]  # fmt: skip
    assert told.items[0].diff
    assert '{"n":1}: no' == message(make_event({"results": items, "msg": "x"}))


def test_what_is_long_is_cut_and_says_so() -> None:
    res = {
        "stdout": "x" * (MAX_TEXT + 1),
        "results": [{}] * (MAX_ITEMS + 3),
        "lines": ["a line"] * MAX_JSON,
    }

    told = read(make_event(res))

    assert (MAX_JSON + 1, True) == (len(told.rest), told.rest_cut)
    assert not read(make_event({"lines": ["a line"]})).rest_cut
    assert (MAX_TEXT, True) == (len(told.sections[0].text), told.sections[0].cut)
    assert (MAX_ITEMS, 3) == (len(told.items), told.more_items)


def test_without_a_message_the_text_of_the_task_is_one() -> None:
    assert "err" == message(make_event({"stdout": "out", "stderr": "err\n"}))
    assert "hidden" == message(make_event({"censored": "hidden"}))


def test_a_diff_says_what_is_gone_and_what_is_new() -> None:
    told = {"before": "a\nb\n", "after": "a\nc\n", "before_header": "/x"}

    found = diff_lines([told])

    assert [
        (DiffKind.ABOUT, "--- /x"), (DiffKind.ABOUT, "+++ after"),
        (DiffKind.ABOUT, "@@ -1,2 +1,2 @@"), (DiffKind.SAME, " a"),
        (DiffKind.REMOVED, "-b"), (DiffKind.ADDED, "+c"),
    ] == [(line.change, line.text) for line in found]  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [None, 1, "x", [], {}, [1], {"before": "a", "after": "a"},
     {"before": None, "after": None}],
)  # fmt: skip
def test_where_nothing_differs_there_is_no_diff(told: object) -> None:
    assert [] == diff_lines(told)


def test_a_diff_of_values_and_one_that_is_prepared() -> None:
    values = diff_lines({"before": {"mode": "0600"}, "after": {"mode": "0644"}})
    prepared = diff_lines({"prepared": "+new\n-old\n@@ x\n same"})

    assert [DiffKind.REMOVED, DiffKind.ADDED] == [
        line.change for line in values if "mode" in line.text
    ]
    assert [DiffKind.ADDED, DiffKind.REMOVED, DiffKind.ABOUT, DiffKind.SAME] == [
        line.change for line in prepared
    ]


def test_a_long_diff_is_cut_and_says_so() -> None:
    after = "".join(f"{n}\n" for n in range(3 * MAX_SHOWN))

    found = diff_lines({"before": "", "after": after})

    assert MAX_SHOWN + 1 == len(found)
    assert "left out" in found[-1].text


def test_the_recaps_of_several_playbooks_are_added_and_failures_come_first() -> None:
    stats = {"ok": {"a": 2, "b": 1}, "failures": {"b": 1}, "processed": {"c": 1}}
    first, second = (
        json.dumps({"event_data": told}) for told in (stats, {"ok": {"a": 3}})
    )

    found = recap([first, second])

    assert [("b", True), ("a", False)] == [(one.host, one.bad) for one in found]
    assert (5, 0, 0, 0, 0, 0, 0) == found[1].counts


def test_changes_are_counted_with_the_hosts_that_had_some() -> None:
    stats = {"ok": {"a": 4, "b": 2, "c": 1}, "changed": {"a": 2, "b": 1}}

    assert Changes(3, 2) == changes(recap([json.dumps({"event_data": stats})]))
    assert changes([]) is None


@pytest.mark.parametrize(
    "data",
    ["{}", '{"event_data": 1}', '{"event_data": {"ok": [1]}}',
     '{"event_data": {"ok": {"a": "x", "b": true, "c": -1, "d": 1e9}}}'],
)  # fmt: skip
def test_a_recap_that_makes_no_sense_counts_nothing(data: str) -> None:
    assert [] == recap([data])


NOT_BOOLEAN = "Conditional result (True) was derived from value of type 'str' at 'a:1'."


@pytest.mark.parametrize(
    ("res", "expected"),
    [
        ({"msg": "", "changed_when_result": NOT_BOOLEAN}, NOT_BOOLEAN),
        ({"failed_when_result": NOT_BOOLEAN}, NOT_BOOLEAN),
        ({"msg": "why", "failed_when_result": NOT_BOOLEAN}, "why"),
        ({"msg": "", "failed_when_result": True}, ""),
        ({"msg": "", "exception": "Traceback\n  File x\nKeyError: 1\n"}, "KeyError: 1"),
        ({"msg": "", "exception": "(traceback unavailable)"}, ""),
        ({"msg": "", "exception": ""}, ""),
    ],
    ids=["changed_when", "failed_when", "msg", "boolean", "exception", "no-traceback",
         "nothing"],
)  # fmt: skip
def test_a_result_without_msg_says_why_it_failed_elsewhere(
    res: dict[str, object], expected: str
) -> None:
    assert expected == message(json.dumps({"event_data": {"res": res}}))
