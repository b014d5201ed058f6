"""Convert the `diff` of a task result to the lines of a unified diff.

A module reports it as before and after, each a text or a value; as a prepared text; or
as a list of these. It comes from a run, so it may have any other type.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain import json_text

#: Maximum number of lines to compare on each side.
MAX_LINES = 2000
#: Maximum length of a line; longer lines are truncated.
MAX_LINE = 2000
#: Maximum number of diff lines to show.
MAX_SHOWN = 1000


class DiffKind(StrEnum):
    """The kind of a line in a diff."""

    #: A removed line.
    REMOVED = "removed"
    #: An added line.
    ADDED = "added"
    #: An unchanged line.
    SAME = "same"
    #: A header with a file name or line numbers.
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff; `text` begins with its sign."""

    change: DiffKind
    text: str


_SIGNS = {"+": DiffKind.ADDED, "-": DiffKind.REMOVED, " ": DiffKind.SAME}


def diff_lines(diff: object) -> list[DiffLine]:
    """Return the lines of a result's `diff`; empty without one or any difference."""
    found: list[DiffLine] = []
    for part in diff if isinstance(diff, list) else [diff]:
        if isinstance(part, dict):
            found.extend(_lines_of(part))
        if len(found) > MAX_SHOWN:
            cut = DiffLine(DiffKind.ABOUT, "… the rest of the diff is left out")
            return [*found[:MAX_SHOWN], cut]
    return found


def _lines_of(diff: dict[str, Any]) -> Iterator[DiffLine]:
    prepared = diff.get("prepared")
    if isinstance(prepared, str):
        for line in prepared.splitlines()[:MAX_LINES]:
            yield DiffLine(_read(line), line[:MAX_LINE])
        return
    before, after = (_lines(diff.get(side)) for side in ("before", "after"))
    compared = difflib.unified_diff(
        before,
        after,
        _header(diff, "before"),
        _header(diff, "after"),
        lineterm="",
    )
    for number, line in enumerate(compared):
        # A line of a file may look like a header behind its sign: `---` in YAML.
        change = DiffKind.ABOUT if number < 2 else _by_sign(line)
        yield DiffLine(change, line)


def _read(line: str) -> DiffKind:
    if line.startswith(("+++", "---", "@@")):
        return DiffKind.ABOUT
    return _by_sign(line)


def _by_sign(line: str) -> DiffKind:
    return _SIGNS.get(line[:1], DiffKind.ABOUT)


def _header(diff: dict[str, Any], side: str) -> str:
    named = diff.get(f"{side}_header")
    return named[:MAX_LINE] if isinstance(named, str) else side


def _lines(side: object) -> list[str]:
    if side is None:
        return []
    if not isinstance(side, str):
        side = json_text.dumps(side, indent=True, sort_keys=True)
    return [line[:MAX_LINE] for line in side.splitlines()[:MAX_LINES]]
