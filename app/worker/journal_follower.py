"""Follow a journal from the stored offset to its end and record its events."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from app.domain.deployment import Deployment, Outcome, Status, canceled_by
from app.domain.events import JournalEvent, Notice, RunnerEvent
from app.errors import Conflict, Unavailable
from app.log import get
from app.runner.masking import Masker
from app.store.events import Occurrence
from app.store.store import Store
from app.store.unversioned_events import RESULTS
from app.usecases import file_versions, record
from app.usecases.record import Place
from app.worker.journal import MAX_LINES, Batch, JournalReader
from app.worker.run import Run
from app.worker.run_clock import clock_of
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination, noted

log = get("worker")

#: Poll interval in seconds for a journal that has not grown: minimum and maximum.
POLL = (0.02, 0.1)
#: The poll interval is the idle time divided by this, so polling delays a line by at
#: most a tenth of the time since the previous one.
POLL_TIMES = 10
#: Seconds to gather lines before they are recorded, minimum and maximum: a transaction
#: for each line would take CPU time from the run. A full batch doesn't wait.
GATHER = (0.06, 0.5)
#: The time to gather lines is the duration of the last two transactions, the shorter
#: one, times this: if the host or PostgreSQL is busy, lines gather longer.
GATHER_TIMES = 12
#: Seconds between checks that the run is alive and may continue.
CHECK = 1.0
#: Maximum seconds until versions of files are recorded, in a run that goes on. Other
#: runs that change the same files compare them with these.
VERSIONS = 1.0
#: Seconds to wait for the reader of a script's output when no process of the run is
#: left: the reader continues if a process outside of the run holds the pipe.
READER = 5.0
#: The outcome of a run whose wrapper is gone.
ORPHANED = Outcome(
    Status.FAILED,
    "its wrapper process was killed, so its exit code can't be known; FastDeploy "
    "ended what was left of the run",
)


class Interrupted(Exception):
    """The worker stops; the run continues, and the next worker resumes from here."""


class Vanished(Exception):
    """The run is gone without an exit code.

    `ended` is the outcome for which FastDeploy ended it, if it did.
    """

    def __init__(self, ended: Outcome | None) -> None:
        super().__init__()
        self.ended = ended


class Follower:
    """Records a run's journal in the store until the run has ended."""

    def __init__(
        self,
        store: Store,
        run: Run,
        deployment: Deployment,
        masker: Masker,
        stop: threading.Event,
        *,
        end: Callable[[Outcome], Termination],
        processes: RunProcesses,
    ) -> None:
        """Prepare to follow a run; `end` starts its termination with an outcome."""
        self._store = store
        self._run = run
        self._deployment = deployment
        self.clock = clock_of(run, deployment.started_at or deployment.created_at)
        self._masker = masker
        self._stop = stop
        self._end = end
        earlier = noted(run)
        self._ending = None if earlier is None else end(earlier)
        self._processes = processes
        self._gone = False
        self._reader_ends_by: float | None = None
        self._next_check = 0.0
        #: The seconds that the last transaction took.
        self._took = math.inf
        self._place = Place(deployment.journal_offset, deployment.last_event)
        self._steps = record.stored_steps(store, deployment.id)
        # The worker before may have left some to record.
        self._next_versions = 0.0

    def follow(self) -> tuple[int, Outcome | None]:
        """Record every line; return the exit code and the outcome of a terminated run.

        Raises Interrupted when the worker stops, Vanished if the run is gone, and the
        errors of the store; following can be resumed after each of these.
        """
        journal = JournalReader(
            self._run.journal,
            self._place.offset,
            self._masker,
            script=self._deployment.service.playbook is None,
        )
        grown = time.monotonic()
        try:
            while True:
                # Read the exit code before the journal: when the exit code exists, the
                # run itself writes nothing more.
                exit_code = self._run.exit_code()
                batch = journal.read(ended=self._gone or exit_code is not None)
                if batch is not None:
                    begun = time.monotonic()
                    try:
                        self._record(journal, batch)
                    except Unavailable:
                        # The timeout also applies while PostgreSQL is unavailable.
                        self._check(exit_code)
                        raise
                    self._gather(time.monotonic() - begun, len(batch.events))
                    grown = time.monotonic()
                elif exit_code is not None and self._nothing_left():
                    return exit_code, self._outcome
                elif self._gone:
                    raise Vanished(self._outcome)
                else:
                    self._wait(time.monotonic() - grown)
                self._check(exit_code)
        finally:
            journal.close()

    def _wait(self, unchanged: float) -> None:
        """Wait before the next poll of a journal unchanged for `unchanged` seconds."""
        if time.monotonic() > self._next_versions:
            self._next_versions = math.inf
            file_versions.record(self._store, self._deployment)
        least, most = POLL
        if self._stop.wait(min(max(least, unchanged / POLL_TIMES), most)):
            raise Interrupted

    def _gather(self, took: float, recorded: int) -> None:
        """Gather lines after a transaction of `took` seconds, unless the run ends."""
        # One slow transaction, such as during a checkpoint, doesn't mean a busy host.
        usual, self._took = min(took, self._took), took
        if recorded >= MAX_LINES:
            return
        least, most = GATHER
        until = time.monotonic() + min(max(least, usual * GATHER_TIMES), most)
        while self._run.exit_code() is None and time.monotonic() < until:
            self._wait(0)

    def _record(self, journal: JournalReader, batch: Batch) -> None:
        """Record a batch. Raises Conflict and Unavailable."""
        try:
            self._take_in(batch.events, batch.offset)
        except (Conflict, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the next time it would be the same
            # Without the text of the error, which may quote the line.
            log.warning("follow.refused", deployment=self._deployment.id,
                        offset=self._place.offset,
                        error=type(error).__name__)  # fmt: skip
            self._record_singly(journal, batch)

    def _record_singly(self, journal: JournalReader, batch: Batch) -> None:
        """Record a batch event by event after it failed as a whole.

        An event that fails is recorded as plain output after a notice. If this fails
        too, the error is raised.
        """
        for event, end in zip(batch.events, batch.ends, strict=True):
            # The failed attempt has changed the steps in memory, but not in the store.
            self._steps = record.stored_steps(self._store, self._deployment.id)
            try:
                self._take_in([event], end)
            except (Conflict, Unavailable):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self._steps = record.stored_steps(self._store, self._deployment.id)
                why = f"FastDeploy can't record it otherwise ({type(error).__name__})"
                notice = Notice(f"The next line is kept as text: {why}.")
                raw = journal.raw(self._place.offset, end)
                self._take_in([notice, raw], end)

    def _take_in(self, events: Sequence[JournalEvent], offset: int) -> None:
        """Record events that end at an offset of the journal, in one transaction."""
        now = self.clock.now()
        occurrences = []
        for event in events:
            at = now
            if isinstance(event, RunnerEvent) and event.at is not None:
                at = self._believable(event.at, now)
            occurrences.append(Occurrence(at, event, self._steps.apply(event, at)))
        self._place = record.record(
            self._store,
            self._deployment.id,
            was=self._place,
            offset=offset,
            batch=occurrences,
            changed=self._steps.take_changed(),
        )
        if any(map(_may_change_files, events)):
            due = time.monotonic() + VERSIONS
            self._next_versions = min(self._next_versions, due)

    def _believable(self, at: datetime, now: datetime) -> datetime:
        """Return a run's timestamp if it is between its start and now, or now."""
        return at if (self._deployment.started_at or now) <= at <= now else now

    def _check(self, exit_code: int | None) -> None:
        """Continue a termination; every CHECK seconds, check if the run must end."""
        if self._ending is not None:
            self._ending.press_on()
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + CHECK
        if exit_code is None and not self._run.alive():
            if self._run.exit_code() is None:
                self._go_on_without_wrapper()
        elif exit_code is None and self._ending is None:
            outcome = self._ended_for()
            if outcome is not None:
                self._ending = self._end(outcome)

    def _go_on_without_wrapper(self) -> None:
        """End the remaining processes of a run that can't get an exit code anymore."""
        if not self._processes.count():
            # The run may have written its last lines since the journal was read.
            self._reader_ends_by = self._reader_ends_by or time.monotonic() + READER
            late = time.monotonic() > self._reader_ends_by
            self._gone = late or not self._run.output_is_read()
        elif self._ending is None:
            log.warning("run.orphaned", deployment=self._deployment.id)
            self._ending = self._end(ORPHANED)

    def _ended_for(self) -> Outcome | None:
        """Return the outcome with which the run must be ended, if any."""
        limit = self._deployment.service.timeout
        if self.clock.elapsed() > limit:
            return Outcome(Status.TIMEOUT, f"it took longer than {limit} s")
        actor = record.cancel_wished_by(self._store, self._deployment.id)
        return None if actor is None else canceled_by(actor)

    @property
    def _outcome(self) -> Outcome | None:
        """The outcome of the termination, if a signal reached the run."""
        return None if self._ending is None else self._ending.outcome

    def _nothing_left(self) -> bool:
        """Return whether no process is left of a run that was terminated."""
        return self._ending is None or self._ending.nothing_left()


def _may_change_files(event: JournalEvent) -> bool:
    return isinstance(event, RunnerEvent) and event.result in RESULTS
