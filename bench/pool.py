"""(g) A pool: 50 deployments, 8 at a time, compared with `xargs -P8`; their memory.

Memory is the proportional set size (PSS) of processes. It includes the growth of worker
and web since they were idle, and the wrapper and the runner of each run, but neither
ansible-playbook nor its children. One deployment runs before the first measurement, so
that loading code doesn't count as growth.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from app.runner.processes import all_processes
from bench.memory import pss, watching
from bench.rows import row
from testing.supervised import SupervisedInstallation, temporary_installation

DEPLOYMENTS = 50
POOL = 8
_TASKS = 8
_MODULES = ("debug:\n        msg: a message", "command:\n        cmd: 'true'")
_INVENTORY = f"""\
all:
  hosts:
    here:
      ansible_connection: local
      ansible_python_interpreter: {sys.executable}
"""


def measure(rounds: int) -> list[Any]:
    """Measure FastDeploy and `xargs` in turn, so that noise affects both."""
    with temporary_installation("worker", "web", concurrency=POOL) as here:
        services = [f"pool-{number:02}" for number in range(DEPLOYMENTS)]
        for service in services:
            here.write_files(
                service,
                {"deploy.yml": _playbook(), "hosts.yml": _INVENTORY},
                playbook="deploy.yml",
                inventory="hosts.yml",
            )
        here.wait(here.launch(services[0]))
        idle = _own_memory(here)
        ours, bare = [], []
        for _ in range(rounds):
            bare.append(_bare(here, services))
            ours.append(_ours(here, services))
        # A separate round, since sampling the memory takes time itself.
        with watching(lambda: _look(here, idle)) as samples:
            _ours(here, services)
    ratio = median(ours) / median(bare)
    each = median(sample["each"] for sample in samples)
    return [
        row(
            f"{DEPLOYMENTS} deployments, {POOL} at a time: FastDeploy / xargs -P{POOL}",
            ratio,
            "at most 1.15",
            holds=ratio <= 1.15,
            seconds={"fastdeploy": ours, "xargs": bare},
        ),
        row(
            "MiB per active deployment, beyond Ansible's own processes",
            each,
            "at most 12",
            holds=each <= 12,
            most=max(sample["each"] for sample in samples),
            of_it={
                part: round(median(sample[part] for sample in samples), 2)
                for part in ("runner", "wrapper", "worker_and_web")
            },
            samples=len(samples),
        ),
    ]


def _ours(here: SupervisedInstallation, services: list[str]) -> float:
    begun = time.monotonic()
    numbers = [here.launch(service) for service in services]
    for number in numbers:
        here.wait(number)
    return round(time.monotonic() - begun, 2)


def _bare(here: SupervisedInstallation, services: list[str]) -> float:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    folder = str(here.settings.services / "{}")
    begun = time.monotonic()
    subprocess.run(
        ["xargs", f"-P{POOL}", "-I{}", program, "-i", f"{folder}/hosts.yml",
         f"{folder}/deploy.yml"],
        input="\n".join(services).encode(),
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PATH": f"{Path(program).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    return round(time.monotonic() - begun, 2)


def _look(here: SupervisedInstallation, idle: float) -> list[dict[str, float]]:
    seen = all_processes()

    def below(*parents: int) -> list[int]:
        return [one.process.pid for one in seen if one.parent in parents]

    wrappers = below(here.processes["worker"].pid)
    runners = below(*wrappers)
    # Sample only while the pool is full and all runs have started ansible-playbook.
    if not POOL == len(wrappers) == len(runners) == len(below(*runners)):
        return []
    parts = {
        "runner": sum(map(pss, runners)) / POOL,
        "wrapper": sum(map(pss, wrappers)) / POOL,
        "worker_and_web": (_own_memory(here) - idle) / POOL,
    }
    return [parts | {"each": sum(parts.values())}]


def _own_memory(here: SupervisedInstallation) -> float:
    return sum(pss(process.pid) for process in here.processes.values())


def _playbook() -> str:
    tasks = "".join(
        f"    - name: work | Say {number}\n"
        f"      ansible.builtin.{_MODULES[number % len(_MODULES)]}\n"
        for number in range(_TASKS)
    )
    return f"- name: Bench\n  hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"
