"""Open fewer sessions of ssh to copy a file, in the Python of ansible-playbook.

Tasks such as `copy` and `template` make a folder on the host and put a file into it.
Ansible asks for the home of the user first, in a session of its own, although the shell
that makes the folder finds it, too. And sftp, which puts the file, needs several round
trips and a process on both sides, also for a file of a few bytes.

`ansible_playbook.py` loads this file, so it imports only the standard library and
Ansible.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any

#: Bytes up to which a file is put by `dd`, in one session.
SMALL = 128 * 1024
#: A path that no shell changes.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/+-]+")
#: A home that every shell expands.
_HOME = re.compile(r"~[A-Za-z0-9_.][A-Za-z0-9_.-]*")


def install() -> None:
    """Change the Ansible of this process.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    # Each is useful without the other.
    _make_folder_at_once()
    _put_small_files_at_once()


def _make_folder_at_once() -> None:
    """Let the command that makes a folder expand the home in front of it."""
    from ansible.plugins.action import ActionBase

    make, expand = ActionBase._make_tmp_path, ActionBase._remote_expand_user

    def home_of(action: Any) -> str | None:
        connection = action._connection
        if connection.transport != "ssh" or not _is_posix(connection):
            return None
        home = f"~{action._get_remote_user() or ''}"
        return home if _HOME.fullmatch(home) else None

    @functools.wraps(make)
    def make_tmp_path(self: Any, *args: Any, **more: Any) -> Any:
        home = home_of(self)
        if home is None:
            return make(self, *args, **more)

        def expand_user(path: str, *arguments: Any, **named: Any) -> Any:
            if path.startswith("~/"):
                return f"{home}{path[1:]}"
            return expand(self, path, *arguments, **named)

        # An attribute of the action comes before the method of its class.
        self._remote_expand_user = expand_user
        try:
            return make(self, *args, **more)
        finally:
            del self._remote_expand_user

    ActionBase._make_tmp_path = make_tmp_path


def _put_small_files_at_once() -> None:
    """Put small files by `dd`; if this fails, as Ansible does."""
    from ansible.plugins.connection.ssh import Connection

    transport = Connection._file_transport_command

    @functools.wraps(transport)
    def file_transport_command(
        self: Any, in_path: str, out_path: str, sftp_action: str
    ) -> Any:
        if sftp_action == "put" and _fits(self, in_path, out_path):
            with open(in_path, "rb") as file:
                content = file.read()
            # Without content, Ansible leaves the input of ssh open; dd would wait.
            count = "" if content else " count=0"
            command = f"dd of={out_path} bs={SMALL}{count}"
            done = self.exec_command(command, in_data=content, sudoable=False)
            if done[0] == 0:
                return done
        return transport(self, in_path, out_path, sftp_action)

    Connection._file_transport_command = file_transport_command


def _fits(connection: Any, in_path: str, out_path: str) -> bool:
    return (
        connection.get_option("ssh_transfer_method") == "smart"
        and _is_posix(connection)
        and _PLAIN_PATH.fullmatch(out_path) is not None
        and os.path.getsize(in_path) <= SMALL
    )


def _is_posix(connection: Any) -> bool:
    return bool(connection._shell.SHELL_FAMILY == "sh")
