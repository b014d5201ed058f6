"""Measure the tasks of an Ansible run from its events, and store the result."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.elements import TextClause

from app.domain.deployment import Deployment, Status
from app.domain.events import TASK_START
from app.domain.timing import SHOWN, HostTime, Profile, TaskTime
from app.store.deployment_steps import ESTIMATE_FROM
from app.store.deployment_tables import deployments, events, timings

#: Maximum number of tasks of a profile, and of slowest hosts of each.
MAX_TASKS = 200
SLOWEST = 3

#: The condition is that of the index on results.
_SPANS = """
WITH spans AS (
    SELECT number, coalesce(step, 0) AS step, task, host, result, at, seconds,
           at - make_interval(secs => seconds) AS began
    FROM events
    WHERE deployment_id = :id AND host IS NOT NULL AND result IS NOT NULL
          AND seconds IS NOT NULL
)"""


def _of_spans(query: str) -> TextClause:
    return text(_SPANS + query)


#: The seconds during which a task was active on any host: each result adds the part of
#: its span that no earlier one covers.
_TASKS = _of_spans(""",
marked AS (
    SELECT *, max(at) OVER (
        PARTITION BY step, task ORDER BY began, number
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
    FROM spans
),
by_host AS (
    SELECT step, task, host, sum(seconds) AS seconds, min(number) AS number,
           sum(greatest(extract(epoch FROM at - greatest(began, covered)), 0)) AS active
    FROM marked GROUP BY step, task, host
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY step, task ORDER BY seconds DESC, number) AS rank
    FROM by_host
)
SELECT step, task, count(*) AS hosts, sum(active)::float8 AS seconds,
       array_agg(host ORDER BY rank) FILTER (WHERE rank <= :slowest) AS names,
       array_agg(seconds ORDER BY rank) FILTER (WHERE rank <= :slowest) AS spent,
       array_agg(number ORDER BY rank) FILTER (WHERE rank <= :slowest) AS numbers
FROM ranked GROUP BY step, task
ORDER BY sum(active) DESC, min(number) LIMIT :tasks
""")
#: The first results on hosts; a skipped task contacts none.
_CONTACT = _of_spans(""",
firsts AS (
    SELECT DISTINCT ON (host) number, task, began, at FROM spans
    WHERE result <> 'skipped' ORDER BY host, number
),
marked AS (
    SELECT *, max(at) OVER (ORDER BY began, number
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered
    FROM firsts
)
SELECT coalesce(sum(greatest(
           extract(epoch FROM at - greatest(began, covered)), 0)), 0)::float8
           AS seconds,
       count(*) AS hosts, array_agg(DISTINCT task) AS tasks,
       (SELECT max(at) FROM spans) AS last
FROM marked
""")


def measure(db: Connection, deployment_id: int, steps: Mapping[int, str]) -> Profile:
    """Measure the tasks of a run; `steps` are the names of its steps by position."""
    rows = db.execute(
        _TASKS, {"id": deployment_id, "slowest": SLOWEST, "tasks": MAX_TASKS}
    )
    tasks = [_task(row, steps) for row in rows]
    contact = db.execute(_CONTACT, {"id": deployment_id}).one()
    return Profile(
        first_task_at=_first_task(db, deployment_id),
        last_result_at=contact.last,
        connecting=contact.seconds,
        contacted=contact.hosts,
        first_tasks=tuple(contact.tasks or ()),
        tasks=tuple(tasks[:SHOWN]),
        others=tuple((task.step, task.task, task.seconds) for task in tasks[SHOWN:]),
    )


def result_data(db: Connection, deployment_id: int, number: int) -> str:
    """Return the complete event of a result as JSON."""
    found: str | None = db.scalar(
        select(events.c.data).where(
            events.c.deployment_id == deployment_id, events.c.number == number
        )
    )
    return found or "{}"


def put(db: Connection, deployment_id: int, profile: Profile) -> None:
    """Store the profile of a deployment, in place of an earlier one."""
    stored = profile.as_json()
    db.execute(
        upsert(timings)
        .values(deployment_id=deployment_id, profile=stored)
        .on_conflict_do_update(
            index_elements=["deployment_id"], set_={"profile": stored}
        )
    )


def find(db: Connection, deployment_id: int) -> Profile | None:
    """Return the profile of a deployment; None if it has none."""
    stored = db.scalar(
        select(timings.c.profile).where(timings.c.deployment_id == deployment_id)
    )
    return None if stored is None else Profile.from_json(stored)


def earlier(db: Connection, deployment: Deployment) -> list[dict[str, Any]]:
    """Return the stored profiles of the service's last successful complete runs."""
    recent = (
        select(deployments.c.id)
        .where(
            deployments.c.service_id == deployment.service_id,
            deployments.c.id < deployment.id,
            deployments.c.status == Status.SUCCESSFUL.value,
            deployments.c.partial.is_(False),
        )
        .order_by(deployments.c.id.desc())
        .limit(ESTIMATE_FROM)
        .subquery()
    )
    rows = db.scalars(
        select(timings.c.profile).join(recent, recent.c.id == timings.c.deployment_id)
    )
    return list(rows)


def _first_task(db: Connection, deployment_id: int) -> datetime | None:
    found: datetime | None = db.scalar(
        select(events.c.at)
        .where(
            events.c.deployment_id == deployment_id,
            text(f"events.name = '{TASK_START}'"),
        )
        .order_by(events.c.number)
        .limit(1)
    )
    return found


def _task(row: Any, steps: Mapping[int, str]) -> TaskTime:  # a row of _TASKS
    slowest = zip(row.names, row.spent, row.numbers, strict=True)
    return TaskTime(
        step=steps.get(row.step, ""),
        task=row.task,
        seconds=row.seconds,
        hosts=row.hosts,
        slowest=tuple(HostTime(*each) for each in slowest),
    )
