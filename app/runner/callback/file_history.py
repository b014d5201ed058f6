"""Remove the diffs that FastDeploy must not record from the results of tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from ansible.utils.sentinel import Sentinel

#: The variable with what the runner has chosen, as JSON.
VARIABLE = "FASTDEPLOY_FILE_HISTORY"
_PRIVATE_KEY = "PRIVATE KEY-----"
_HEADERS = ("before_header", "after_header")
_PATHS = ("dest", "path")


class FileHistory:
    """Removes the diffs of excluded files and of private keys.

    `quiet` says that neither the launch nor ansible.cfg asks for diffs: they are
    displayed for the tasks that ask for them.
    """

    def __init__(self, exclude: list[str], *, quiet: bool) -> None:
        self._exclude = exclude
        self._quiet = quiet

    @classmethod
    def from_environment(cls) -> FileHistory:
        """Read what the runner has chosen; nothing is removed without it."""
        chosen = json.loads(os.environ.get(VARIABLE, "{}"))
        return cls(chosen.get("exclude", []), quiet=chosen.get("quiet", False))

    def clean(self, result: Any) -> None:
        """Remove the diffs from a result, and from the items of its loop."""
        if not self._exclude:
            return
        for res in _each(result.result):
            diff = res.get("diff")
            parts = diff if isinstance(diff, list) else [diff]
            if any(self._is_secret(part, res) for part in parts if part):
                res["diff"] = {}

    def are_displayed(self, task: Any) -> bool:
        """Return whether the diffs of a task are displayed."""
        return not self._quiet or _asks_for_diffs(task)

    def of_item(self, res: dict[str, Any], task: Any) -> dict[str, Any]:
        """Return the result of an item for its event.

        The result of the whole loop repeats its diff.
        """
        if "diff" not in res or self.are_displayed(task):
            return res
        return {key: value for key, value in res.items() if key != "diff"}

    def _is_secret(self, part: Any, res: dict[str, Any]) -> bool:
        if not isinstance(part, dict):
            return False
        texts = (part.get(key) for key in ("before", "after", "prepared"))
        if any(isinstance(text, str) and _PRIVATE_KEY in text for text in texts):
            return True
        paths = [res.get(key) for key in _PATHS]
        headers = (part.get(key) for key in _HEADERS)
        paths += [each.partition(" (")[0] for each in headers if isinstance(each, str)]
        return any(
            isinstance(path, str) and fnmatchcase(path, pattern)
            for path in paths
            for pattern in self._exclude
        )


def _asks_for_diffs(task: Any) -> bool:
    """Return whether the playbook sets `diff` for a task.

    Its value doesn't matter: with `diff: false`, there is no diff to display. The
    sources are read, since Ansible also sets the keyword of what it has validated.
    """
    node = task
    while node is not None:
        role = getattr(node, "_role", None)
        if _sets_diff(node) or getattr(role, "_diff", Sentinel) is not Sentinel:
            return True
        node = getattr(node, "_parent", None)
    return _sets_diff(task.get_play())


def _sets_diff(node: Any) -> bool:
    source = node.get_ds()
    return isinstance(source, dict) and "diff" in source


def mode_of(task: Any) -> dict[str, bool]:
    """Return the field that marks the result of a task in check mode.

    A template decides for some tasks; its value isn't known here.
    """
    return {} if task.check_mode in (False, None) else {"check_mode": True}


def _each(res: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield res
    items = res.get("results")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item
