"""(k) Deployments over SSH, compared with `ansible-playbook` as people type it.

Each host is an sshd on this machine, behind a proxy that delays everything. So hosts
and control node share the processors, and a faster column is limited by the hosts.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import row
from bench.ssh_playbooks import PLAYBOOKS, write_files
from bench.ssh_runs import Run, Scene, own_home
from testing import ssh_fleet
from testing.runner import short_folder
from testing.supervised import SupervisedInstallation, temporary_installation


@dataclass(frozen=True)
class Column:
    """One way to run a playbook."""

    run: Callable[[Scene], Run]
    #: Returns whether this FastDeploy can do it.
    exists: Callable[[Scene], bool] = lambda _: True


def _deployed(**config: object) -> Column:
    """Return the column of a service with these keys, if FastDeploy accepts them."""
    name = "-".join(["deployed", *map(str, config.values())])
    return Column(
        lambda scene: scene.deployed(config, name),
        lambda scene: scene.register(name, config),
    )


TYPED, SAME, BARE = "typed", "typed, same settings", "typed, mitogen"
OURS, MITOGEN = "FastDeploy", "FastDeploy, mitogen"
_ACCELERATED = _deployed(accelerate="mitogen")
COLUMNS = {
    TYPED: Column(lambda scene: scene.typed({})),
    SAME: Column(lambda scene: scene.typed(scene.settings())),
    OURS: _deployed(),
    BARE: Column(
        lambda scene: scene.typed(scene.settings() | scene.mitogen()),
        _ACCELERATED.exists,
    ),
    MITOGEN: _ACCELERATED,
}


@dataclass(frozen=True)
class Plan:
    """What is measured; each combination is a case."""

    hosts: Sequence[int] = (10,)
    #: Milliseconds of a round trip.
    delays: Sequence[int] = (20,)
    playbooks: Sequence[str] = ("many",)


@dataclass(frozen=True)
class Case:
    """A playbook, the number of hosts and the milliseconds of a round trip."""

    playbook: str
    hosts: int
    delay: int

    def __str__(self) -> str:
        """Describe it."""
        return f"{self.playbook}, {self.hosts} hosts, {self.delay} ms"


#: The case that has goals: the maximum ratio of each column.
_GOAL_CASE = Case("many", 10, 20)
_GOALS = {OURS: 0.55, MITOGEN: 0.13}


def measure(rounds: int, plan: Plan) -> list[Any]:
    """Measure each case with each column in turn, so that noise affects all."""
    rows: list[Any] = []
    with (
        short_folder() as home,
        own_home(home),
        temporary_installation("worker") as here,
    ):
        for hosts, delay in product(plan.hosts, plan.delays):
            with (
                short_folder() as folder,
                ssh_fleet.running(folder, hosts, delay) as fleet,
            ):
                for playbook in plan.playbooks:
                    case = Case(playbook, hosts, delay)
                    found = _measure(_scene(here, fleet, home, case), case, rounds)
                    rows += _rows(case, found)
                    _print_table(case, found)
    return rows


def _scene(
    here: SupervisedInstallation, fleet: ssh_fleet.Fleet, home: Path, case: Case
) -> Scene:
    """Write the playbook of a case; its services replace those of the last case."""
    for service in here.services.iterdir():
        shutil.rmtree(service)
    folder = fleet.folder / case.playbook
    folder.mkdir()
    scene = Scene(here, fleet, home, folder)
    (folder / "deploy.yml").write_text(PLAYBOOKS[case.playbook](scene.hosts_files))
    (folder / "hosts.json").write_text(json.dumps(fleet.inventory))
    write_files(folder)
    return scene


def _measure(scene: Scene, case: Case, rounds: int) -> dict[str, list[Run]]:
    columns = {name: each for name, each in COLUMNS.items() if each.exists(scene)}
    found: dict[str, list[Run]] = {name: [] for name in columns}
    if MITOGEN in columns and not scene.accelerators.exists():
        columns[MITOGEN].run(scene)  # the first run installs it, also for BARE
    for number in range(rounds):
        # Alternate the order: the first one of a round runs with colder caches.
        for name in [*columns][:: -1 if number % 2 else 1]:
            done = columns[name].run(scene)
            found[name].append(done)
            print(f"{case}: {name} {done.seconds:.1f} s", file=sys.stderr)
        recaps = [runs[-1].recap for runs in found.values()]
        assert all(recap == recaps[0] for recap in recaps), recaps
    return found


def _ratio(found: Mapping[str, Sequence[Run]], name: str) -> float:
    """Return the median of the ratios to the typed run of the same round."""
    pairs = zip(found[name], found[TYPED], strict=True)
    return median(ours.seconds / typed.seconds for ours, typed in pairs)


def _rows(case: Case, found: Mapping[str, Sequence[Run]]) -> list[Any]:
    rows = []
    for name in [column for column in found if column in (OURS, MITOGEN)]:
        ratio = _ratio(found, name)
        goal = _GOALS[name] if case == _GOAL_CASE else 1.05
        rows.append(
            row(
                f"over SSH, {case}: {name} / typed ansible-playbook",
                ratio,
                f"at most {goal}",
                holds=ratio <= goal,
                same_settings_over_typed=round(_ratio(found, SAME), 3),
                columns={column: _details(runs) for column, runs in found.items()},
            )
        )
    return rows


def _details(runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "seconds": [round(each.seconds, 2) for each in runs],
        "cpu_seconds": round(median(each.cpu for each in runs), 1),
        "peak_mib": round(median(each.memory for each in runs)),
        "cpu_seconds_of_a_host": round(median(each.host_cpu for each in runs), 2),
        "peak_mib_of_a_host": round(median(each.host_memory for each in runs)),
    }


def _print_table(case: Case, found: Mapping[str, Sequence[Run]]) -> None:
    """Print the lines of a case for the table in docs/performance.md."""
    for name, runs in found.items():
        has = _details(runs)
        cells = [
            case.playbook, case.hosts, f"{case.delay} ms", name,
            f"{_ratio(found, name):.2f}",
            f"{median(has['seconds']):.1f}", has["cpu_seconds"], has["peak_mib"],
            has["cpu_seconds_of_a_host"], has["peak_mib_of_a_host"],
        ]  # fmt: skip
        print("|", " | ".join(map(str, cells)), "|", file=sys.stderr)
