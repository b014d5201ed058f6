"""The metrics of FastDeploy for Prometheus, which are read at each scrape.

Import it where a scrape is answered: it loads prometheus_client. To add metrics, append
a function to COLLECTORS. A metric has no label with the name of a host or the id of a
deployment: each value would be a new time series.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Connection

from app import __version__
from app.domain.deployment import ACTIVE, ENDED, Status
from app.domain.node import NodeState
from app.domain.service_name import ServiceName, split
from app.domain.totals import BOUNDS, NEVER_STARTED, Total
from app.store import measurements, totals

_SERVICE = ("project", "service", "environment")


@dataclass(frozen=True, slots=True)
class Context:
    """What a metric is read from: the database, and this web process."""

    db: Connection
    #: The number of event streams that this process sends.
    streams: int
    #: The largest recent delay of this process's event loop, in seconds.
    loop_lag: float


def encode(context: Context, accept: str) -> tuple[bytes, str]:
    """Return all metrics and their media type, in a format that `accept` names."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(collect(context)))
    encoder, media_type = choose_encoder(accept)
    return encoder(registry), media_type


def collect(context: Context) -> list[Metric]:
    """Read all metrics."""
    return [metric for read in COLLECTORS for metric in read(context)]


class _Once(Collector):
    """Metrics that were read before."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._metrics


def _info(_: Context) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "fastdeploy", "The release of the web process.", {"version": __version__}
    )


def _ended(context: Context) -> Iterator[Metric]:
    """Yield the metrics of ended deployments, by service.

    A service has its counters from the beginning: Prometheus sees no increase in the
    first value of a series.
    """
    ended = CounterMetricFamily(
        "fastdeploy_deployments",
        "Deployments that have ended.",
        labels=(*_SERVICE, "outcome"),
    )
    durations = HistogramMetricFamily(
        "fastdeploy_deployment_duration_seconds",
        "Seconds from the start to the end of deployments that were started.",
        labels=_SERVICE,
    )
    since = GaugeMetricFamily(
        "fastdeploy_since_last_success_seconds",
        "Seconds since the last successful deployment that wasn't partial. A service "
        "that never had one has no series.",
        labels=_SERVICE,
    )
    for name, of_service in totals.by_service(context.db).items():
        labels = _labels(name)
        for status in sorted(ENDED):
            count = sum(each.count for each in of_service if each.status == status)
            ended.add_metric((*labels, status), count)
        _add_durations(durations, labels, of_service)
        ages = [
            each.since_last_complete
            for each in of_service
            if each.status == Status.SUCCESSFUL and not each.archived
            and each.since_last_complete is not None
        ]  # fmt: skip
        if ages:
            since.add_metric(labels, min(ages))
    yield from (ended, durations, since)


def _add_durations(
    durations: HistogramMetricFamily, labels: tuple[str, ...], of_service: list[Total]
) -> None:
    started = [each for each in of_service if each.at_most != NEVER_STARTED]
    if not started:
        return
    counts = [sum(e.count for e in started if e.at_most == bound) for bound in BOUNDS]
    names = ["+Inf" if bound == inf else str(bound) for bound in BOUNDS]
    durations.add_metric(
        labels,
        list(zip(names, accumulate(counts), strict=True)),
        sum(each.seconds for each in started),
    )


def _active(context: Context) -> Iterator[Metric]:
    """Yield the metrics of deployments that have not ended."""
    measured = measurements.active_deployments(context.db)
    active = GaugeMetricFamily(
        "fastdeploy_active_deployments",
        "Deployments that have not ended.",
        labels=("status",),
    )
    for status in sorted(ACTIVE):
        active.add_metric((status,), measured.counts.get(status, 0))
    yield active
    yield GaugeMetricFamily(
        "fastdeploy_oldest_queued_seconds",
        "Seconds that the oldest queued deployment has waited; 0 if none is queued.",
        measured.oldest_queued,
    )


def _nodes(context: Context) -> Iterator[Metric]:
    """Yield the metrics of the nodes."""
    state = GaugeMetricFamily(
        "fastdeploy_node_state",
        "1 for the present state of a node, 0 for the others.",
        labels=("node", "state"),
    )
    measured = measurements.nodes(context.db)
    for node in measured:
        for each in NodeState:
            state.add_metric((node.name, each), node.state is each)
    yield state
    for name, description, field in (
        ("node_heartbeat_age_seconds", "Seconds since the last heartbeat of a node.",
         "heartbeat_age"),
        ("node_concurrency", "Deployments that a node runs at a time at most.",
         "concurrency"),
        ("node_running_deployments", "Started deployments of a node.", "running"),
        ("follower_lag_bytes",
         "Bytes of output of a node's runs that were not recorded at its heartbeat.",
         "lag_bytes"),
        ("follower_lag_seconds",
         "Seconds for which the oldest of these bytes had not been recorded.",
         "lag_seconds"),
    ):  # fmt: skip
        gauge = GaugeMetricFamily(f"fastdeploy_{name}", description, labels=("node",))
        for node in measured:
            gauge.add_metric((node.name,), getattr(node, field))
        yield gauge


def _schedules(context: Context) -> Iterator[Metric]:
    """Yield the metrics of schedules and their pings."""
    measured = measurements.schedules(context.db)
    waiting = measurements.waiting_pings(context.db)
    for name, description, value in (
        ("schedules_due", "Schedules whose instant has come.", measured.due),
        ("schedule_lateness_seconds",
         "Seconds since the earliest instant that was not launched yet.",
         measured.lateness),
        ("schedules_with_problem",
         "Schedules that launched nothing at their last instant.",
         measured.with_problem),
        ("schedules_with_failed_ping",
         "Schedules whose last ping to their healthcheck URL failed.",
         measured.with_failed_ping),
        ("waiting_pings", "Pings to healthcheck URLs that were not sent yet.",
         waiting.count),
        ("oldest_ping_seconds", "Seconds that the oldest of them has waited.",
         waiting.oldest),
    ):  # fmt: skip
        yield GaugeMetricFamily(f"fastdeploy_{name}", description, value)


def _messages(context: Context) -> Iterator[Metric]:
    """Yield the metrics of notifications and of the deliveries of webhooks."""
    measured = measurements.messages(context.db)
    for name, description, value in (
        ("waiting_notifications", "Notifications that were not sent yet.",
         measured.waiting_notifications),
        ("oldest_notification_seconds", "Seconds that the oldest of them has waited.",
         measured.oldest_notification),
        ("failed_notifications", "Recorded notifications that couldn't be sent.",
         measured.failed_notifications),
        ("waiting_webhook_deliveries", "Deliveries of webhooks that wait for a worker.",
         measured.waiting_deliveries),
        ("failed_webhook_deliveries",
         "Recorded deliveries of webhooks that couldn't launch what they should.",
         measured.failed_deliveries),
    ):  # fmt: skip
        yield GaugeMetricFamily(f"fastdeploy_{name}", description, value)


def _web(context: Context) -> Iterator[Metric]:
    """Yield the metrics of the web process that answers."""
    yield GaugeMetricFamily(
        "fastdeploy_web_event_streams",
        "Event streams that this web process sends.",
        context.streams,
    )
    yield GaugeMetricFamily(
        "fastdeploy_web_event_loop_lag_seconds",
        "The largest delay of this web process's event loop in the last minute.",
        context.loop_lag,
    )


def _labels(name: str) -> tuple[str, str, str]:
    """Return project, service and environment of a name; an invalid one is whole."""
    parts = split(name) or ServiceName("", name, "")
    return parts.project, parts.service, parts.environment


#: They read the metrics, in this order.
COLLECTORS: list[Callable[[Context], Iterator[Metric]]] = [
    _info,
    _ended,
    _active,
    _nodes,
    _schedules,
    _messages,
    _web,
]
