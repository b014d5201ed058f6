"""(n) Deployments whose traces are sent, compared with the same without."""

from statistics import median
from typing import Any

from bench import resources
from bench.rows import PATIENCE, row
from bench.runs import write_light_service
from testing.otlp_receiver import OtlpReceiver
from testing.supervised import SupervisedInstallation, temporary_installation
from testing.waiting import eventually

#: The maximum ratio of the time of a deployment.
_TARGET = 1.01
_SERVICE = "traced"
#: Pairs of deployments in a round: one takes only seconds.
_TIMES = 3


def measure(rounds: int) -> list[Any]:
    """Measure two installations in turn, so that noise affects both."""
    with (
        OtlpReceiver().serving() as receiver,
        temporary_installation("worker") as plain,
        temporary_installation("worker", otlp_url=receiver.url) as traced,
    ):
        for here in (plain, traced):
            write_light_service(here, _SERVICE)
            # The first run compiles modules and fills caches.
            _deploy(here)
        _wait_for_traces(receiver, 1)
        pairs = []
        for number in range(rounds * _TIMES):
            # Alternate the order: the first one of a pair runs with colder caches.
            order = (traced, plain) if number % 2 else (plain, traced)
            found = {here: _deploy(here) for here in order}
            _wait_for_traces(receiver, number + 2)
            pairs.append((found[plain], found[traced]))
        cpu = [_cpu(here) for here in (plain, traced)]
    ratios = [with_traces / without for without, with_traces in pairs]
    ratio = median(ratios)
    return [
        row(
            "a deployment whose trace is sent / one without",
            ratio,
            f"at most {_TARGET}",
            holds=ratio <= _TARGET,
            ratios=[round(each, 3) for each in sorted(ratios)],
            seconds=[round(median(each), 2) for each in zip(*pairs, strict=True)],
            # Of the worker and all runs: sending follows the run.
            cpu_ratio=round(cpu[1] / cpu[0], 3),
            spans=len(receiver.spans) // len(receiver.trace_ids),
        )
    ]


def _deploy(here: SupervisedInstallation) -> float:
    """Return the seconds that a deployment takes."""
    found = here.wait(here.launch(_SERVICE))
    assert found.finished_at is not None
    return (found.finished_at - found.created_at).total_seconds()


def _wait_for_traces(receiver: OtlpReceiver, count: int) -> None:
    """Wait until traces of all deployments are sent: no run is beside that."""
    eventually(lambda: len(receiver.trace_ids) == count, PATIENCE, every=0.1)


def _cpu(here: SupervisedInstallation) -> float:
    return resources.cpu(here.processes["worker"].pid)
