"""Read the trends of a service's recent deployments."""

from sqlalchemy import Connection

from app.domain.duration import seconds_between
from app.domain.trends import Trend, TrendRun, trend_of
from app.errors import NotFound
from app.store import outcomes, services
from app.store.outcomes import FinishedRun
from app.store.store import Store

#: Maximum number of deployments to include.
RUNS = 50
#: Maximum number of steps to include; a script may report a thousand.
STEPS = 30


def look(store: Store, service_name: str) -> Trend:
    """Return the trend of a service's last runs. Raises NotFound."""
    with store.begin() as db:
        entry = services.find(db, service_name)
        if entry is None:
            raise NotFound(f"there is no service {service_name!r}")
        return of_service(db, entry.id)


def of_service(db: Connection, service_id: int) -> Trend:
    """Return the same, in a transaction."""
    ended = outcomes.recent(db, service_id, RUNS)
    spent = outcomes.step_seconds(db, [run.id for run in ended], STEPS)
    return trend_of([_run(run, spent[run.id]) for run in ended])


def _run(ended: FinishedRun, steps: dict[str, float]) -> TrendRun:
    seconds = None
    if ended.started_at is not None:
        seconds = seconds_between(ended.started_at, ended.finished_at)
    return TrendRun(ended.id, ended.status, ended.created_at, seconds, steps)
