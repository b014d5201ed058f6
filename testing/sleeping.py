"""Playbooks that sleep until they are ended."""

import sys
from pathlib import Path

from testing.installation import Installation
from testing.runs import left

STEPS = [{"name": name} for name in ("prepare", "work", "never")]
PLAYBOOK = """
- name: Sleep
  hosts: all
  gather_facts: false
  tasks:
    - name: prepare | Begin
      ansible.builtin.debug:
    - name: work | Sleep
      ansible.builtin.command: sleep 600
    - name: never | End
      ansible.builtin.debug:
"""
#: Leaves a job of `async` running, which leads a session of its own, and waits.
PAUSES = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Start a job
      ansible.builtin.command: sleep 600
      async: 900
      poll: 0
    - name: Wait
      ansible.builtin.pause: {seconds: 600}
"""
INVENTORY = """
all:
  hosts: {a: , b: , c: , d: , e: }
  vars: {ansible_connection: local, ansible_python_interpreter: "PYTHON"}
""".replace("PYTHON", sys.executable)


def write_sleeping_playbook(made: Installation, name: str, **config: object) -> Path:
    """Write a service whose playbook sleeps on five hosts; return its folder."""
    return made.write_files(
        name, {"deploy.yml": PLAYBOOK, "hosts.yml": INVENTORY},
        playbook="deploy.yml", inventory="hosts.yml", steps=STEPS, **config,
    )  # fmt: skip


def sleepers(made: Installation, number: int) -> list[str]:
    """Return the commands of a run that sleep."""
    return [command for command in left(made, number) if command == "sleep 600"]
