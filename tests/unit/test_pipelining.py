"""How the Python of a host gets a module by pipelining."""

import re
import shlex
import subprocess
import sys

import pytest

from app.runner.pipelining import reading


def run(command: str, program: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/sh", "-c", command], check=False, input=program, capture_output=True
    )


@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/python3",
        "/usr/bin/python3.11",
        "python",
        "LANG=C HTTP_PROXY='a b' /opt/python-3/bin/python3",
        "/usr/bin/env python3",
    ],
)
def test_a_python_without_arguments_reads_the_module_first(command: str) -> None:
    read = reading(command)

    assert read.startswith(f"{command} -c ")


@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/python3 -I",
        "/usr/bin/python3 /tmp/module.py",
        "/usr/bin/ipython3",
        "/usr/bin/python3-debug",
        "'/opt/my python/python3'",
        "powershell -Command -",
        "",
    ],
)
def test_another_command_is_unchanged(command: str) -> None:
    assert reading(command) == command


def test_a_program_runs_as_if_python_had_parsed_it_itself() -> None:
    """Its module, file names of its tracebacks, arguments and input are the same."""
    program = (
        "from __future__ import annotations\n"
        "import sys\n"
        "def annotated(one: Unknown): pass\n"
        "assert __name__ == '__main__' and len(sys.argv) == 1\n"
        "assert sys.stdin.read() == ''\n"
        "print(annotated.__annotations__, 'ö')\n"
        "raise ValueError('on line 7')\n"
    ).encode()
    python = shlex.quote(sys.executable)

    itself, read = (run(command, program) for command in (python, reading(python)))

    assert itself.stdout == read.stdout == "{'one': 'Unknown'} ö\n".encode()
    assert b'File "<stdin>", line 7, in <module>' in itself.stderr
    assert b'File "<stdin>", line 7, in <module>' in read.stderr
    assert itself.returncode == read.returncode == 1


def test_a_module_is_not_read_byte_by_byte() -> None:
    """As Python reads a program from a pipe, with a system call for each byte."""
    program = f"size = {'x' * 100_000!r}\nprint(open('/proc/self/io').read())".encode()

    done = run(reading(shlex.quote(sys.executable)), program)

    (calls,) = re.findall(rb"syscr: (\d+)", done.stdout)
    assert int(calls) < 10_000
