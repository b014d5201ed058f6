"""The Python of ansible-playbook that is started before the run is known."""

import json
import os
import sys
from pathlib import Path

import pytest

from app.runner.early_start import EarlyStart, utf8_locale

#: Takes the place of `ansible_playbook.py`: prints what it gets, or ends before.
_PROGRAM = """\
import os, socket, sys
with socket.socket(fileno=int(os.environ["FASTDEPLOY_EARLY"])) as runner:
    _, descriptors, *_ = socket.recv_fds(runner, 1, 3)
    os.write(descriptors[0], b"".join(iter(lambda: runner.recv(1 << 16), b"")))
"""
_ENDED = "raise SystemExit(3)"


@pytest.mark.parametrize(
    ("name", "suits"),
    [("APP_ENV", True), ("ANSIBLE_FORKS", True), ("PATH", True), ("PYTHONPATH", False),
     ("LD_PRELOAD", False), ("LANG", False), ("LC_ALL", False), ("HOME", False)],
)  # fmt: skip
def test_it_suits_no_service_that_changes_how_python_starts(
    name: str, *, suits: bool
) -> None:
    assert suits is EarlyStart().suits({name: "a value"})


@pytest.mark.parametrize(
    ("env", "added"),
    [({}, {"LC_ALL": "C.UTF-8"}), ({"LANG": "de_DE.UTF-8"}, {}),
     ({"LC_ALL": "C", "LANG": "C.UTF-8"}, {"LC_ALL": "C.UTF-8"})],
)  # fmt: skip
def test_the_locale_is_utf8(env: dict[str, str], added: dict[str, str]) -> None:
    assert added == utf8_locale(env)


def test_it_gets_everything_of_the_run() -> None:
    """Also an environment that is larger than the buffers of the socket."""
    command = [sys.executable, "-c", _PROGRAM]
    early = EarlyStart(command)
    reader, writer = os.pipe()
    env = {f"APP_{number}": "\udce4" * 1000 for number in range(500)}

    pid = early.take(command, ["-i", "hosts"], "/", env, {"TERMINAL": writer})

    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor
        content = pipe.read()
    assert 0 == os.waitpid(pid, 0)[1]
    found = json.loads(content.decode(errors="surrogateescape"))
    assert ["-i", "hosts"] == found["arguments"]
    assert env == found["environment"]
    early.discard()


def test_a_process_that_has_ended_has_an_exit_code() -> None:
    command = [sys.executable, "-c", _ENDED]
    early = EarlyStart(command)

    pid = early.take(command, [], "/", {"A": "b" * (1 << 20)}, {"TERMINAL": 1})

    assert 3 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_another_ansible_does_not_use_it() -> None:
    """What was started is killed, and no child of this process is left."""
    others = _children()
    early = EarlyStart([sys.executable, "-c", _PROGRAM, "/one/ansible-playbook"])
    other = [sys.executable, "-c", _PROGRAM, "/other/ansible-playbook"]
    [child] = _children() - others

    assert 0 == early.take(other, [], "/", {}, {})
    assert not Path(f"/proc/{child}").exists()


def _children() -> set[str]:
    pid = os.getpid()
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
