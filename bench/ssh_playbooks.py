"""The playbooks of the measurements over SSH."""

import os
from collections.abc import Callable
from pathlib import Path

#: The names of files on the control node.
SMALL, BIG = "small", "big-{number}"
_BIG_FILES, _BIG_BYTES = 2, 8 << 20

_COPY = """\
    - name: Copy file {number}
      ansible.builtin.copy:
        src: {source}
        dest: {work}/{{{{ inventory_hostname }}}}/{number}
        mode: "0644"
"""
_COMMAND = """\
    - name: Call command {number}
      ansible.builtin.command:
        cmd: echo {number}
      changed_when: false
"""


def _play(tasks: str, *, gather: bool) -> str:
    facts = str(gather).lower()
    head = f"- name: Bench\n  hosts: all\n  gather_facts: {facts}\n"
    return head + (f"  tasks:\n{tasks}" if tasks else "")


def _many(work: Path) -> str:
    copies = "".join(
        _COPY.format(number=number, source=SMALL, work=work) for number in range(5)
    )
    commands = "".join(_COMMAND.format(number=number) for number in range(5))
    return _play(copies + commands, gather=True)


def _files(work: Path) -> str:
    copies = "".join(
        _COPY.format(number=number, source=BIG.format(number=number), work=work)
        for number in range(_BIG_FILES)
    )
    return _play(copies, gather=False)


def _facts(_: Path) -> str:
    return _play("", gather=True)


#: Each playbook by its name; the argument is the folder of the hosts' files.
PLAYBOOKS: dict[str, Callable[[Path], str]] = {
    # Gathers facts, copies five small files and calls five commands.
    "many": _many,
    # Copies two files of 8 MiB.
    "files": _files,
    # Gathers facts.
    "facts": _facts,
}

#: Writes the settings of a run into a file, from which typed runs get the same.
SETTINGS = """\
- name: Write the settings
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the settings
      ansible.builtin.copy:
        content: "{{{{ settings | to_json }}}}"
        dest: {path}
        mode: "0644"
      vars:
        settings:
          ANSIBLE_FORKS: "{{{{ ansible_forks }}}}"
          ANSIBLE_GATHERING: "{{{{ lookup('config', 'DEFAULT_GATHERING') }}}}"
          ANSIBLE_CACHE_PLUGIN: "{{{{ lookup('config', 'CACHE_PLUGIN') }}}}"
          ANSIBLE_CACHE_PLUGIN_TIMEOUT: >-
            {{{{ lookup('config', 'CACHE_PLUGIN_TIMEOUT') }}}}
          ANSIBLE_PIPELINING: >-
            {{{{ lookup('config', 'pipelining', plugin_type='connection',
            plugin_name='ssh') }}}}
          ANSIBLE_SSH_ARGS: >-
            {{{{ lookup('config', 'ssh_args', plugin_type='connection',
            plugin_name='ssh') }}}}
"""


def write_files(folder: Path) -> None:
    """Write the files that the playbooks copy; random, so that none compresses."""
    (folder / SMALL).write_text("a small file\n" * 20)
    for number in range(_BIG_FILES):
        (folder / BIG.format(number=number)).write_bytes(os.urandom(_BIG_BYTES))
