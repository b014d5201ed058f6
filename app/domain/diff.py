"""What a task changed: the `diff` of its result, as the lines of a unified diff.

A module tells it as before and after, each a text or a value; as text that is prepared
already; or as a list of such. It comes from a run, so it may be anything else.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain import json_text

#: Of each side, so many lines are compared.
MAX_LINES = 2000
#: A longer line is cut.
MAX_LINE = 2000
#: So many lines of a diff are shown.
MAX_SHOWN = 1000


class DiffKind(StrEnum):
    """What a line of a diff says."""

    #: It is gone.
    REMOVED = "removed"
    #: It is new.
    ADDED = "added"
    #: It is as it was.
    SAME = "same"
    #: It says which file and which lines the others are of.
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line with its sign in front."""

    change: DiffKind
    text: str


_SIGNS = {"+": DiffKind.ADDED, "-": DiffKind.REMOVED, " ": DiffKind.SAME}


def diff_lines(told: object) -> list[DiffLine]:
    """The lines of a result's `diff`; none where nothing differs or nothing is told."""
    found: list[DiffLine] = []
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, dict):
            found.extend(_one(one))
        if len(found) > MAX_SHOWN:
            cut = DiffLine(DiffKind.ABOUT, "… the rest of the diff is left out")
            return [*found[:MAX_SHOWN], cut]
    return found


def _one(told: dict[str, Any]) -> Iterator[DiffLine]:
    prepared = told.get("prepared")
    if isinstance(prepared, str):
        for line in prepared.splitlines()[:MAX_LINES]:
            yield DiffLine(_read(line), line[:MAX_LINE])
        return
    before, after = (_lines(told.get(side)) for side in ("before", "after"))
    compared = difflib.unified_diff(
        before,
        after,
        _header(told, "before"),
        _header(told, "after"),
        lineterm="",
    )
    for number, line in enumerate(compared):
        change = DiffKind.ABOUT if number < 2 else _read(line)
        yield DiffLine(change, line)


def _read(line: str) -> DiffKind:
    if line.startswith(("+++", "---", "@@")):
        return DiffKind.ABOUT
    return _SIGNS.get(line[:1], DiffKind.ABOUT)


def _header(told: dict[str, Any], side: str) -> str:
    named = told.get(f"{side}_header")
    return named[:MAX_LINE] if isinstance(named, str) else side


def _lines(side: object) -> list[str]:
    if side is None:
        return []
    if not isinstance(side, str):
        side = json_text.dumps(side, indent=True, sort_keys=True)
    return [line[:MAX_LINE] for line in side.splitlines()[:MAX_LINES]]
