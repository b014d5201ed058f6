"""Parse a task result event into fields for display.

The event comes from a run, so any part of it may be missing or have another type.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain import json_text, known_failures
from app.domain.diff import DiffLine, diff_lines
from app.domain.events import TaskResult

#: Maximum characters of a text, characters of JSON and loop items to show.
MAX_TEXT = 20_000
MAX_JSON = 50_000
MAX_ITEMS = 200
#: Maximum length of a message.
MAX_MESSAGE = 4_000

#: Ansible's placeholder for a missing traceback.
_NO_TRACEBACK = "(traceback unavailable)"
#: Keys with a field of their own, and keys that only Ansible itself needs.
_KNOWN = frozenset({
    "changed", "cmd", "deprecations", "diff", "exception", "failed", "invocation",
    "msg", "rc", "skip_reason", "skipped", "stderr", "stderr_lines", "stdout",
    "stdout_lines", "unreachable", "warnings",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Section:
    """A named text of a result, such as stdout, stderr or exception."""

    name: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a task's loop."""

    label: str
    result: TaskResult
    message: str
    diff: tuple[DiffLine, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class TaskResultDetails:
    """A result for display; fields that weren't reported are empty or None."""

    message: str = ""
    module: str = ""
    role: str = ""
    play: str = ""
    #: The file and line of the task, as Ansible reports it.
    path: str = ""
    seconds: float | None = None
    exit_code: int | None = None
    command: str = ""
    warnings: tuple[str, ...] = ()
    diff: tuple[DiffLine, ...] = ()
    sections: tuple[Section, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    items: tuple[Item, ...] = ()
    #: Number of loop items that are not shown.
    more_items: int = 0
    #: All other keys of the result, as JSON.
    rest: str = ""
    rest_cut: bool = False


def read(data: str) -> TaskResultDetails:
    """Parse an event of ansible-runner that is the result of a task on a host."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        return TaskResultDetails()
    about = _dict(event, "event_data")
    res = _dict(about, "res")
    results = res.get("results")
    listed = results if isinstance(results, list) else []
    items = [item for item in listed if isinstance(item, dict)]
    rest = _rest(res, without_results=bool(items))
    return TaskResultDetails(
        message=_message(res),
        module=_text(about, "task_action"),
        role=_text(about, "role"),
        play=_text(about, "play"),
        path=_text(about, "task_path"),
        seconds=_number(about, "duration"),
        exit_code=_whole(res, "rc"),
        command=_command(res.get("cmd")),
        warnings=tuple(_warnings(res)),
        # The result of a loop repeats the diffs of its items.
        diff=() if items else tuple(diff_lines(res.get("diff"))),
        sections=_sections(res),
        arguments=_arguments(res),
        items=tuple(_item(item) for item in items[:MAX_ITEMS]),
        more_items=max(len(items) - MAX_ITEMS, 0),
        rest=_cut(rest),
        rest_cut=len(rest) > MAX_JSON,
    )


def message(data: str) -> str:
    """Return the message of a result, or that of the first failed loop item."""
    details = read(data)
    failed = (item for item in details.items if item.result is TaskResult.FAILED)
    first = next(failed, None)
    if first is not None:
        return f"{first.label}: {first.message}" if first.message else first.label
    if details.message:
        return details.message
    texts = {section.name: section.text for section in details.sections}
    return (texts.get("stderr") or texts.get("stdout") or "").strip()[:MAX_MESSAGE]


def _item(item: dict[str, Any]) -> Item:
    label = item.get("_ansible_item_label", item.get("item", ""))
    return Item(
        label=label if isinstance(label, str) else _json(label),
        result=_result(item),
        message=_message(item),
        diff=tuple(diff_lines(item.get("diff"))),
        sections=_sections(item),
    )


def _result(res: dict[str, Any]) -> TaskResult:
    if res.get("unreachable") is True:
        return TaskResult.UNREACHABLE
    if res.get("failed") is True:
        return TaskResult.FAILED
    if res.get("skipped") is True:
        return TaskResult.SKIPPED
    return TaskResult.CHANGED if res.get("changed") is True else TaskResult.OK


def _message(res: dict[str, Any]) -> str:
    return " ".join(filter(None, (known_failures.explain(res), _own_message(res))))


def _own_message(res: dict[str, Any]) -> str:
    for key in ("msg", "censored", "skip_reason"):
        value = res.get(key)
        if value not in (None, "", [], {}):
            text = value if isinstance(value, str) else _json(value)
            return text[:MAX_MESSAGE]
    return without_msg(res)


def without_msg(res: dict[str, Any]) -> str:
    """Return the reason of a failure without `msg`; empty if there is none.

    ansible-core 2.19 puts the error of a `changed_when` or `failed_when` that isn't a
    boolean into these two keys. Otherwise they hold a boolean.
    """
    for key in ("changed_when_result", "failed_when_result"):
        value = res.get(key)
        if isinstance(value, str) and value.strip():
            return value[:MAX_MESSAGE]
    exception = res.get("exception")
    if not isinstance(exception, str) or exception == _NO_TRACEBACK:
        return ""
    # The last line of a traceback contains the exception.
    lines = exception.strip().splitlines()
    return lines[-1][:MAX_MESSAGE] if lines else ""


def _warnings(res: dict[str, Any]) -> Iterator[str]:
    for key in ("warnings", "deprecations"):
        found = res.get(key)
        for one in found if isinstance(found, list) else ():
            text = one.get("msg") if isinstance(one, dict) else one
            if isinstance(text, str):
                yield text[:MAX_MESSAGE]


def _sections(res: dict[str, Any]) -> tuple[Section, ...]:
    found = []
    for name in ("stdout", "stderr", "module_stdout", "module_stderr", "exception"):
        text = res.get(name)
        if isinstance(text, str) and text.strip() and text != _NO_TRACEBACK:
            found.append(Section(name, text[:MAX_TEXT], len(text) > MAX_TEXT))
    return tuple(found)


def _arguments(res: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the module's arguments that aren't None."""
    arguments = _dict(_dict(res, "invocation"), "module_args")
    return tuple(
        (name, value if isinstance(value, str) else _json(value))
        for name, value in sorted(arguments.items())
        if value is not None
    )


def _rest(res: dict[str, Any], *, without_results: bool) -> str:
    rest = {
        name: value
        for name, value in res.items()
        if name not in _KNOWN
        and not (name == "results" and without_results)
        and not name.startswith("_ansible_")
    }
    return json_text.dumps(rest, indent=True) if rest else ""


def _command(cmd: object) -> str:
    if isinstance(cmd, list):
        return " ".join(str(part) for part in cmd)[:MAX_MESSAGE]
    return cmd[:MAX_MESSAGE] if isinstance(cmd, str) else ""


def _json(value: object) -> str:
    return _cut(json_text.dumps(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_JSON else f"{text[:MAX_JSON]}…"


def _dict(of: object, key: str) -> dict[str, Any]:
    found = of.get(key) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _text(of: dict[str, Any], key: str) -> str:
    value = of.get(key)
    return value[:MAX_MESSAGE] if isinstance(value, str) else ""


def _number(of: dict[str, Any], key: str) -> float | None:
    value = of.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _whole(of: dict[str, Any], key: str) -> int | None:
    value = of.get(key)
    return value if type(value) is int else None
