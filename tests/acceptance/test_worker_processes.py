"""What FastDeploy saves in the workers of ansible-playbook, and in waiting for them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.runner import Service, short_folder

#: An action plugin that counts the modules that a task runs on hosts.
_COUNTING = """\
from ansible.plugins.action import copy

class ActionModule(copy.ActionModule):
    def _execute_module(self, *args, **more):
        self.names.append(more.get("module_name"))
        return super()._execute_module(*args, **more)

    def run(self, *args, **more):
        self.names = []
        return {**super().run(*args, **more), "modules": self.names}
"""
_COPY = """\
- hosts: one
  gather_facts: false
  tasks:
    - name: Copy
      counting:
        src: site.yml
        dest: "{path}"
        mode: "644"
      diff: true
"""
_SLEEP = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Wait
      ansible.builtin.command: sleep {seconds}
    - name: Say it
      ansible.builtin.debug:
        msg: done
"""
_KILL = """\
- hosts: one
  gather_facts: false
  tasks:
    - name: Kill the worker
      ansible.builtin.debug:
        msg: "{{ lookup('ansible.builtin.pipe', 'kill -9 $PPID') }}"
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service with three local hosts and two forks."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        local = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        hosts = {"all": {"hosts": dict.fromkeys(("one", "two", "three"), local)}}
        made.write(made.folder / "hosts.json", hosts)
        config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
        made.write(made.folder / "config.json", {**config, "speed": {"forks": 2}})
        yield made
        made.end()


def _switches(service: Service, seconds: int) -> int:
    """Return how often the processes of a run have waited."""
    (service.folder / "site.yml").write_text(_SLEEP.format(seconds=seconds))
    process = service.start(subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_nvcsw


def test_nothing_polls_while_modules_run(service: Service) -> None:
    """Two forks first wait for a free worker, then for results, 3 seconds each."""
    _switches(service, 0)

    assert _switches(service, 3) - _switches(service, 0) < 2000


def test_a_killed_worker_ends_the_run(service: Service) -> None:
    (service.folder / "site.yml").write_text(_KILL)

    outcome = service.run()

    assert outcome.code
    assert "A worker was found in a dead state" in outcome.output


@pytest.mark.parametrize(
    ("before", "modules"),
    [
        (None, ["stat", "copy"]),
        ("old\n", ["stat", "file", "slurp", "copy"]),
    ],
    ids=["new file", "changed file"],
)
def test_copy_looks_for_a_file_once(
    service: Service, tmp_path: Path, before: str | None, modules: list[str]
) -> None:
    place = tmp_path / "copied"
    if before is not None:
        place.write_text(before)
    plugins = service.folder / "action_plugins"
    plugins.mkdir()
    (plugins / "counting.py").write_text(_COUNTING)
    (service.folder / "site.yml").write_text(_COPY.format(path=place))

    [event] = service.run().named("runner_on_ok", "Copy")

    result = event["event_data"]["res"]
    assert modules == [name.rpartition(".")[2] for name in result["modules"]]
    [diff] = [each for each in result["diff"] if "after" in each]
    assert (before or "", place.read_text()) == (diff["before"], diff["after"])
