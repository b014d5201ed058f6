"""(m) 1,000 hosts of an inventory with a local connection.

The tasks call no module: Ansible itself and the callback take all the time, so this is
the case in which FastDeploy adds most.
"""

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import row
from bench.ssh_runs import Run, Scene, own_home
from testing.runner import short_folder
from testing.ssh_fleet import Fleet
from testing.supervised import SupervisedInstallation, temporary_installation

HOSTS, FEW = 1_000, 10
_REQUESTS = 10
_PLAYBOOK = """\
- name: Bench
  hosts: all
  gather_facts: false
  tasks:
    - name: Say hello
      ansible.builtin.debug:
        msg: hello
    - name: Set a fact
      ansible.builtin.set_fact:
        fact: "{{ 1 + 1 }}"
    - name: Say nothing
      ansible.builtin.debug:
        msg: never
      when: false
"""


def measure(rounds: int, hosts: int = HOSTS) -> list[Any]:
    """Measure FastDeploy and `ansible-playbook` in turn, so that noise affects both."""
    with (
        short_folder() as home,
        own_home(home),
        temporary_installation("worker", "web") as here,
    ):
        scene = _scene(here, home, hosts)
        typed, ours = [], []
        for _ in range(rounds):
            typed.append(scene.typed({}))
            ours.append(scene.deployed({}, f"hosts-{hosts}"))
            assert typed[-1].recap == ours[-1].recap
        few = _scene(here, home, FEW).deployed({}, f"hosts-{FEW}")
        page, small = _page(here, ours[-1]), _page(here, few)
    pairs = list(zip(ours, typed, strict=True))
    ratio = median(each.seconds / bare.seconds for each, bare in pairs)
    return [
        row(
            f"{hosts:,} hosts, local: FastDeploy / typed ansible-playbook",
            ratio,
            "at most 1.05",
            holds=ratio <= 1.05,
            cpu_ratio=round(median(each.cpu / bare.cpu for each, bare in pairs), 3),
            seconds={
                "fastdeploy": [round(each.seconds, 1) for each in ours],
                "typed": [round(each.seconds, 1) for each in typed],
            },
            peak_mib={
                "fastdeploy": round(median(each.memory for each in ours)),
                "typed": round(median(each.memory for each in typed)),
            },
        ),
        row(
            f"ms for the page of a deployment to {hosts:,} hosts",
            page[0],
            "under 1000",
            holds=page[0] < 1000,
            kilobytes=page[1],
            ms_with_10_hosts=round(small[0], 1),
            kilobytes_with_10_hosts=small[1],
        ),
    ]


def _scene(here: SupervisedInstallation, home: Path, hosts: int) -> Scene:
    folder = home / str(hosts)
    folder.mkdir(exist_ok=True)
    names: dict[str, object] = {f"host{number:04}": {} for number in range(hosts)}
    inventory = {"hosts": names, "vars": {"ansible_connection": "local"}}
    (folder / "deploy.yml").write_text(_PLAYBOOK)
    (folder / "hosts.json").write_text(json.dumps({"all": inventory}))
    return Scene(here, Fleet(home, 0, {}), home, folder)


def _page(here: SupervisedInstallation, run: Run) -> tuple[float, int]:
    """Return the milliseconds and the kB of a deployment's page."""
    taken = []
    for _ in range(_REQUESTS):
        begun = time.perf_counter()
        answer = here.api.get(f"/deployments/{run.deployment}")
        answer.raise_for_status()
        taken.append((time.perf_counter() - begun) * 1000)
    return median(taken), round(len(answer.content) / 1000)
