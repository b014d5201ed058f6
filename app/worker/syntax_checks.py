"""Check in the background whether Ansible can load the playbooks of this node."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from app.domain.run_identity import content_folder
from app.domain.service import Service
from app.domain.syntax_check import NOT_CHECKED, SyntaxCheck, judge
from app.errors import Unavailable
from app.log import get
from app.runner.syntax_check import SECONDS
from app.settings import Settings
from app.store import deployments, syntax_checks
from app.store.store import Store
from app.store.syntax_checks import DueCheck

log = get("worker")

#: Seconds between searches for services that a sync has changed.
LOOK_EVERY = 3.0
#: Seconds that a check waits at most for the end of all deployments of this node.
PATIENCE = 60.0
#: Seconds after which the process of a check is killed, if it doesn't end by itself.
_LIMIT = SECONDS + 30


class SyntaxChecks:
    """Does the checks that are due, one at a time, while no deployment is active."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def run(self) -> None:
        """Do checks until canceled."""
        while True:
            try:
                due = await asyncio.to_thread(self._next)
                if due is not None:
                    await self._wait_for_deployments()
                    await self._check(due)
                    continue
            except Unavailable as error:
                log.warning("syntax_check.interrupted", error=str(error))
            await asyncio.sleep(LOOK_EVERY)

    async def _check(self, due: DueCheck) -> None:
        check = await run(self._settings, due.service)
        await asyncio.to_thread(self._put, due, check)
        log.info("syntax_check.done", service=due.service.name,
                 problem=bool(check.problem))  # fmt: skip

    async def _wait_for_deployments(self) -> None:
        waited = 0.0
        while waited < PATIENCE and await asyncio.to_thread(self._busy):
            await asyncio.sleep(LOOK_EVERY)
            waited += LOOK_EVERY

    def _next(self) -> DueCheck | None:
        with self._store.begin() as db:
            return syntax_checks.next_due(db, self._settings.node)

    def _put(self, due: DueCheck, check: SyntaxCheck) -> None:
        with self._store.begin() as db:
            syntax_checks.put(db, self._settings.node, due.key, check)

    def _busy(self) -> bool:
        with self._store.begin() as db:
            return bool(deployments.active_on(db, self._settings.node))


async def run(settings: Settings, service: Service) -> SyntaxCheck:
    """Let Ansible load the playbook of a service, in a process of its own."""
    folder = content_folder(service, settings.run_settings)
    return await check(_arguments(settings, service), folder)


async def check(arguments: Sequence[str], folder: Path) -> SyntaxCheck:
    """Run `app.runner.syntax_check`.

    Args:
        arguments: Those of its command line.
        folder: The folder of the playbook; paths in it are shortened.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "app.runner.syntax_check",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LIMIT):
            printed, _ = await process.communicate()
    except TimeoutError:
        return NOT_CHECKED
    finally:
        # Plugins of the repository may have started other processes.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return _result(printed, folder)


def _arguments(settings: Settings, service: Service) -> list[str]:
    folder = settings.services.absolute() / service.name.partition("/")[0]
    if service.project is None:
        return ["--service", str(folder)]
    return [
        "--project", str(folder), "--name", service.name,
        "--commit", service.project.commit, "--data", str(settings.data),
    ]  # fmt: skip


def _result(printed: bytes, folder: Path) -> SyntaxCheck:
    try:
        found = orjson.loads(printed)
    except orjson.JSONDecodeError:
        return NOT_CHECKED
    return judge(
        found["code"],
        found.get("output", ""),
        str(folder.resolve()),
        found.get("unknown", ()),
        encrypted=found.get("encrypted", False),
        vault=found.get("vault", False),
    )
