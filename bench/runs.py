"""(a) Whole deployments, compared with ansible-playbook and ansible-runner alone."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from app.store import events
from bench.rows import row
from testing.supervised import SupervisedInstallation, temporary_installation

_TASK = """\
    - name: work | Say {number}
      ansible.builtin.{module}
"""
_MODULES = (
    "debug:\n        msg: nothing but a message",
    "set_fact:\n        fact: '{{ 1 + 1 }}'",
    "command:\n        cmd: 'true'\n      changed_when: true",
    "debug:\n        msg: never\n      when: false",
    "assert:\n        that: 1 == 1\n        quiet: true",
)
#: Without `command`, which takes most of the time on the host: Ansible itself and the
#: callback take the rest.
_LIGHT = tuple(module for module in _MODULES if not module.startswith("command"))
_LOOP = """\
    - name: work | Loop {number}
      ansible.builtin.debug:
        msg: "{{{{ item }}}}"
      loop: "{{{{ range(100) | list }}}}"
"""
#: A result of 260 kB, like a `debug` of a report or of a log file.
_LONG = """\
    - name: work | Show {number}
      ansible.builtin.debug:
        msg: "{{{{ range(8000) | map('regex_replace', '^', 'a line of a report: ') }}}}"
"""
#: The maximum ratio of the time of a whole deployment to bare Ansible.
_TARGET = 1.05
_RUNNER = """\
import sys, ansible_runner
result = ansible_runner.run(private_data_dir=sys.argv[1], playbook="deploy.yml",
                            inventory=sys.argv[1] + "/project/hosts.yml", quiet=True)
sys.exit(result.rc)
"""


def measure(rounds: int) -> list[Any]:
    """Measure each playbook with each program in turn, so that noise affects all."""
    with temporary_installation("worker") as here:
        return [
            _compare(here, *case, rounds)
            for case in (
                ("500-tasks", _tasks(500, _MODULES), 1),
                ("10-hosts-x-50", _tasks(50, _MODULES), 10),
                ("10-hosts-x-50-light", _tasks(50, _LIGHT), 10),
                ("loop-100-x-10", map(_loop, range(10)), 1),
                ("long-results-x-3", map(_long, range(3)), 1),
            )
        ]


def write_light_service(here: SupervisedInstallation, service: str) -> None:
    """Write a service with 50 tasks on 10 hosts that start no process there."""
    _write(here, service, _tasks(50, _LIGHT), 10)


def _write(
    here: SupervisedInstallation, service: str, tasks: Iterable[str], hosts: int
) -> None:
    files = {"deploy.yml": _playbook(tasks), "hosts.yml": _inventory(hosts)}
    here.write_files(service, files, playbook="deploy.yml", inventory="hosts.yml",
                     steps=[{"name": "work"}])  # fmt: skip


def _compare(
    here: SupervisedInstallation,
    service: str,
    tasks: Iterable[str],
    hosts: int,
    rounds: int,
) -> Any:
    _write(here, service, tasks, hosts)
    folder = here.settings.services / service
    seconds: dict[str, list[float]] = {"bare": [], "ansible_runner": [], "ours": []}
    recorded = 0
    for _ in range(rounds):
        seconds["bare"].append(_timed(_bare(folder)))
        seconds["ansible_runner"].append(_plain_runner(here, folder))
        deployment = here.wait(here.launch(service))
        assert deployment.finished_at is not None
        took = deployment.finished_at - deployment.created_at
        seconds["ours"].append(took.total_seconds())
        with here.store.begin() as db:
            recorded = sum(events.count(db, deployment.id).values())
    bare, runner, ours = (median(seconds[key]) for key in seconds)
    return row(
        f"whole deployment, {service}: FastDeploy / bare ansible-playbook",
        ours / bare,
        f"at most {_TARGET}",
        holds=ours <= bare * _TARGET,
        fastdeploy_over_ansible_runner=round(ours / runner, 3),
        ansible_runner_over_bare=round(runner / bare, 3),
        seconds={key: [round(s, 2) for s in found] for key, found in seconds.items()},
        events_recorded=recorded,
    )


def _tasks(count: int, modules: tuple[str, ...]) -> Iterator[str]:
    for number in range(count):
        module = modules[number % len(modules)]
        yield _TASK.format(number=number, module=module)


def _loop(number: int) -> str:
    return _LOOP.format(number=number)


def _long(number: int) -> str:
    return _LONG.format(number=number)


def _playbook(tasks: Iterable[str]) -> str:
    head = "- name: Bench\n  hosts: all\n  gather_facts: false\n  tasks:\n"
    return head + "".join(tasks)


def _inventory(hosts: int) -> str:
    names = "".join(f"    host{number:02}:\n" for number in range(hosts))
    return (
        f"all:\n  hosts:\n{names}  vars:\n    ansible_connection: local\n"
        f"    ansible_python_interpreter: {sys.executable}\n"
    )


def _bare(folder: Path) -> list[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    return [str(program), "-i", str(folder / "hosts.yml"), str(folder / "deploy.yml")]


def _plain_runner(here: SupervisedInstallation, folder: Path) -> float:
    private = here.settings.var / "plain-runner"
    shutil.rmtree(private, ignore_errors=True)
    shutil.copytree(folder, private / "project")
    return _timed([sys.executable, "-c", _RUNNER, str(private)])


def _timed(command: list[str]) -> float:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    begun = time.monotonic()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PATH": path}
    )
    return time.monotonic() - begun
