"""Read the timeline of a host: what deployments changed on it, with the diffs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.matrix import label
from app.store import files, host_timeline
from app.store.files import OutsideEdit
from app.store.host_timeline import SEARCHED, ChangedResult, TimelineFilter, Visit
from app.store.hosts import Host
from app.store.store import Store
from app.usecases import changes
from app.usecases.changes import Diff

#: Maximum number of deployments on a page of a timeline, and of changed results.
VISITS = 20
CHANGES = 50


@dataclass(frozen=True, slots=True)
class HostChange:
    """A changed result of a task on a host; `number` is that of its event."""

    number: int
    at: datetime
    task: str
    diffs: Sequence[Diff]


@dataclass(frozen=True, slots=True)
class Entry:
    """A deployment on a host with its changes in order; `more` says some are left out.

    The changes are within the times of the filter. `edits` are those outside FastDeploy
    that it found.
    """

    visit: Visit
    changes: Sequence[HostChange]
    more: bool = False
    edits: Sequence[OutsideEdit] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a timeline, newest first; `before` begins the next page, if any.

    `searched` says that the limit of a search ended the page: a page without matches
    may be followed by further pages.
    """

    entries: Sequence[Entry]
    before: int | None
    searched: bool = False


def look(
    store: Store, host: Host, wanted: TimelineFilter, before: int | None = None
) -> Timeline:
    """Return a page of a host's timeline: deployments with ids below `before`."""
    with store.begin() as db:
        limit = SEARCHED if wanted.text else VISITS + 1
        visits = host_timeline.visits(db, host.id, wanted, before=before, limit=limit)
        ids = [visit.deployment for visit in visits if visit.changed and visit.kept]
        found = host_timeline.changes(db, ids, host.name, wanted, limit=CHANGES + 1)
        page = _searched(visits, found) if wanted.text else _page(visits, found)
        shown = [entry.visit.deployment for entry in page.entries]
        return _with_edits(page, files.edits(db, shown, host.id))


def _with_edits(page: Timeline, edits: Sequence[OutsideEdit]) -> Timeline:
    entries = [
        replace(
            entry,
            edits=[e for e in edits if e.deployment == entry.visit.deployment],
        )
        for entry in page.entries
    ]
    return replace(page, entries=entries)


def _page(visits: Sequence[Visit], found: Sequence[ChangedResult]) -> Timeline:
    """Arrange the changes by deployment; a page ends early if there are very many."""
    shown, more = visits[:VISITS], len(visits) > VISITS
    full = len(found) > CHANGES
    if full:
        # The results are sorted: those of later deployments are complete.
        cut = found[CHANGES - 1].deployment
        shown = [visit for visit in shown if visit.deployment >= cut]
        more = more or len(shown) < len(visits)
    entries = _entries(shown, found[:CHANGES], found[CHANGES:])
    return Timeline(entries, shown[-1].deployment if more and shown else None)


def _searched(visits: Sequence[Visit], found: Sequence[ChangedResult]) -> Timeline:
    matching = {each.deployment for each in found[:CHANGES]}
    shown = [visit for visit in visits if visit.deployment in matching]
    entries = _entries(shown, found[:CHANGES], found[CHANGES:])
    if len(found) > CHANGES:
        return Timeline(entries, found[CHANGES - 1].deployment)
    if len(visits) == SEARCHED:
        return Timeline(entries, visits[-1].deployment, searched=True)
    return Timeline(entries, None)


def _entries(
    visits: Sequence[Visit],
    found: Sequence[ChangedResult],
    rest: Sequence[ChangedResult],
) -> list[Entry]:
    of_visit: dict[int, list[HostChange]] = {visit.deployment: [] for visit in visits}
    for each in reversed(found):
        if each.deployment in of_visit:
            of_visit[each.deployment].append(_change(each))
    cut = {each.deployment for each in rest}
    return [
        Entry(visit, of_visit[visit.deployment], visit.deployment in cut)
        for visit in visits
    ]


def _change(row: ChangedResult) -> HostChange:
    diffs = changes.read_diffs(row.data)
    return HostChange(row.number, row.at, label(row.task), diffs)
