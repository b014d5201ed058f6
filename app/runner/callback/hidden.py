"""Select what may be shown of a result that no_log hides: fixed texts and a location.

The text of an error or a warning may quote the hidden arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Ansible's own sentence (`update_result_no_log`).
INVALID = "Invalid no_log value for task, output will be masked."
FAILED = "Task failed. no_log hides the reason."
_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined")
#: The first line of a source context. The lines below it quote the playbook.
_ORIGIN = re.compile(r"Origin: [^\x00-\x1f\x7f]+?:\d+(?::\d+)?$", re.MULTILINE)


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


def failure(exception: Any) -> str:
    """Return the text to show for the error of a hidden result."""
    return _with_origin(FAILED, list(_chain(exception.event)))


def _with_origin(sentence: str, events: list[Any]) -> str:
    contexts = (event.formatted_source_context or "" for event in events)
    found = next(filter(None, map(_ORIGIN.match, contexts)), None)
    return f"{sentence}\n{found[0]}" if found else sentence


def _chain(event: Any) -> Iterator[Any]:
    while event is not None:
        yield event
        event = event.chain.event if event.chain else None
