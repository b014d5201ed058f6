"""Receive what Ansible decrypts during a run, before it can be printed."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from .ansible_playbook import DIGEST, VARIABLE
from .masking import Masker

_LENGTH = 8
_HEAD = _LENGTH + DIGEST
#: Bytes of a text that is masked. A larger one would take too much time and memory.
LARGEST = 1 << 20
_WRAPPER = Path(__file__).with_name("ansible_playbook.py")
#: The interpreter of a script. If its path is too long for the kernel, the first lines
#: are a shell command that executes it.
_SHEBANG = re.compile(
    rb"""\#! [ ]* (?: /bin/sh \n '''exec' [ ]+
                      (?: "(?P<quoted>[^"\n]+)" | (?P<bare>\S+) )
                    | (?P<direct> (?:\S*/)? (?:python|pypy)[\d.]* )
                    | /usr/bin/env [ ]+ (?:-S[ ]+)? (?P<named> (?:python|pypy)[\d.]* )
                  ) (?: \s | $ )""",
    re.VERBOSE,
)  # fmt: skip
#: Where Ansible finds vault passwords: keys in ansible.cfg, and variables.
_VAULT_KEYS = ("vault_password_file", "vault_identity_list")
_VAULT_VARIABLES = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST")


class Plaintexts:
    """A memory file that ansible-playbook and its workers append to.

    `ansible_playbook.py` has the format. A worker appends a text before it uses it. So
    a process that reads output first, then the memory file, knows the secrets in it.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("fastdeploy-plaintexts", os.MFD_CLOEXEC)
        flags = fcntl.fcntl(self.descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self.descriptor, fcntl.F_SETFL, flags | os.O_APPEND)
        self._offset = 0
        #: The number of texts that are too large to be masked.
        self.too_large = 0

    @property
    def environment(self) -> dict[str, str]:
        """The variable that `ansible_playbook.py` needs."""
        return {VARIABLE: str(self.descriptor)}

    def add_to(self, masker: Masker) -> None:
        """Let a masker mask what was decrypted since the previous call."""
        size = os.fstat(self.descriptor).st_size
        if size == self._offset:
            return
        # Most runs decrypt nothing, and don't need the memory of this module.
        from .plaintext_values import secret_values  # noqa: PLC0415

        for content in self._read(size):
            for value in secret_values(content):
                masker.add(value)

    def _read(self, size: int) -> Iterator[bytes]:
        while size - self._offset >= _HEAD:
            head = os.pread(self.descriptor, _HEAD, self._offset)
            length = int.from_bytes(head[:_LENGTH], "big")
            begin = self._offset + _HEAD
            if length > size - begin:
                return
            self._offset = begin + length
            if length <= LARGEST:
                yield os.pread(self.descriptor, length, begin)
            else:
                self.too_large += 1


def recording(program: Path, env: Mapping[str, str]) -> list[str]:
    """Return the command that runs ansible-playbook and records what it decrypts.

    It is empty if the program isn't a script of Python, so that it can't be recorded.

    Args:
        program: The path of ansible-playbook.
        env: Its environment.
    """
    try:
        with program.open("rb") as file:
            found = _SHEBANG.match(file.read(4096))
    except OSError:
        return []
    if not found:
        return []
    name = next(filter(None, found.groups())).decode(errors="surrogateescape")
    python = shutil.which(name, path=env["PATH"])
    return [python, str(_WRAPPER), str(program)] if python else []


def has_vault(defaults: Mapping[str, str], env: Mapping[str, str]) -> bool:
    """Return whether ansible.cfg or the environment names a vault password."""
    return any(defaults.get(key) for key in _VAULT_KEYS) or any(
        env.get(name) for name in _VAULT_VARIABLES
    )
