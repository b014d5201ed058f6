"""Services that run with mitogen, and what their runs report."""

import json
import os
from typing import Any

import psutil

from app.runner.environment import inherit
from testing.processes import living
from testing.runner import Outcome, Service
from testing.ssh_account import SshAccount

USED = "mitogen 0.3.54, "
NETWORK = {
    name: value
    for name, value in inherit(os.environ).items()
    if name not in {"HOME", "TMPDIR", "SSH_AUTH_SOCK"}
}
#: Each task prints the command line of the process that runs it.
_WHO = """\
  tasks:
    - name: Who
      ansible.builtin.shell: tr '\\0' ' ' </proc/$PPID/cmdline; echo; pwd; id -un
"""
STRATEGIES = f"""\
- hosts: target
  gather_facts: false
{_WHO}
- hosts: target
  gather_facts: false
  strategy: free
{_WHO}
- hosts: target
  gather_facts: false
  strategy: ansible.builtin.host_pinned
{_WHO}
"""
#: The strategy, and the name of the handler.
OWING = """\
- hosts: target
  gather_facts: false
  strategy: {}
  tasks:
    - name: Work
      ansible.builtin.command: "true"
  handlers:
    - name: Restart {}
      ansible.builtin.command: "true"
"""
EVERYTHING = """\
- hosts: target
  gather_facts: false
  vars:
    secret: !vault |
{vaulted}
  tasks:
    - name: Become root
      ansible.builtin.command: id -un
      become: true
    - name: Print
      ansible.builtin.command: "echo found {{{{ secret }}}}"
    - name: Write
      ansible.builtin.copy:
        content: "{{{{ secret }}}}"
        dest: "{{{{ ansible_user_dir | default('/tmp') }}}}/written-by-mitogen"
        mode: "0600"
      check_mode: true
      diff: true
"""
#: A process that an earlier task leaves in the background isn't part of the run.
CANCELED = """\
- hosts: target
  gather_facts: false
  tasks:
    - name: Leave a service
      ansible.builtin.shell: nohup sleep {left} >/dev/null 2>&1 </dev/null &
    - name: Wait
      ansible.builtin.shell: sleep {ended}; true
      become: {become}
"""
#: mitogen runs one task at a time on a host; the second one doesn't wait for the first.
TIMED_OUT = """\
- hosts: target
  gather_facts: false
  tasks:
    - name: Take too long
      ansible.builtin.command: sleep {seconds}
      become: true
      timeout: 2
      ignore_errors: true
    - name: Go on
      ansible.builtin.command: id -un
"""


def define(service: Service, target: SshAccount, playbook: str, **more: Any) -> None:
    """Write a playbook, an inventory and an ansible.cfg."""
    service.write(service.folder / "hosts.json", target.inventory)
    (service.folder / "play.yml").write_text(playbook)
    (service.folder / "ansible.cfg").write_text(
        f"[ssh_connection]\nssh_args = {target.ssh_args}\n"
    )
    config = {"name": "demo", "playbook": "play.yml", "inventory": "hosts.json",
              "accelerate": "mitogen"}  # fmt: skip
    service.write(service.folder / "config.json", {**config, **more})


def use(service: Service, **given: dict[str, Any]) -> None:
    """Declare credentials and write them into the run's config file."""
    named = {name.replace("__", ":", 1): values for name, values in given.items()}
    change(service, credentials=[*named])
    service.launch()
    content = json.loads(service.config.read_text())
    service.write(service.config, {**content, "credentials": named})


def change(service: Service, **keys: Any) -> None:
    """Change config.json."""
    path = service.folder / "config.json"
    service.write(path, {**json.loads(path.read_text()), **keys})


def run(service: Service, **env: str) -> Outcome:
    """Run it with the proxies and certificates that uv needs."""
    return service.run({**NETWORK, **env})


def speed(outcome: Outcome) -> str:
    """Return what the run reports about its speed."""
    [found] = [each["speed"] for each in outcome.objects if "speed" in each]
    return str(found)


def results(outcome: Outcome, task: str) -> list[str]:
    """Return what each command of a task printed."""
    assert outcome.code == 0, outcome.journal.decode()
    events = outcome.named("runner_on_ok", task)
    return [event["event_data"]["res"]["stdout"] for event in events]


def of_this_run(service: Service) -> list[psutil.Process]:
    """Return the processes of a run on this machine."""
    home = str(service.home)
    return living(lambda process: process.environ().get("HOME") == home)


def sleeping(seconds: str) -> list[psutil.Process]:
    """Return the processes on the host that wait for an unusual time."""
    return living(lambda process: process.cmdline() == ["sleep", seconds])


def encrypt(text: str, password: str) -> str:
    """Return a text that ansible-vault has encrypted, as lines of a playbook."""
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415 - slow

    vault = VaultLib([("default", VaultSecret(password.encode()))])
    lines = vault.encrypt(text.encode()).decode().splitlines()
    return "\n".join(f"      {line}" for line in lines)


def mitogens() -> list[psutil.Process]:
    """Return the processes of mitogen on the host."""
    return living(lambda process: "mitogen:" in " ".join(process.cmdline()))
