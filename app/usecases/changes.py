"""Read what a run changed: its changed results, with their diffs."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain import task_result
from app.domain.diff import DiffLine
from app.domain.matrix import label
from app.store import files, results
from app.store.files import OutsideEdit
from app.store.results import TaskResultRow
from app.store.store import Store
from app.usecases.deploy import View

#: Changed results on one page, and the lines of each diff.
LISTED = 25
SHOWN_LINES = 200
#: The number of events that one page reads at most.
WINDOW = 20_000


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference that a task, or an item of a loop, made; `more` lines are cut."""

    item: str
    lines: Sequence[DiffLine]
    more: int


@dataclass(frozen=True, slots=True)
class Change:
    """A changed result, with its diffs; the event's number is that of the result."""

    number: int
    host: str
    step: str
    task: str
    diffs: Sequence[Diff]


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Some changes of a deployment; `further` continues behind them, 0 at the end.

    `edits` are all edits outside FastDeploy that the deployment found, on the first
    page.
    """

    found: Sequence[Change]
    further: int
    edits: Sequence[OutsideEdit] = ()


def look(store: Store, view: View, after: int) -> ChangesPage:
    """Return the changes after event `after`, up to the moment of the view."""
    last = view.deployment.last_event
    up_to = min(after + WINDOW, last)
    with store.begin() as db:
        rows = results.changed_results(
            db, view.deployment.id, after=after, up_to=up_to, limit=LISTED + 1
        )
        edits = [] if after else files.edits(db, [view.deployment.id])
    names = {step.position: step.name for step in view.steps}
    further = up_to if up_to < last else 0
    if len(rows) > LISTED:
        further = rows[LISTED - 1].number
    return ChangesPage([_change(row, names) for row in rows[:LISTED]], further, edits)


def read_diffs(data: str) -> list[Diff]:
    """Return the diffs of a result: its own, or those of a loop's items."""
    details = task_result.read(data)
    diffs = [_diff("", details.diff)] if details.diff else []
    return diffs + [_diff(item.label, item.diff) for item in details.items if item.diff]


def _change(row: TaskResultRow, names: dict[int, str]) -> Change:
    step = names.get(row.step or 0, "")
    return Change(row.number, row.host, step, label(row.task), read_diffs(row.data))


def _diff(item: str, lines: Sequence[DiffLine]) -> Diff:
    return Diff(item, lines[:SHOWN_LINES], max(len(lines) - SHOWN_LINES, 0))
