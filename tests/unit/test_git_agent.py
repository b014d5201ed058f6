"""The ssh-agent of a fetch ends with the process that fetches."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential
from app.runner.git_credential import Access, using
from testing.ssh_server import new_key
from testing.waiting import eventually

_FETCH = """\
import os, sys
from pathlib import Path
from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential
from app.runner.git_credential import Access, using
key = Credential(Kind.GIT_SSH, "infra", {"private_key": Path(sys.argv[1]).read_text()})
with using(Access(key), "ssh://git@git.example.org/infra", 3600) as session:
    print(session.ssh.folder / "agent", flush=True)
    sys.stdin.read()
"""


def agents(socket: str) -> list[psutil.Process]:
    """Return the processes that name a socket, with the shells that guard them."""
    return [
        process for process in psutil.process_iter(["cmdline"])
        if socket in (process.info["cmdline"] or ())
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_fetch_leaves_no_agent(number: signal.Signals, tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    started = subprocess.Popen(
        [sys.executable, "-c", _FETCH, str(key)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    with started:
        assert started.stdout
        socket = started.stdout.readline().strip()
        assert agents(socket)

        started.send_signal(number)

        eventually(lambda: not agents(socket))
    assert not Path(socket).exists()


def test_the_agent_of_a_fetch_ends_with_it(tmp_path: Path) -> None:
    values = {"private_key": new_key(tmp_path / "key").read_text()}
    access = Access(Credential(Kind.GIT_SSH, "infra", values))

    with using(access, "ssh://git@git.example.org/infra", 3600) as session:
        assert session.ssh
        socket = str(session.ssh.folder / "agent")
        assert agents(socket)

    assert [] == agents(socket)
