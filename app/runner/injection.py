"""Hand credentials to ansible-playbook: environment, arguments and descriptors.

No value is in an argument or a file: Ansible reads passwords from FIFOs, which are
removed then, and keys are in an agent. Only tokens are in the environment, which other
users can't read.
"""

import contextlib
import os
import re
import resource
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import ssh_arguments
from .ansible_cfg import Sections
from .credential_kinds import Kind
from .credentials import Credential, Credentials
from .keeper import Keeper
from .processes import Process
from .ssh_agent import Agent, only_with, with_certificate

#: How Ansible is given a password of each kind; `%s` is a path.
_OPTIONS = {
    Kind.PASSWORD: "--connection-password-file=%s",
    Kind.BECOME: "--become-password-file=%s",
}
#: Arguments of ssh that name the path of its socket, and Ansible's default arguments.
_NAMES_SOCKET = re.compile(r"(?i:ControlPath)|(?:^|\s)-S")
#: Ansible keeps an unused connection for a minute. Those of a run end with it, so they
#: can last: a host needs no further login after a task that took long on others.
_SSH_ARGS = "-C -o ControlMaster=auto -o ControlPersist=1h"
#: The folder below the private folder with the agent's socket and the public keys.
_KEYS = "ssh"


class Injection:
    """What ansible-playbook gets of the credentials; without any, nothing."""

    def __init__(
        self,
        credentials: Credentials = Credentials(),  # noqa: B008 - it is frozen
        private: Path = Path(),
        keeper: Keeper | None = None,
    ) -> None:
        """`configure` prepares it.

        Args:
            credentials: The credentials of the run.
            private: The run's private folder.
            keeper: The process that cleans up if this process is killed.
        """
        #: Variables and further arguments of ansible-playbook.
        self.environment: dict[str, str] = {}
        self.arguments: list[str] = []
        self._credentials = credentials
        self._private = private
        self._keeper = keeper
        self._agent: Agent | None = None
        #: The keys to load, with the paths of their public keys.
        self._keys = [
            (key, private / _KEYS / f"{number}.pub")
            for number, key in enumerate(credentials.of(Kind.SSH))
        ]
        self._passwords: list[Fifo] = []

    @property
    def variables(self) -> dict[str, Any]:
        """Extra variables of the run: the path of each public key, by name.

        An inventory can name the key of a host, which ssh then offers first:
        `ansible_ssh_private_key_file: "{{ fastdeploy_ssh_keys.prod }}"`.
        """
        paths = {key.name: str(public) for key, public in self._keys}
        return {"fastdeploy_ssh_keys": paths} if paths else {}

    def configure(self, env: Mapping[str, str], configured: Sections) -> None:
        """Prepare what ansible-playbook gets, and start an agent if there are keys.

        Args:
            env: The environment of ansible-playbook without the credentials.
            configured: The sections of the ansible.cfg that applies.

        Raises:
            RunnerError: There is no ssh-agent.
        """
        credentials = self._credentials
        self.environment |= credentials.tokens
        for one in credentials.of(*_OPTIONS):
            self.arguments.append(_OPTIONS[one.kind] % self._fifo(one))
        for one in credentials.of(Kind.VAULT):
            # Unlike ANSIBLE_VAULT_IDENTITY_LIST, it adds to what ansible.cfg names.
            self.arguments.append(f"--vault-id={one.name}@{self._fifo(one)}")
        if connecting := credentials.of(Kind.SSH, Kind.PASSWORD):
            ssh = configured.get("ssh_connection", {})
            self.environment |= _own_sockets(self._private / "cp", env, ssh)
            self.environment |= _remote_user(connecting, env, configured)
        if self._keys:
            self._start_agent(env, configured.get("ssh_connection", {}))

    def watch(self, process: Process) -> None:
        """End this process too if the runner is killed."""
        if self._keeper is not None:
            self._keeper.watch(process)

    def provide(self) -> None:
        """Offer the passwords to ansible-playbook, and load the keys into the agent.

        Call it after ansible-playbook's process was forked: it starts threads.

        Raises:
            RunnerError: A key can't be loaded.
        """
        for password in self._passwords:
            password.offer()
        for key, public in self._keys:
            assert self._agent is not None, "an agent is started for keys"
            self._agent.load(key, public)

    def finish(self) -> None:
        """End the agent."""
        if self._agent is not None:
            self._agent.end()

    def _start_agent(self, env: Mapping[str, str], ssh: Mapping[str, str]) -> None:
        folder = self._private / _KEYS
        folder.mkdir(mode=0o700)
        self._agent = Agent(folder, env)
        self.watch(self._agent.process)
        options: list[str] = []
        if len(self._keys) == 1:
            [(_, public)] = self._keys
            options = only_with(public)
        # ssh offers all that are named here in the order of the agent, and a server
        # allows few attempts. So of several, the inventory names one for each host.
        for key, public in self._keys:
            options += with_certificate(key, public)
        self.environment["SSH_AUTH_SOCK"] = str(self._agent.socket)
        if options:
            self.environment |= ssh_arguments.extra_arguments(env, ssh, options)

    def _fifo(self, password: Credential) -> Path:
        """Return the path of a FIFO from which a password can be read once."""
        folder = self._private / "passwords"
        folder.mkdir(mode=0o700, exist_ok=True)
        fifo = Fifo(folder / str(len(self._passwords)), password.main)
        self._passwords.append(fifo)
        return fifo.path


class Fifo:
    """A text that one process can read once, from a path that is removed then."""

    def __init__(self, path: Path, text: str) -> None:
        os.mkfifo(path, 0o600)
        self.path = path
        self._text = text

    def offer(self) -> None:
        """Wait for the reader in a thread."""
        threading.Thread(target=self._write, name="password", daemon=True).start()

    def _write(self) -> None:
        # The run may end, and remove the folder, without reading it.
        with contextlib.suppress(OSError), self.path.open("wb") as pipe:
            self.path.unlink()
            pipe.write(self._text.encode() + b"\n")


@contextlib.contextmanager
def prepared(
    credentials: Credentials, private: Path, keeper: Keeper
) -> Iterator[Injection]:
    """Yield an injection, and end its agent at the end."""
    injection = Injection(credentials, private, keeper)
    try:
        yield injection
    finally:
        injection.finish()


def forbid_core_dumps() -> None:
    """Keep this process and its children from writing their memory to disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _own_sockets(
    folder: Path, env: Mapping[str, str], ssh: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that keep the sockets of ssh in a folder of the run.

    A connection that outlives the run would serve the next one without its key, so
    paths that the repository chooses are replaced. Its other arguments are kept.
    """
    folder.mkdir(mode=0o700)
    found = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder)}
    theirs = env.get("ANSIBLE_SSH_ARGS", ssh.get("ssh_args"))
    if theirs is None:
        found["ANSIBLE_SSH_ARGS"] = theirs = _SSH_ARGS
    if "ANSIBLE_SSH_CONTROL_PATH" in env or "control_path" in ssh:
        found["ANSIBLE_SSH_CONTROL_PATH"] = "%(directory)s/%%C"
    for name, key in (
        ("ANSIBLE_SSH_ARGS", "ssh_args"),
        ("ANSIBLE_SSH_COMMON_ARGS", "ssh_common_args"),
    ):
        arguments = env.get(name, ssh.get(key, ""))
        if _NAMES_SOCKET.search(arguments):
            # The first value of an option applies.
            found["ANSIBLE_SSH_ARGS"] = f"-o ControlPath={folder}/%C {theirs}"
    return found


def _remote_user(
    connecting: list[Credential], env: Mapping[str, str], configured: Sections
) -> dict[str, str]:
    """Return the variable with the user of the first credential that has one.

    Inventory and playbook override it; ansible.cfg would not.
    """
    if env.get("ANSIBLE_REMOTE_USER") or configured.get("defaults", {}).get(
        "remote_user"
    ):
        return {}
    users = (one.values["user"] for one in connecting if "user" in one.values)
    user = next(users, None)
    return {"ANSIBLE_REMOTE_USER": user} if user else {}
