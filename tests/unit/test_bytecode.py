"""Modules of ansible-core that hosts get as bytecode, with the real Ansible."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.runner import ansible_yaml, built_modules, pipelining
from testing.ansible_copy import BEGINNING, copy_ansible

#: Replaces a module of Ansible: it returns what its code knows of its files.
_PROBE = """\
import sys, traceback
from ansible.module_utils import basic

def main():
    module = basic.AnsibleModule(argument_spec={})
    try:
        module.get_file_attributes(0, 1, 2, 3)
    except TypeError:
        where = traceback.extract_tb(sys.exc_info()[2])
    try:
        basic.AnsibleModule(argument_spec=0)
    except AttributeError:
        where += traceback.extract_tb(sys.exc_info()[2])
    module.exit_json(
        files=[__file__, sys.argv[0], basic.__file__, *[one.filename for one in where]],
        lines=[one.lineno for one in where],
        source=[one.line for one in where],
    )

main()
"""
#: Stores the modules that are named, and writes what Ansible sends for them.
_PROGRAM = (
    BEGINNING
    + """\
folder, yaml, modules, pipelining, *names = sys.argv[1:]
yaml, modules, pipelining = map(load, (yaml, modules, pipelining))
modules.install(yaml.write)
for name in names:
    sent = module_common.modify_module(
        module_name=name, module_path=module_loader.find_plugin(name),
        module_args={"_ansible_tracebacks_for": []},
        templar=Templar(DataLoader(), variables), task_vars=variables,
        module_compression="ZIP_DEFLATED",
    ).b_module_data
    compiled = pipelining.compile_module("python3", sent, modules.bytecode)
    for kind, content in {"source": sent, "bytecode": compiled}.items():
        with open(os.path.join(folder, f"{name}.{kind}"), "wb") as file:
            file.write(content)
"""
)


@dataclass(frozen=True)
class Sent:
    """What a host gets for a module."""

    source: bytes
    bytecode: bytes


def _sent(folder: Path, name: str) -> Sent:
    kinds = ("source", "bytecode")
    return Sent(*((folder / f"{name}.{kind}").read_bytes() for kind in kinds))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is sent for some modules of a copy of Ansible, one of which is a probe."""
    folder = tmp_path_factory.mktemp("bytecode")
    copy_ansible(folder)
    (folder / "ansible/modules/ping.py").write_text(_PROBE)
    installed = [
        str(module.__file__) for module in (ansible_yaml, built_modules, pipelining)
    ]
    subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM, folder, *installed, "ping", "apt"],
        env={"PYTHONPATH": str(folder), "HOME": str(folder)}, check=True,
    )  # fmt: skip
    return folder


def _run(program: bytes, argument: str, *options: str) -> Any:
    done = subprocess.run(
        [sys.executable, *options, "-c", argument], input=program,
        capture_output=True, check=True,
    )  # fmt: skip
    assert b"" == done.stderr
    return done.stdout.decode()


def test_a_module_sees_the_same_files_as_with_its_source(folder: Path) -> None:
    """Only the lines of source are missing in its tracebacks."""
    sent = _sent(folder, "ping")

    from_source, from_bytecode = (
        json.loads(re.sub(r"/[^\"]*?_payload[^/]*/[^/]*zip", "ZIP", _run(*each)))
        for each in (
            (sent.source, pipelining.READ),
            (sent.bytecode, pipelining.READ_BYTECODE),
        )
    )

    assert from_bytecode["files"] == from_source["files"]
    assert "ZIP/ansible/module_utils/basic.py" in from_source["files"]
    assert from_bytecode["lines"] == from_source["lines"]
    assert {""} == {*from_bytecode["source"]} != {*from_source["source"]}


def test_no_file_is_compiled_on_the_host(folder: Path) -> None:
    program = _sent(folder, "ping").bytecode.replace(
        b"return _compile(path, content)", b'exit("compiled")#' + b" " * 13, 1
    )
    compiled = program.replace(b'content[:1] != b"\\xff"', b"True" + b" " * 19, 1)

    # What the wrapper adds, which other Pythons import, isn't imported here.
    assert "ZIP" not in _run(program, pipelining.READ_BYTECODE, "-S")
    with pytest.raises(subprocess.CalledProcessError):
        _run(compiled, pipelining.READ_BYTECODE, "-S")


def test_another_python_refuses_before_anything_runs(folder: Path) -> None:
    bytecode = _sent(folder, "ping").bytecode
    other = pipelining.READ_BYTECODE.replace("magic==b'", "magic==b'other")
    assert other != pipelining.READ_BYTECODE

    assert pipelining.REFUSAL == _run(bytecode, other)
    assert pipelining.REFUSAL == _run(bytecode, pipelining.READ_BYTECODE, "-O")


def test_a_module_that_may_start_another_python_is_sent_as_source(folder: Path) -> None:
    assert b"" == _sent(folder, "apt").bytecode


def _compiled(folder: Path, command: str, old: bytes = b"", new: bytes = b"") -> bytes:
    """Return what a host gets for a changed module if everything is stored."""
    source = _sent(folder, "ping").source
    assert old in source
    return pipelining.compile_module(
        command, source.replace(old, new), lambda *_: b"archive"
    )


@pytest.mark.parametrize(
    "command", ["/usr/bin/python3", "A=b python", f"python3.{sys.version_info.minor}"]
)
def test_bytecode_is_sent_to_a_python_that_may_be_the_same(
    folder: Path, command: str
) -> None:
    assert _compiled(folder, command).endswith(b")archive")


@pytest.mark.parametrize("command", ["python2.7", "python3.99", "python3 -I", "pypy3"])
def test_source_is_sent_to_a_python_of_another_version(
    folder: Path, command: str
) -> None:
    assert b"" == _compiled(folder, command)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"_ansible_tracebacks_for": []', b'"_ansible_tracebacks_for": ["error"]'),
        (b"='ansible.modules.ping'", b"='ansible_collections.a.b.plugins.modules.c'"),
        (b"base64.b64decode(zip_data)", b"base64.decodebytes(zip_data)"),
        (b"',\n)\n", b"',\nmore=1)\n"),
    ],
    ids=["tracebacks", "collection", "other wrapper", "other call"],
)
def test_source_is_sent_of_what_can_not_be_sent_as_bytecode(
    folder: Path, old: bytes, new: bytes
) -> None:
    assert b"" == _compiled(folder, "python3", old, new)


def test_the_program_is_one_line_that_every_shell_passes_on() -> None:
    """A csh takes no argument with several lines, and expands exclamation marks."""
    for program in (pipelining.READ, pipelining.READ_BYTECODE):
        assert not {*shlex.quote(program)} & {*"\n!"}
