"""Launch what schedules have planned, each instant at most once.

Every worker does this. The launch of an instant and the next instant are stored in one
transaction, so a worker that is killed has either stored both or nothing. The launch
has the id of the schedule and the instant as its idempotency key.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from app.domain.access import of_schedule
from app.domain.deployment import Origin
from app.domain.freezes import Freezes
from app.domain.schedule import Decision, decide
from app.encryption import SecretBox
from app.errors import BadSetting, Conflict, FastDeployError, Unavailable
from app.log import get
from app.queue import Queue
from app.store import pings, schedule_updates, schedules
from app.store.schedules import StoredSchedule
from app.store.store import Store
from app.usecases import calendars, deploy
from app.usecases.idempotency import RequestKey
from app.usecases.schedule_sources import ScheduleSources

log = get("schedules")

#: The number of schedules that are read at a time.
BATCH = 50
#: The number of threads that launch them, each with a database connection.
THREADS = 4


@dataclass(slots=True)
class LaunchResult:
    """The deployments that were launched, and the schedules that were skipped."""

    launched: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)


class _Taken(Exception):
    """Another worker, or somebody who paused the schedule, was faster."""


def launch_due(
    store: Store,
    queue: Queue,
    secret_box: SecretBox,
    *,
    run_as: str = "",
    moment: datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
    sources: ScheduleSources | None = None,
) -> LaunchResult:
    """Launch the schedules whose instant has come, until `moment`.

    They are those without a ref; with `sources`, those with a ref, whose repositories
    are fetched: a fetch may take long, so it must not delay the others.

    By default that is PostgreSQL's time, since nodes may have different ones. `run_as`
    is the user of FASTDEPLOY_RUN_AS. Raises Unavailable, and continues at the next
    call.
    """
    done = LaunchResult()
    launcher = _Launcher(store, queue, secret_box, run_as, sources)
    node = sources.settings.node if sources else None
    while not stopping():
        with store.begin() as db:
            now = moment or schedules.now(db)
            batch = schedules.due(db, now, BATCH, node=node)
            frozen = calendars.freezes_of(db, batch, now)
        if not batch:
            break
        # Several workers have the same batch: in another order they share it.
        random.shuffle(batch)
        settle = partial(_settle, launcher, now, done, frozen)
        with ThreadPoolExecutor(min(THREADS, len(batch))) as pool:
            deque(pool.map(settle, batch), maxlen=0)
    return done


@dataclass(frozen=True, slots=True)
class _Launcher:
    """Launches the service of a schedule."""

    store: Store
    queue: Queue
    secret_box: SecretBox
    run_as: str
    sources: ScheduleSources | None

    def launch(self, due: StoredSchedule, decision: Decision) -> int:
        """Launch an instant and store the next one; raises what `deploy.launch` does.

        Raises _Taken if it was stored before.
        """
        noted = False

        def note(db: Connection, number: int) -> None:
            nonlocal noted
            _advance(db, due, decision, deployment=number)
            pings.add_start(db, due.id, number)
            noted = True

        number = self._launch(due, decision, note)
        if not noted:
            # It was launched before: the time of the schedule was changed since then.
            with self.store.begin() as db:
                _advance(db, due, decision, deployment=number)
        return number

    def _launch(
        self,
        due: StoredSchedule,
        decision: Decision,
        note: Callable[[Connection, int], None],
    ) -> int:
        revision = None
        if self.sources is not None:
            revision = self.sources.revision(due.service_name, due.schedule)
        # A repetition isn't compared with the first launch: the variables of the
        # schedule may have been changed since then.
        key = RequestKey(f"schedule:{due.id}:{decision.instant.isoformat()}")
        return deploy.launch(
            self.store,
            self.queue,
            self.secret_box,
            actor=of_schedule(due.schedule.name),
            origin=Origin.SCHEDULE,
            service_name=due.service_name,
            given=due.schedule.variables,
            options=due.schedule.options,
            revision=revision,
            run_as=self.run_as,
            idempotency_key=key,
            confirmed=True,
            requesters=due.requesters,
            note=note,
        )


def _settle(
    launcher: _Launcher,
    now: datetime,
    done: LaunchResult,
    frozen: Mapping[int, Freezes],
    due: StoredSchedule,
) -> None:
    """Launch or skip the instants of one schedule.

    Raises Unavailable and BadSetting.
    """
    try:
        _launch_or_skip(launcher, now, done, frozen[due.id], due)
    except _Taken:
        log.debug("schedule.taken", schedule=due.id)


def _launch_or_skip(
    launcher: _Launcher,
    now: datetime,
    done: LaunchResult,
    freezes: Freezes,
    due: StoredSchedule,
) -> None:
    assert due.next_at is not None
    decision = decide(
        due.schedule, due.next_at, now, unfinished=due.unfinished, freezes=freezes
    )
    problem = decision.skipped
    if not problem:
        try:
            number = _try_twice(launcher, due, decision)
        except (Unavailable, BadSetting):
            raise
        except FastDeployError as error:
            problem = f"not launched: {error}"
        else:
            done.launched.append(number)
            log.info("schedule.launched", schedule=due.id, deployment=number,
                     late=(now - decision.instant).total_seconds())  # fmt: skip
            return
    with launcher.store.begin() as db:
        _advance(db, due, decision, problem=problem)
    done.skipped.append(due.id)
    log.warning("schedule.skipped", schedule=due.id, service=due.service_name)


def _try_twice(launcher: _Launcher, due: StoredSchedule, decision: Decision) -> int:
    try:
        return launcher.launch(due, decision)
    except Conflict:
        # A sync may have changed the service at this moment.
        return launcher.launch(due, decision)


def _advance(
    db: Connection,
    due: StoredSchedule,
    decision: Decision,
    *,
    deployment: int | None = None,
    problem: str = "",
) -> None:
    stored = schedule_updates.advance(
        db,
        due,
        instant=decision.instant,
        following=decision.following,
        deployment=deployment,
        problem=problem,
    )
    if not stored:
        raise _Taken
