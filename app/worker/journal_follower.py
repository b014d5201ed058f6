"""Following: a `tail -f` with a transaction, from the stored offset to the end."""

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
from app.usecases import record
from app.usecases.record import Place
from app.worker.journal import MAX_LINES, Batch, JournalReader
from app.worker.launch import Run
from app.worker.run_clock import clock_of
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination, noted

log = get("worker")

#: Seconds between two looks at a journal that has not grown, at least and at most.
POLL = (0.02, 0.1)
#: How many times longer it has not grown by then: who has waited for a second for the
#: next line doesn't notice a tenth.
POLL_TIMES = 10
#: Seconds in which lines gather before they are recorded, at least and at most: a
#: transaction for each would take from the run the processor's time. A burst doesn't
#: wait.
GATHER = (0.06, 0.5)
#: How many times longer than it took to record them: where the host or PostgreSQL is
#: busy, lines gather longer.
GATHER_TIMES = 12
#: Seconds between two checks: is the run still there, and may it go on?
CHECK = 1.0
#: Seconds that the reader of a script's output may take to end when nothing is left of
#: the run: it goes on if a process that isn't the run's holds the pipe.
READER = 5.0
#: What a run is ended for whose wrapper is gone.
ORPHANED = Outcome(
    Status.FAILED,
    "its wrapper process was killed, so its exit code can't be known; FastDeploy "
    "ended what was left of the run",
)


class Interrupted(Exception):
    """The worker stops; the run goes on, and somebody follows it from here."""


class Vanished(Exception):
    """The run is gone and left no exit code; `ended` is what it was ended for."""

    def __init__(self, ended: Outcome | None) -> None:
        super().__init__()
        self.ended = ended


class Follower:
    """Takes a run's journal into the store until the run has ended."""

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
        """`end` begins to end the run, for the outcome that it then has."""
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
        self._place = Place(deployment.journal_offset, deployment.last_event)
        self._steps = record.stored_steps(store, deployment.id)

    def follow(self) -> tuple[int, Outcome | None]:
        """Return the exit code, and what the run was ended for; every line is recorded.

        Raises Interrupted when the worker is to stop, Vanished if the run is gone,
        and what the store raises; whatever it is, following can begin again.
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
                # First whether it has ended, then what it wrote: after an exit code
                # there is nothing more to come from the run itself.
                exit_code = self._run.exit_code()
                batch = journal.read(ended=self._gone or exit_code is not None)
                if batch is not None:
                    begun = time.monotonic()
                    try:
                        self._record(journal, batch)
                    except Unavailable:
                        # The time limit holds while PostgreSQL is away, too.
                        self._check(exit_code)
                        raise
                    if len(batch.events) < MAX_LINES:
                        self._gather(time.monotonic() - begun)
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
        """Wait until the journal is looked at again, unchanged for so many seconds."""
        least, most = POLL
        if self._stop.wait(min(max(least, unchanged / POLL_TIMES), most)):
            raise Interrupted

    def _gather(self, took: float) -> None:
        """Let lines gather after some took so many seconds, unless the run ends."""
        least, most = GATHER
        until = time.monotonic() + min(max(least, took * GATHER_TIMES), most)
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
        """Record a batch that can't be recorded as a whole, event by event.

        One that is refused is recorded as plain output, behind a notice. Raises what
        refuses that too.
        """
        for event, end in zip(batch.events, batch.ends, strict=True):
            # What was refused has changed the steps here, but not in the store.
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
        """Record events that end at an offset of the journal: all of them, or none."""
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

    def _believable(self, at: datetime, now: datetime) -> datetime:
        """A time that a run claims, if it lies between its beginning and now."""
        return at if (self._deployment.started_at or now) <= at <= now else now

    def _check(self, exit_code: int | None) -> None:
        """Now and then: is the run still there, and may it go on?"""
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
        """End what is left of a run that can't leave an exit code any more."""
        if not self._processes.count():
            # Its last lines may have come since the journal was read.
            self._reader_ends_by = self._reader_ends_by or time.monotonic() + READER
            late = time.monotonic() > self._reader_ends_by
            self._gone = late or not self._run.output_is_read()
        elif self._ending is None:
            log.warning("run.orphaned", deployment=self._deployment.id)
            self._ending = self._end(ORPHANED)

    def _ended_for(self) -> Outcome | None:
        """What the run is to be ended for, if anything."""
        limit = self._deployment.service.timeout
        if self.clock.elapsed() > limit:
            return Outcome(Status.TIMEOUT, f"it took longer than {limit} s")
        actor = record.cancel_wished_by(self._store, self._deployment.id)
        return None if actor is None else canceled_by(actor)

    @property
    def _outcome(self) -> Outcome | None:
        """What the run ended for, if a signal reached it."""
        return None if self._ending is None else self._ending.outcome

    def _nothing_left(self) -> bool:
        """Whether a run that was to end has left nothing behind."""
        return self._ending is None or self._ending.nothing_left()
