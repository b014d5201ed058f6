"""A pytest plugin that prints the cost of each test file: `just test -p testing.costs`.

CPU time includes the processes that a test has started and waited for, but not the
PostgreSQL server, the browser, nor FastDeploy's forked commands and their runs, which
together need about as much. `tools/ci` prints the processor time of everything.
"""

import os
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass

import pytest

#: The name of the user property with the CPU time of a phase, in seconds.
_CPU = "cpu_seconds"


@dataclass(slots=True)
class Cost:
    """The number of tests of a file, and their seconds of CPU and wall time."""

    tests: int = 0
    cpu: float = 0.0
    wall: float = 0.0


class Costs:
    """Measures each phase of a test where it runs; sums them up per file."""

    def __init__(self) -> None:
        """Start to measure."""
        self._cpu_before = _cpu_seconds()
        self._by_file: dict[str, Cost] = defaultdict(Cost)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the CPU time since the previous report, which xdist passes on."""
        report = yield
        now = _cpu_seconds()
        own = [pair for pair in report.user_properties if pair[0] != _CPU]
        report.user_properties = [*own, (_CPU, now - self._cpu_before)]
        self._cpu_before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase to its file."""
        cost = self._by_file[report.location[0]]
        cost.tests += report.when == "call"
        cost.wall += report.duration
        for name, value in report.user_properties:
            cost.cpu += float(str(value)) if name == _CPU else 0

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Print the files, the most expensive ones first."""
        files = sorted(self._by_file.items(), key=lambda pair: -pair[1].cpu)
        whole = Cost(*(sum(getattr(cost, name) for _, cost in files)
                       for name in ("tests", "cpu", "wall")))  # fmt: skip
        terminalreporter.section("cost of each file")
        terminalreporter.write_line("   cpu s   wall s  tests")
        for file, cost in [*files, ("all", whole)]:
            line = f"{cost.cpu:8.1f} {cost.wall:8.1f} {cost.tests:6}  {file}"
            terminalreporter.write_line(line)


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def pytest_configure(config: pytest.Config) -> None:
    """Add the plugin."""
    config.pluginmanager.register(Costs(), "costs")
