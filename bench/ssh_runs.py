"""Run a playbook over SSH, typed or by FastDeploy, and measure what it needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from app import embedded_postgresql
from app.runner import control_sockets
from bench import resources
from bench.memory import watching
from bench.ssh_playbooks import SETTINGS
from testing.ssh_fleet import Fleet
from testing.supervised import SupervisedInstallation
from testing.waiting import eventually

_RECAP = re.compile(r"^(\S+)\s+: (ok=\d+\s+changed=\d+\s+unreachable=\d+\s+failed=\d+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """What one run needed."""

    seconds: float
    #: CPU seconds of the control node; for FastDeploy with worker and PostgreSQL.
    cpu: float
    #: Peak memory in MiB of the same processes.
    memory: float
    #: CPU seconds and peak memory of a host: the medians of all hosts.
    host_cpu: float
    host_memory: float
    #: The counts of each host in the recap.
    recap: Mapping[str, str]
    #: The id of the deployment; 0 if it was typed.
    deployment: int = 0


@dataclass
class Scene:
    """A playbook, hosts and an installation: everything that all columns share."""

    here: SupervisedInstallation
    fleet: Fleet
    #: The home of all runs, with a short path: Ansible has sockets in it.
    home: Path
    #: The folder of the playbook `deploy.yml` and of the inventory `hosts.json`.
    folder: Path
    _settings: dict[str, str] = field(default_factory=dict)

    @property
    def hosts_files(self) -> Path:
        """The folder with a folder of each host, into which the playbooks copy."""
        return self.fleet.folder / "work"

    def typed(self, more: Mapping[str, str]) -> Run:
        """Run the playbook as people type it, with some variables of Ansible."""
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [str(program), "-i", "hosts.json", "deploy.yml"]
        path = f"{program.parent}:{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", **more}
        output = self.fleet.folder / "typed.log"
        started: list[int] = []

        def run() -> tuple[float, float, str]:
            begun = time.monotonic()
            with output.open("wb") as file:
                process = subprocess.Popen(
                    command, cwd=self.folder, env=env, stdout=file, stderr=file
                )
                started.append(process.pid)
                _, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            assert not process.returncode, output.read_text()
            return seconds, used.ru_utime + used.ru_stime, output.read_text()

        return self._measured(run, started)

    def deployed(self, config: Mapping[str, object], name: str) -> Run:
        """Deploy the playbook as a service with more keys in its config.json."""
        self.register(name, config)
        data = embedded_postgresql.data_of(self.here.settings.var)
        postgres = int((data / "postmaster.pid").read_text().splitlines()[0])
        worker = self.here.processes["worker"].pid

        def used() -> float:
            backends = resources.below([postgres])[postgres]
            return sum(map(resources.cpu, [worker, postgres, *backends]))

        launched: list[int] = []

        def run() -> tuple[float, float, str]:
            before = used()
            launched.append(self.here.launch(name))
            found = self.here.wait(launched[0])
            assert found.finished_at is not None
            took = (found.finished_at - found.created_at).total_seconds()
            return took, used() - before, self.here.output(found.id).decode()

        measured = self._measured(run, [worker, postgres])
        return replace(measured, deployment=launched[0])

    def register(self, name: str, config: Mapping[str, object]) -> bool:
        """Register the playbook as a service; return whether its keys are accepted."""
        place = self.here.services / name
        if not place.exists():
            shutil.copytree(self.folder, place)
        keys = {"name": name, "playbook": "deploy.yml", "inventory": "hosts.json"}
        (place / "config.json").write_text(json.dumps({**keys, **config}))
        return name in self.here.sync().valid

    @property
    def accelerators(self) -> Path:
        """The folder into which the first run with mitogen installs it."""
        return self.home / ".local" / "share" / "fastdeploy" / "accelerators"

    def mitogen(self) -> dict[str, str]:
        """Return the variables of Ansible for the mitogen that FastDeploy installed."""
        [folder] = self.accelerators.glob("mitogen-*/site/ansible_mitogen")
        return {
            "ANSIBLE_STRATEGY": "mitogen_linear",
            "ANSIBLE_STRATEGY_PLUGINS": str(folder / "plugins" / "strategy"),
        }

    def settings(self) -> dict[str, str]:
        """Return what FastDeploy chooses for these hosts, as variables of Ansible."""
        if not self._settings:
            path = self.fleet.folder / "settings.json"
            place = self.here.services / "settings"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(self.folder, place)
            (place / "deploy.yml").write_text(SETTINGS.format(path=path))
            self.register("settings", {})
            self.here.wait(self.here.launch("settings"))
            found = {
                name: str(text) for name, text in json.loads(path.read_text()).items()
            }
            if found["ANSIBLE_CACHE_PLUGIN"] != "memory":
                cache = str(self.home / "facts")
                found["ANSIBLE_CACHE_PLUGIN_CONNECTION"] = cache
            self._settings = found
        return self._settings

    def _measured(
        self, run: Callable[[], tuple[float, float, str]], controller: Sequence[int]
    ) -> Run:
        """Run on hosts without files and connections of earlier runs.

        Args:
            run: Runs the playbook; returns its seconds, CPU seconds and output.
            controller: The processes of the control node that start all others; it
                may grow during the run.
        """
        shutil.rmtree(self.hosts_files, ignore_errors=True)
        for name in self.fleet.servers:
            (self.hosts_files / name).mkdir(parents=True)
        servers = self.fleet.servers.values()
        before = {pid: resources.cpu(pid) for pid in servers}
        masters: dict[int, float] = {}

        def look_at_masters() -> None:
            found = resources.masters(self.home)
            masters.update((pid, resources.cpu(pid)) for pid in found)

        def look() -> Iterator[tuple[float, dict[int, float]]]:
            look_at_masters()
            trees = resources.below([*controller, *servers])
            own = [pid for top in controller for pid in (top, *trees[top])]
            hosts = {pid: resources.resident_memory(trees[pid]) for pid in servers}
            yield resources.shared_memory({*own, *masters}), hosts

        with watching(look) as samples:
            seconds, cpu, output = run()
        look_at_masters()
        self._end_connections()
        eventually(lambda: not any(resources.below(servers).values()))
        peaks = [
            max((hosts[pid] for _, hosts in samples), default=0) for pid in servers
        ]
        return Run(
            seconds=seconds,
            cpu=cpu + sum(masters.values()),
            memory=max((memory for memory, _ in samples), default=0),
            host_cpu=_median(resources.cpu(pid) - before[pid] for pid in servers),
            host_memory=_median(peaks),
            recap=_recap(output),
        )

    def _end_connections(self) -> None:
        for folder in {path.parent for path in self.home.rglob("cp/**/*")}:
            control_sockets.end_all(folder)


def _median(values: Iterable[float]) -> float:
    """Return the median; 0 without values: there may be no host over SSH."""
    return median(list(values) or [0.0])


def _recap(output: str) -> dict[str, str]:
    lines = map(_RECAP.match, _COLOUR.sub("", output).splitlines())
    found = {each[1]: " ".join(each[2].split()) for each in lines if each}
    assert found, output
    return found


@contextmanager
def own_home(home: Path) -> Iterator[None]:
    """Give the processes that are started meanwhile another home."""
    before = os.environ["HOME"]
    os.environ["HOME"] = str(home)
    try:
        yield
    finally:
        os.environ["HOME"] = before
