"""(l) From a request to the first task, compared with typed `ansible-playbook`.

The first task prints the time, so both are measured at the same place. One playbook
begins with it; the other one first gathers facts, as playbooks do by default.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench import resources
from bench.rows import row
from testing.supervised import SupervisedInstallation, temporary_installation

_PLAYBOOK = """\
- name: Bench
  hosts: all
  gather_facts: %s
  tasks:
    - name: Print the time
      ansible.builtin.debug:
        msg: "at={{ now(fmt='%%s.%%f') }}"
"""
#: Each playbook by the name of its service, and what it does before.
_CASES = {"start": "", "facts": ", after gathering facts"}
_INVENTORY = """\
all:
  hosts:
    here:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
_AT = re.compile(rb"at=(\d+\.\d+)")
_TIMES = 10


def measure(rounds: int) -> list[Any]:
    """Measure FastDeploy and `ansible-playbook` in turn, so that noise affects both."""
    with temporary_installation("worker", "web") as here:
        return [_measure(here, service, rounds) for service in _CASES]


def _measure(here: SupervisedInstallation, service: str, rounds: int) -> Any:
    playbook = _PLAYBOOK % str(service == "facts").lower()
    folder = here.write_files(
        service, {"deploy.yml": playbook, "hosts.yml": _INVENTORY},
        playbook="deploy.yml", inventory="hosts.yml",
    )  # fmt: skip
    typed, ours, cpu = [], [], []
    for _ in range(rounds * _TIMES):
        begun = _used(here)
        typed.append(_typed(folder))
        between = _used(here)
        ours.append(_deployed(here, service))
        cpu.append((between[0] - begun[0], _used(here)[1] - between[1]))
    queued = [stages["queued"] for stages in ours]
    ratio = median(each / bare for each, bare in zip(queued, typed, strict=True))
    return row(
        "seconds from queued to the first task / typed ansible-playbook's"
        f"{_CASES[service]}",
        ratio,
        "at most 0.9",
        holds=ratio <= 0.9,
        # The least noisy: nothing else had the processors.
        of_the_fastest=round(min(queued) / min(typed), 3),
        typed_seconds=round(median(typed), 3),
        # Of the whole run; hardly affected by other processes.
        cpu_ratio=round(median(each / bare for bare, each in cpu), 3),
        cpu_seconds={
            "typed": round(median(bare for bare, _ in cpu), 3),
            "fastdeploy": round(median(each for _, each in cpu), 3),
        },
        seconds_until_the_first_task={
            f"from {stage}": round(median(stages[stage] for stages in ours), 3)
            for stage in ours[0]
        },
    )


def _used(here: SupervisedInstallation) -> tuple[float, float]:
    """Return the CPU seconds of this process and of the worker, with their children."""
    return resources.cpu(os.getpid()), resources.cpu(here.processes["worker"].pid)


def _typed(folder: Path) -> float:
    """Return the seconds from the start of ansible-playbook to the first task."""
    program = Path(sys.executable).with_name("ansible-playbook")
    begun = time.time()
    done = subprocess.run(
        [str(program), "-i", "hosts.yml", "deploy.yml"], cwd=folder, check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    return _first_task(done.stdout) - begun


def _deployed(here: SupervisedInstallation, service: str) -> dict[str, float]:
    """Return the seconds to the first task from each stage before it."""
    begun = time.time()
    answer = here.api.post("/api/v1/deployments", json={"service": service})
    answer.raise_for_status()
    found = here.wait(answer.json()["id"])
    assert found.started_at is not None
    starts = [
        each.at.timestamp()
        for each in here.events(found.id)
        if each.name == "playbook_on_start"
    ]
    first = _first_task(here.output(found.id))
    return {
        "POST": first - begun,
        "queued": first - found.created_at.timestamp(),
        "started": first - found.started_at.timestamp(),
        "Ansible's start of the playbook": first - min(starts),
    }


def _first_task(output: bytes) -> float:
    found = _AT.search(output)
    assert found, output
    return float(found[1])
