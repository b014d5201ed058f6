"""Select what may be shown of a result that no_log hides: fixed texts and a location.

Its fields contain the hidden values, and the text of an error or a warning may quote
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Ansible's own text for a hidden result.
CENSORED = (
    "the output has been hidden due to the fact that 'no_log: true' was specified for "
    "this result"
)
#: Ansible's own sentence (`update_result_no_log`).
INVALID = "Invalid no_log value for task, output will be masked."
FAILED = "Task failed. no_log hides the reason."
_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined")
#: The first line of a source context. The lines below it quote the playbook.
_ORIGIN = re.compile(r"Origin: [^\x00-\x1f\x7f]+?:\d+(?::\d+)?$", re.MULTILINE)


def is_hidden(result: Any) -> bool:
    """Return whether no_log hides a result; the result has the value of a template."""
    flag = result.result.get("_ansible_no_log", result.task.no_log)
    return bool(flag) or "censored" in result.result


def visible_result(result: Any) -> dict[str, Any]:
    """Return a task's result without the parts that no_log hides."""
    res: dict[str, Any] = result.result
    if is_hidden(result):
        return {"censored": CENSORED, "changed": bool(res.get("changed"))}
    if any(_is_hidden_item(item) for item in _items(res)):
        items = [
            {"censored": CENSORED} if _is_hidden_item(item) else item
            for item in _items(res)
        ]
        return {**res, "results": items}
    return res


def invalid_no_log(warning: Any, no_log: Any) -> str | None:
    """Return the text to show for Ansible's warning about an invalid no_log value.

    Return None for any other warning. The text names an undefined variable only if the
    task's `no_log` contains that name: other texts of an error may contain values.
    """
    if warning.event.msg != INVALID:
        return None
    events = list(_chain(warning.event))
    names = (name for event in events for name in _UNDEFINED.findall(event.msg))
    name = next((n for n in names if re.search(rf"\b{n}\b", str(no_log))), None)
    reason = f" {name!r} is undefined." if name else ""
    return _with_origin(INVALID + reason, events)


def show(display: Any, result: Any) -> None:
    """Display what may be shown of a hidden result's warnings and error."""
    if result.result.get("warnings"):
        for warning in result.warnings:
            if text := invalid_no_log(warning, result.task.no_log):
                display.warning(text)
    if result.result.get("exception") and result.exception:
        display.error(failure(result.exception))


def failure(exception: Any) -> str:
    """Return the text to show for the error of a hidden result."""
    return _with_origin(FAILED, list(_chain(exception.event)))


def _with_origin(sentence: str, events: list[Any]) -> str:
    contexts = (event.formatted_source_context or "" for event in events)
    origin = next(filter(None, map(_ORIGIN.match, contexts)), None)
    return f"{sentence}\n{origin[0]}" if origin else sentence


def _chain(event: Any) -> Iterator[Any]:
    while event is not None:
        yield event
        event = event.chain.event if event.chain else None


def _items(res: dict[str, Any]) -> list[Any]:
    items = res.get("results")
    return items if isinstance(items, list) else []


def _is_hidden_item(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("_ansible_no_log"))
