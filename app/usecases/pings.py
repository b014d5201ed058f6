"""Ping the healthcheck URLs of schedules when their deployments have started or ended.

A ping is stored in the transaction that launches or ends the deployment, and sent by
any worker, at least once. So a URL that doesn't answer delays no run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.healthcheck import RETRY_AFTER, Kind, url_of
from app.domain.outgoing_answer import is_final
from app.domain.outgoing_url import IPNetwork
from app.encryption import SecretBox
from app.errors import BadSetting, OutgoingFailed, OutgoingRefused
from app.log import get
from app.store import pings
from app.store.pings import Ping
from app.store.store import Store
from app.usecases.healthcheck_urls import unseal

log = get("pings")

#: Seconds that a ping may take, which is less than the time for which it is taken.
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a ping wasn't accepted, and whether it is useful to send it again."""

    problem: str
    again: bool


def take_due(store: Store, limit: int) -> list[Ping]:
    """Take pings that are due; each has to be sent. Raises Unavailable."""
    with store.begin() as db:
        return pings.take_due(db, limit)


def send(
    store: Store, secret_box: SecretBox, allowed: Sequence[IPNetwork], ping: Ping
) -> None:
    """Send a ping that was taken, and store when to repeat it if it fails.

    `allowed` has the internal networks that can be reached. Raises Unavailable.
    """
    failure = _try(secret_box, allowed, ping)
    with store.begin() as db:
        if failure is None:
            pings.settle(db, ping)
            return
        # An end is always sent: it matters more than that its start isn't known.
        outdated = ping.kind is Kind.START and pings.has_ended(db, ping.deployment_id)
        if failure.again and not outdated and ping.attempts <= len(RETRY_AFTER):
            seconds = RETRY_AFTER[ping.attempts - 1]
            pings.put_off(db, ping, failure.problem, seconds)
        else:
            pings.settle(db, ping, failure.problem)
    log.warning("ping.failed", schedule=ping.schedule_id,
                deployment=ping.deployment_id, kind=ping.kind,
                problem=failure.problem)  # fmt: skip


def _try(
    secret_box: SecretBox, allowed: Sequence[IPNetwork], ping: Ping
) -> _Failure | None:
    # It loads httpcore, which a worker without a healthcheck URL doesn't need.
    from app.outgoing import send  # noqa: PLC0415

    try:
        url = unseal(secret_box, ping.healthcheck)
        if not url:
            # The URL was removed from the schedule.
            return None
        answer = send("GET", url_of(url, ping.kind), timeout=TIMEOUT, allowed=allowed)
    except OutgoingFailed as error:
        return _Failure(str(error), again=True)
    except (OutgoingRefused, BadSetting) as error:
        return _Failure(str(error), again=False)
    if answer.is_success:
        return None
    problem = f"the healthcheck answered {answer.status}"
    return _Failure(problem, again=not is_final(answer.status))
