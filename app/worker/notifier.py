"""Send the messages of the outbox; the workers of all nodes share them."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from app.domain.notification import MessageState, Notification, delay_after
from app.encryption import SecretBox
from app.errors import BadSetting, NotFound, NothingToReport, Unavailable
from app.log import get
from app.settings import Settings
from app.store import channels, notifications
from app.store.store import Store
from app.usecases import notification_messages
from app.usecases.notifications import note_late

log = get("notifier")

#: Seconds between searches for messages.
LOOK_EVERY = 1.0
#: Seconds between searches for late deployments.
LATE_EVERY = 30.0
#: Messages that are sent at a time, each by a process.
AT_ONCE = 4
#: Seconds until the process of a message is killed; less than a claim lasts.
LIMIT = 60.0
#: Seconds that a worker waits for these processes when it stops.
STOP_SECONDS = 5.0
#: Threads that use the database, and so its connections.
THREADS = 2
#: What the process inherits. A proxy would connect to internal addresses for it.
_INHERITED = ("LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Result:
    """The result of an attempt; without a problem the message was sent."""

    problem: str = ""
    #: Whether another attempt would fail, too.
    useless: bool = False
    skipped: bool = False


class Notifier:
    """Claims messages, sends each in a process of its own, and stores the result."""

    def __init__(self, store: Store, secret_box: SecretBox, settings: Settings) -> None:
        self._store = store
        self._secret_box = secret_box
        self._settings = settings
        # Not asyncio's own threads: those of deployments may be busy.
        self._threads = ThreadPoolExecutor(THREADS, "notifier")

    async def run(self) -> None:
        """Send messages until canceled, and give those being sent a few seconds."""
        await self._use(self._release)
        late = asyncio.create_task(self._look_for_late())
        sending: set[asyncio.Task[None]] = set()
        try:
            while True:
                if len(sending) == AT_ONCE:
                    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    continue
                claimed = None
                with suppress(Unavailable):
                    claimed = await self._use(self._claim)
                if claimed is None:
                    await asyncio.sleep(LOOK_EVERY)
                    continue
                task = asyncio.create_task(self._process(claimed))
                sending.add(task)
                task.add_done_callback(sending.discard)
        finally:
            late.cancel()
            left = [*sending]
            if left:
                await asyncio.wait(left, timeout=STOP_SECONDS)
            for task in left:
                task.cancel()
            await asyncio.gather(late, *left, return_exceptions=True)

    async def _use(self, act: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, act, *arguments)

    async def _look_for_late(self) -> None:
        while True:
            try:
                await self._use(note_late, self._store)
            except Exception:  # it must not end while messages are sent
                log.exception("notifications.late")
            await asyncio.sleep(LATE_EVERY)

    def _release(self) -> None:
        """Give back what this node's previous worker was sending when it was killed."""
        with self._store.begin() as db:
            notifications.release(db, self._settings.node)

    def _claim(self) -> Notification | None:
        with self._store.begin() as db:
            return notifications.claim(db, self._settings.node)

    async def _process(self, claimed: Notification) -> None:
        try:
            result = await self._attempt(claimed)
            await self._use(self._store_result, claimed, result)
        except Unavailable as error:
            # The claim ends by itself, and the message is sent again.
            log.warning("notification.interrupted", notification=claimed.id,
                        error=str(error))  # fmt: skip

    async def _attempt(self, claimed: Notification) -> _Result:
        """Compose and send a message. Raises Unavailable."""
        try:
            found = await self._use(self._prepare, claimed)
            return await _send(found) if isinstance(found, dict) else found
        except Unavailable:
            raise
        except BadSetting as error:
            return _Result(str(error))
        except Exception:  # the other messages have to be sent
            log.exception("notification.broken", notification=claimed.id)
            return _Result("it couldn't be composed; the log of the worker says why")

    def _prepare(self, claimed: Notification) -> "dict[str, Any] | _Result":
        """Return what the process needs, or why there is nothing to send."""
        with self._store.begin() as db:
            found = channels.find(db, claimed.channel)
        if found is None:
            name = claimed.channel
            problem = f"there is no channel {name}: create it, and send this again"
            return _Result(problem, useless=True)
        if found.channel.paused_at is not None:
            return _Result("the channel was paused", skipped=True)
        try:
            message = notification_messages.compose(
                self._store, self._settings.base_url, claimed
            )
        except NothingToReport as error:
            return _Result(str(error), skipped=True)
        except NotFound as error:
            return _Result(str(error), useless=True)
        return {
            **self._secret_box.open(found.sealed),
            "key": claimed.key,
            "event": claimed.event,
            "title": message.title,
            "text": message.text,
            "data": message.data,
            "allowed": [str(each) for each in self._settings.outgoing_allowed],
        }

    def _store_result(self, claimed: Notification, result: _Result) -> None:
        state, delay = MessageState.SENT, None
        if result.skipped:
            state = MessageState.SKIPPED
        elif result.problem:
            delay = None if result.useless else delay_after(claimed.attempts)
            state = MessageState.FAILED if delay is None else MessageState.PENDING
        with self._store.begin() as db:
            extra = {} if delay is None else {"delay": delay}
            notifications.finish(db, claimed, state, error=result.problem, **extra)
        log.info("notification.attempted", notification=claimed.id, state=state.value,
                 channel=claimed.channel, attempt=claimed.attempts)  # fmt: skip


async def _send(message: dict[str, Any]) -> _Result:
    """Send a message in a process of its own, which is killed after LIMIT."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "app.worker.message_sender",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        # Without a home, no file such as ~/.netrc is used.
        env={**environment, "HOME": "/nonexistent"},
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            printed, _ = await process.communicate(json.dumps(message).encode())
    except TimeoutError:
        return _Result(f"the receiver didn't answer within {LIMIT:g} s")
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    try:
        return _Result(**json.loads(printed))
    except (ValueError, TypeError):
        return _Result(f"the sending process ended with code {process.returncode}")
