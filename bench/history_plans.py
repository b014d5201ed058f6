"""Check which indexes and rows PostgreSQL reads for the pages of a long history."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from app.domain.deployment import Origin, Status
from app.store.history import SEARCHED, SKEW
from app.store.store import Store
from bench.plans import Scan, rows_read, scans
from testing.statements import Statement, listening

#: The rows of a page of a list.
PAGE = 50
#: Runs the queries of a page once.
Page = Callable[[], object]

#: Tables that a page must never read as a whole.
_LARGE = {"deployments", "steps", "events"}
#: The beginning of the name of the index that finds what is rare on a page.
_INDEXES = {
    "service last deployed long ago": "ix_deployments_service_id_id",
    "list by actor of long ago": "ix_deployments_actor_status_origin_id",
    "list by origin of long ago": "ix_deployments_status_origin_id",
    "list of what waits": "ix_deployments_status_origin_id",
    "list by service and status": "ix_deployments_service_id_status_id",
    "list by service and actor": "ix_deployments_service_id_actor_",
    "list by service and origin": "ix_deployments_service_id_status_origin_id",
    "list by all": "ix_deployments_service_id_actor_status_origin_id",
    "list by actor and origin that never met": "ix_deployments_actor_",
    "list by time": "ix_deployments_created_at",
    "deployment": "ix_deployments_service_id_status_id",
}
#: The rows that a list may read: its page, one more for each combination of status and
#: origin, and those of the hour beside a time.
_LISTED = PAGE + len(Status) * len(Origin) + 1 + int(SKEW / timedelta(minutes=1))


def problems(store: Store, name: str, page: Page) -> list[str]:
    """Return what is wrong with the plans of a page; an empty list if nothing is."""
    with listening(store.engine) as recorded:
        page()
    return [
        *_whole_tables(plan := _plan(store, recorded.statements)),
        *_missing_index(name, plan),
        *_too_many_rows(store, name, recorded.statements),
    ]


def _plan(store: Store, statements: list[Statement]) -> list[Scan]:
    with store.begin() as db:
        return [scan for sent in statements for scan in scans(db, sent)]


def _whole_tables(plan: list[Scan]) -> Iterator[str]:
    for scan in plan:
        by_index = scan.index or scan.kind == "Bitmap Heap Scan"
        if scan.table in _LARGE and not by_index:
            yield f"{scan} reads a whole table"


def _missing_index(name: str, plan: list[Scan]) -> Iterator[str]:
    index = _INDEXES.get(name, "")
    if not any((scan.index or "").startswith(index) for scan in plan):
        yield f"no index {index}… is used"


def _too_many_rows(
    store: Store, name: str, statements: list[Statement]
) -> Iterator[str]:
    if not name.startswith(("list", "search")):
        return
    # A search reads as many rows as it may, in the index and then in the table.
    most = _LISTED + (2 * SEARCHED if name.startswith("search") else 0)
    with store.begin() as db:
        read = max(
            rows_read(db, sent, "deployments")
            for sent in statements
            if " LIMIT " in sent.text and "percentile" not in sent.text
        )
    if read > most:
        yield f"{read} rows are read, at most {most} are needed"
