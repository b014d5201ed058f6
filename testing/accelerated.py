"""Services that run with mitogen, and what their runs report."""

import os
from typing import Any

import psutil

from app.runner.environment import inherit
from testing import ssh_services
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

#: It runs a module that removes a handle which a router of mitogen no longer has.
ENDED = """\
- hosts: target
  gather_facts: false
  tasks:
    - name: Remove a handle
      remove_handle:
"""
REMOVE_HANDLE = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
import mitogen.core

module = AnsibleModule({})
router = mitogen.core.Router.__new__(mitogen.core.Router)
router._handle_map = {}
router.del_handler(1001)
module.exit_json(stdout="removed")
"""


def define(service: Service, target: SshAccount, playbook: str, **more: Any) -> None:
    """Write a service that mitogen accelerates."""
    ssh_services.define(service, target, playbook, accelerate="mitogen", **more)


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


def sleeping(seconds: str) -> list[psutil.Process]:
    """Return the processes on the host that wait for an unusual time."""
    return living(lambda process: process.cmdline() == ["sleep", seconds])


def encrypt(text: str, password: str) -> str:
    """Return a text that ansible-vault has encrypted, as lines of a playbook."""
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415 - slow

    vault = VaultLib([("default", VaultSecret(password.encode()))])
    lines = vault.encrypt(text.encode()).decode().splitlines()
    return "\n".join(f"      {line}" for line in lines)


def mitogens(target: SshAccount) -> list[psutil.Process]:
    """Return the processes of mitogen on the host, of its account or as root."""

    def belongs(process: psutil.Process) -> bool:
        variables = process.environ()
        users = (variables.get("USER"), variables.get("SUDO_USER"))
        return "mitogen:" in " ".join(process.cmdline()) and target.user in users

    return living(belongs)
