"""Run ansible-playbook, record what it decrypts for the masker, and fail prompts.

    PYTHON ansible_playbook.py PROGRAM ARGUMENT...

The Python is that of the program, so this file imports only the standard library and
Ansible. Ansible decrypts in many places and processes: before it loads plugins, and in
workers, which are forks. All of them inherit a memory file, and write each text into
it before they use it. `plaintexts.py` reads it.

A record is a length of 8 bytes, a digest of 16 bytes, and the text.

Loading Ansible takes time, in which the runner prepares credentials. So the program
begins only when the runner says so. Usually, the runner starts it before it knows the
run: then it gets its arguments, environment and descriptors through a socket.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.util
import json
import mmap
import os
import runpy
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

#: The variable with the descriptor of the memory file.
VARIABLE = "FASTDEPLOY_PLAINTEXTS"
#: The variable with the descriptor of a pipe: a byte in it lets the program begin.
GO = "FASTDEPLOY_GO"
DIGEST = 16
#: The variables with the folder of mitogen, and with the descriptor of a pipe for why
#: it can't be used; nothing is written if it is used.
MITOGEN, REPORT = "FASTDEPLOY_MITOGEN", "FASTDEPLOY_MITOGEN_REPORT"
#: The variable with the private folder of the run, for the sockets of mitogen.
SOCKETS = "FASTDEPLOY_MITOGEN_SOCKETS"
#: The variable that lets local connections use pipelining; its value doesn't matter.
LOCAL_PIPELINING = "FASTDEPLOY_LOCAL_PIPELINING"
#: The variables with descriptors.
DESCRIPTORS = (VARIABLE, GO, REPORT)
#: The variable with the socket through which it gets the rest, and the name by which it
#: then gets the descriptor that it prints to.
EARLY, TERMINAL = "FASTDEPLOY_EARLY", "FASTDEPLOY_TERMINAL"
#: What Ansible imports that depends neither on its settings nor on variables of the
#: environment. A module that another ansible-core doesn't have is imported by none.
_INDEPENDENT = (
    "jinja2.nativetypes", "jinja2.sandbox", "jinja2.bccache", "yaml", "distro",
    "cryptography.hazmat.primitives.serialization", "multiprocessing.queues",
    "importlib.metadata", "packaging.specifiers", "difflib", "getpass", "tarfile",
    "ansible.errors", "ansible.config.manager", "ansible.context",
    "ansible.module_utils.common.file", "ansible.module_utils.common.process",
    "ansible.module_utils.common.sys_info", "ansible.module_utils.common.yaml",
    "ansible.parsing.utils.addresses", "ansible.utils.helpers", "ansible.vars.hostvars",
    "ansible._internal._collection_proxy", "ansible._internal._ssh._ssh_agent",
    "ansible._internal._templating._access",
    "ansible.module_utils._internal._ansiballz._extensions._debugpy",
    "ansible.module_utils._internal._ansiballz._extensions._pydevd",
)  # fmt: skip


class Recorder:
    """Appends texts to the memory file; each text once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def record(self, content: bytes | str | None) -> None:
        """Record a text. Raises OSError: then it must not be used either."""
        if isinstance(content, str):
            content = content.encode(errors="surrogateescape")
        if not content:
            return
        content = bytes(content)
        digest = hashlib.blake2b(content, digest_size=DIGEST).digest()
        if not self._has(digest):
            # One write, which the kernel appends as a whole.
            record = len(content).to_bytes(8, "big") + digest + content
            if os.write(self._descriptor, record) < len(record):
                raise OSError("there is no memory to record what was decrypted")

    def _has(self, digest: bytes) -> bool:
        """Return whether any process has recorded the text with this digest."""
        if not os.fstat(self._descriptor).st_size:
            return False
        with mmap.mmap(self._descriptor, 0, prot=mmap.PROT_READ) as content:
            return content.find(digest) >= 0


def record_vault(recorder: Recorder) -> None:
    """Record what ansible-vault decrypts, and the vault passwords that it uses."""
    from ansible.parsing.vault import VaultLib  # noqa: PLC0415 - see main()

    original = VaultLib.decrypt_and_get_vault_id

    def decrypt_and_get_vault_id(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        recorder.record(found[0])
        for _, secret in self.secrets or ():
            recorder.record(getattr(secret, "bytes", None))
        return found

    VaultLib.decrypt_and_get_vault_id = decrypt_and_get_vault_id


def record_sops(recorder: Recorder) -> None:
    """Record what sops prints to a plugin, such as the lookups of community.sops."""
    original = subprocess.Popen.communicate

    def communicate(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        if _is_sops(self.args):
            recorder.record(found[0])
        return found

    subprocess.Popen.communicate = communicate  # type: ignore[method-assign]


def fail_prompts() -> None:
    """Let a prompt without a default fail: Ansible would go on without an answer.

    It is reached where no search of the files finds it, such as a `pause` in a file
    whose name is a template. Workers send prompts to the main process, which answers
    with the error.
    """
    from ansible.errors import AnsibleError  # noqa: PLC0415 - see main()
    from ansible.utils.display import Display  # noqa: PLC0415

    prompt_until, ask = Display.prompt_until, Display.do_var_prompt

    def fail_until(self: Any, msg: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return prompt_until(self, msg, *args, **kwargs)
        except AnsibleError as error:
            is_refused = type(error).__name__ == "AnsiblePromptNoninteractive"
            if is_refused and kwargs.get("seconds") is None:
                raise AnsibleError(
                    "nobody can answer in a deployment: give pause seconds or minutes, "
                    "or check a launch variable by ansible.builtin.assert"
                ) from None
            raise

    def fail_var(self: Any, varname: str, *args: Any, **kwargs: Any) -> Any:
        default = kwargs.get("default", args[6] if len(args) > 6 else None)
        if default is None and not sys.__stdin__.isatty():  # type: ignore[union-attr]
            raise AnsibleError(
                f"nobody can answer in a deployment: declare the variable {varname} "
                "of vars_prompt as a launch variable"
            )
        return ask(self, varname, *args, **kwargs)

    Display.prompt_until, Display.do_var_prompt = fail_until, fail_var


def _is_sops(command: Any) -> bool:
    words = command.split() if isinstance(command, str) else command
    if not isinstance(words, (list, tuple)):
        return False
    program = next((os.fsdecode(word) for word in words), "")
    return os.path.basename(program) == "sops" and "--encrypt" not in words  # noqa: PTH119


def accelerate(folder: str, sockets: str, report: int) -> None:
    """Let the run use the mitogen in a folder, or report why it can't."""
    strategies = _beside("mitogen_strategies")
    try:
        strategies.activate(folder, sockets)
    except strategies.Unusable as reason:
        os.write(report, str(reason).encode(errors="replace"))
    finally:
        os.close(report)


def _beside(name: str) -> Any:
    """Import a module beside this file, whose folder isn't searched for modules."""
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location(f"fastdeploy_{name}", path)
    assert spec is not None, "it is a file of Python"
    assert spec.loader is not None, "it is a file of Python"
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def receive(descriptor: int) -> list[str]:
    """Become the process of a run; return the arguments of the program.

    Exits if the runner has ended, or doesn't use this process.
    """
    with socket.socket(fileno=descriptor) as runner:
        beginning, received, *_ = socket.recv_fds(runner, 1, len(DESCRIPTORS) + 1)
        content = b"".join(iter(lambda: runner.recv(1 << 16), b""))
    if not beginning or not content:
        sys.exit(1)
    run = json.loads(content.decode(errors="surrogateescape"))
    os.environ.clear()
    os.environ.update(run["environment"])
    time.tzset()
    terminal, *others = received
    for standard in (1, 2):
        os.dup2(terminal, standard)
    os.close(terminal)
    _, *variables = run["descriptors"]
    os.environ.update(zip(variables, map(str, others), strict=True))
    os.chdir(run["folder"])
    arguments: list[str] = run["arguments"]
    return arguments


def _import_independent() -> None:
    """Import what every run needs, and nothing that depends on its settings."""
    for name in _INDEPENDENT:
        with suppress(ImportError):
            importlib.import_module(name)


def import_ansible(*, local_pipelining: bool) -> None:
    """Import Ansible, and change what makes it slow.

    It does so without the garbage collector, which would find next to nothing. What was
    imported is kept until the end, so it is never searched for garbage: the workers,
    which are forks, then share its memory with the main process for longer.

    Args:
        local_pipelining: Whether local connections use pipelining by default.
    """
    gc.disable()
    # Another ansible-core may not have what this replaces.
    yaml = _beside("ansible_yaml")
    with suppress(ImportError, AttributeError):
        yaml.install()
    # It checks the locale and ansible.cfg, and says what is wrong.
    import ansible.cli.playbook  # noqa: F401, PLC0415

    modules = _beside("built_modules")
    with suppress(ImportError, AttributeError):
        modules.install(yaml.write)
    pipelining = _beside("pipelining")
    with suppress(ImportError, AttributeError):
        pipelining.install(modules.bytecode)
    if local_pipelining:
        with suppress(ImportError, AttributeError):
            pipelining.use_for_local_connections()
    for name in ("worker_processes", "diff_peeks", "ssh_sessions"):
        with suppress(ImportError, AttributeError):
            _beside(name).install()
    gc.freeze()
    gc.enable()


def wait_for_go(descriptor: int) -> None:
    """Wait for the runner; exit if it has ended, or if the run is canceled."""
    try:
        has_begun = os.read(descriptor, 1)
    except KeyboardInterrupt:
        has_begun = b""
    os.close(descriptor)
    if not has_begun:
        sys.exit(1)


def main() -> None:
    """Run the program that the arguments name."""
    sys.argv = sys.argv[1:]
    program = sys.argv[0]
    if not sys.flags.safe_path:
        # As if the program had been started without this file.
        sys.path[0] = os.path.dirname(os.path.realpath(program))  # noqa: PTH120
    gc.disable()
    if early := os.environ.pop(EARLY, ""):
        _close_all_but(int(early))
        _import_independent()
        sys.argv += receive(int(early))
    descriptor = int(os.environ.pop(VARIABLE))
    # Forks keep the descriptor; modules and other programs that are executed don't.
    os.set_inheritable(descriptor, False)
    recorder = Recorder(descriptor)
    is_local = os.environ.pop(LOCAL_PIPELINING, None) is not None
    import_ansible(local_pipelining=is_local)
    record_vault(recorder)
    record_sops(recorder)
    fail_prompts()
    if folder := os.environ.pop(MITOGEN, ""):
        accelerate(folder, os.environ.pop(SOCKETS), int(os.environ.pop(REPORT)))
    wait_for_go(int(os.environ.pop(GO)))
    runpy.run_path(program, run_name="__main__")


def _close_all_but(descriptor: int) -> None:
    """Close what the caller of the runner left open."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))


if __name__ == "__main__":
    main()
