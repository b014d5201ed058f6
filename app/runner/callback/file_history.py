"""Remove the diffs that FastDeploy must not record from the results of tasks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

#: The variable with what the runner has chosen, as JSON.
VARIABLE = "FASTDEPLOY_FILE_HISTORY"
_PRIVATE_KEY = "PRIVATE KEY-----"
_HEADERS = ("before_header", "after_header")
_PATHS = ("dest", "path")


class FileHistory:
    """Removes the diffs of excluded files and of private keys.

    `quiet` says that nobody has asked for the diffs: they aren't displayed.
    """

    def __init__(self, exclude: list[str], *, quiet: bool) -> None:
        self._exclude = exclude
        self.quiet = quiet

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

    def of_item(self, res: dict[str, Any]) -> dict[str, Any]:
        """Return the result of an item for its event.

        The result of the whole loop repeats its diff.
        """
        if not self.quiet or "diff" not in res:
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
