"""Launch what the deliveries of webhooks ask for, each at most once.

Every worker does this for the projects that its host has. The launch has the delivery,
its attempt and the service as its idempotency key, so a delivery that is handled again
after a crash launches what is still missing.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from app.domain.access import of_webhook
from app.domain.deployment import Origin
from app.domain.push import Push, PushRule
from app.domain.revision import short
from app.domain.service import Service
from app.domain.webhook import DeliveryState
from app.encryption import SecretBox
from app.errors import BadSetting, Conflict, FastDeployError, Unavailable
from app.log import get
from app.project_folder import Reach
from app.queue import Queue
from app.settings import Settings
from app.store import webhook_deliveries, webhook_launches
from app.store.store import Store
from app.store.webhook_deliveries import DueDelivery
from app.usecases import deploy, pushed_project
from app.usecases.idempotency import RequestKey
from app.usecases.pushed_project import FetchFailed, PushedProject

log = get("webhooks")

#: The number of deliveries that are handled at a time, each in a thread.
THREADS = 2
#: The number of times that a fetch is tried, and the first pause between them.
MAX_TRIES = 6
#: The number of times that a delivery is handled: one that ends a worker, or raises an
#: unexpected error, must not keep the others waiting.
MAX_HANDLED = 12
FIRST_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Launcher:
    """What is needed to handle deliveries."""

    store: Store
    queue: Queue
    secret_box: SecretBox
    settings: Settings
    reach: Reach


@dataclass(slots=True)
class _Result:
    """What the rules of a project make of a delivery."""

    launched: int = 0
    refused: int = 0
    lines: tuple[str, ...] = ()

    @property
    def state(self) -> DeliveryState:
        """The state of the delivery."""
        if self.launched:
            return DeliveryState.LAUNCHED
        return DeliveryState.FAILED if self.refused else DeliveryState.SKIPPED

    def say(self, line: str) -> None:
        """Add a sentence to the answer."""
        self.lines = (*self.lines, line)


def launch_due(launcher: Launcher, stopping: Callable[[], bool]) -> int:
    """Handle the queued deliveries of this host's projects; return how many.

    Raises Unavailable and BadSetting, and continues at the next call.
    """
    handled = 0
    while not stopping():
        with launcher.store.begin() as db:
            found = webhook_deliveries.due(db, launcher.settings.node, THREADS * 10)
        here = [
            each
            for each in found
            if pushed_project.is_here(launcher.settings, each.project)
        ][:THREADS]
        if not here:
            break
        with ThreadPoolExecutor(THREADS) as pool:
            deque(pool.map(lambda each: _handle(launcher, each), here), maxlen=0)
        handled += len(here)
    return handled


def _handle(launcher: Launcher, due: DueDelivery) -> None:
    """Launch what one delivery asks for, and store the result."""
    delivery = due.delivery
    with launcher.store.begin() as db:
        if not webhook_deliveries.claim(db, delivery.id, launcher.settings.node):
            return
    result = _Result()
    try:
        _fetch_and_launch(launcher, due, result)
    except FetchFailed as error:
        if delivery.tries + 1 < MAX_TRIES:
            pause = FIRST_PAUSE * 2**delivery.tries
            with launcher.store.begin() as db:
                said = f"the fetch failed and is tried again: {error}"
                webhook_deliveries.postpone(db, delivery.id, pause, said)
            return
        _refuse(result, f"the repository can't be fetched: {error}")
    with launcher.store.begin() as db:
        webhook_deliveries.settle(db, delivery, result.state, "\n".join(result.lines))
    log.info("webhook.handled", webhook=due.webhook, delivery=delivery.id,
             state=result.state)  # fmt: skip


def _fetch_and_launch(launcher: Launcher, due: DueDelivery, result: _Result) -> None:
    """Follow the rules of the project for each push. Raises FetchFailed."""
    if due.delivery.tries >= MAX_HANDLED:
        _refuse(result, "it was handled too often without an end: see the worker's log")
        return
    try:
        project = pushed_project.fetch(launcher.settings, launcher.reach, due.project)
    except FetchFailed:
        raise
    except Conflict as error:
        _refuse(result, str(error))
        return
    for number, push in enumerate(due.delivery.pushes):
        try:
            _follow_rules(launcher, due, project, push, number, result)
        except Conflict as error:
            _refuse(result, f"{short(push.ref)}: {error}")


def _refuse(result: _Result, line: str) -> None:
    result.refused += 1
    result.say(line)


def _follow_rules(
    launcher: Launcher,
    due: DueDelivery,
    project: PushedProject,
    push: Push,
    number: int,
    result: _Result,
) -> None:
    """Launch each service of a project with a rule for a push."""
    meant = {
        name: rules
        for name, service in project.services.items()
        if isinstance(service, Service)
        and (rules := [rule for rule in service.on_push if rule.matches(push.ref)])
    }
    if not meant:
        result.say(f"no rule of {project.name} is for {push.ref}")
        for name, problem in project.services.items():
            if isinstance(problem, str):
                result.say(f"{name} is invalid: {problem}")
        return
    commit = project.commit_of(push)
    for name, rules in meant.items():
        rule = next((rule for rule in rules if project.changes(push, rule)), None)
        if rule is None:
            result.say(f"{name}: the push changes none of its paths")
            continue
        _launch_one(launcher, due, project, push, commit, number, name, rule, result)


def _launch_one(
    launcher: Launcher,
    due: DueDelivery,
    project: PushedProject,
    push: Push,
    commit: str,
    number: int,
    name: str,
    rule: PushRule,
    result: _Result,
) -> None:
    """Launch a service, and add what happened to the result."""

    def note(db: Connection, deployment: int) -> None:
        webhook_launches.add(
            db,
            deployment=deployment,
            delivery=due.delivery.id,
            repository=project.repository,
            commit=commit,
            with_status=due.with_status,
        )

    service = hashlib.sha256(name.encode()).hexdigest()[:16]
    delivery = due.delivery
    try:
        deployment = deploy.launch(
            launcher.store,
            launcher.queue,
            launcher.secret_box,
            actor=of_webhook(due.webhook),
            origin=Origin.WEBHOOK,
            service_name=name,
            given=rule.given(Push(push.ref, commit, push.before)),
            options=rule.options,
            revision=project.revision(name, commit, push.ref),
            run_as=launcher.settings.run_as,
            # If it was launched before a crash, its rule may have been changed since.
            idempotency_key=RequestKey(
                f"{delivery.id}:{delivery.attempt}:{number}:{service}"
            ),
            confirmed=True,
            requesters=(delivery.redelivered_by,) if delivery.redelivered_by else (),
            note=note,
        )
    except (Unavailable, BadSetting):
        raise
    except FastDeployError as error:
        _refuse(result, f"{name} was not launched: {error}")
        return
    result.launched += 1
    result.say(f"{name} at {short(push.ref)}: deployment {deployment}")
