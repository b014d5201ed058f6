"""Collect the traces of ended deployments, which a worker sends to a collector."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.trace import (
    Delivery,
    Link,
    Span,
    delivery_span,
    delivery_trace_id_of,
    span_id_of,
    spans_of,
    trace_id_of,
)
from app.errors import NotFound
from app.store import deployment_steps, deployments, traces
from app.store.store import Store
from app.store.traces import TakenTrace

#: Seconds until each further attempt; a trace that failed after the last is given up.
RETRY_AFTER = (5, 30, 120, 600, 3600)


@dataclass(frozen=True, slots=True)
class Trace:
    """Spans with the id of their trace, and the spans to which the first one links."""

    trace_id: str
    spans: tuple[Span, ...]
    links: tuple[Link, ...] = ()


def add(store: Store, deployment_id: int) -> None:
    """Make the trace of an ended deployment due. Raises Unavailable."""
    with store.begin() as db:
        traces.add(db, deployment_id)


def send_next(
    store: Store, base_url: str, send: Callable[[list[Trace]], str]
) -> tuple[int, str] | None:
    """Send the next trace that is due; None if there is none.

    `send` returns why it failed, or nothing. Return the deployment and the problem; a
    trace that isn't sent is due again later, and finally given up. Raises Unavailable.
    """
    with store.begin() as db:
        taken = traces.take_due(db)
    if taken is None:
        return None
    try:
        problem = send(collect(store, base_url, taken))
    except NotFound as error:
        problem = str(error)
    attempts = taken.attempts
    with store.begin() as db:
        if problem and attempts <= len(RETRY_AFTER):
            traces.put_off(db, taken, RETRY_AFTER[attempts - 1])
        else:
            traces.settle(db, taken)
    return taken.deployment_id, problem


def collect(store: Store, base_url: str, taken: TakenTrace) -> list[Trace]:
    """Return the trace of a deployment, and that of the webhook that launched it.

    Raises NotFound if the deployment is gone.
    """
    number = taken.deployment_id
    with store.begin() as db:
        deployment = deployments.find(db, number)
        if deployment is None or deployment.finished_at is None:
            raise NotFound(f"there is no ended deployment {number}")
        delivery = traces.delivery_of(db, number)
        steps = deployment_steps.steps_of(db, number)
        url = f"{base_url}/deployments/{number}" if base_url else ""
        spans = tuple(spans_of(deployment, steps, traces.run_events(db, number), url))
    launched_by = (
        _trace_of(delivery, delivery_span(delivery, deployment)) if delivery else []
    )
    links = [taken.parent] if taken.parent else []
    links += [
        Link(each.trace_id, span_id_of(each.trace_id, each.spans[0].key))
        for each in launched_by
    ]
    own = trace_id_of(number, deployment.created_at, deployment.service_name)
    return [*launched_by, Trace(own, spans, tuple(links))]


def _trace_of(delivery: Delivery, span: Span) -> list[Trace]:
    return [Trace(delivery_trace_id_of(delivery), (span,))]
