"""What Ansible decrypts is split into secrets, and received from every process."""

import os
import sys
from pathlib import Path

import pytest

from app.runner.ansible_playbook import Recorder
from app.runner.masking import Masker
from app.runner.plaintext_values import secret_values
from app.runner.plaintexts import LARGEST, Plaintexts, has_vault, recording


@pytest.mark.parametrize(
    ("content", "masked", "kept"),
    [
        pytest.param(
            b"a: first-value\nb: [54321, {c: 'second one'}]\nd: true\ne: null\n",
            ["first-value", "54321", "second one"], ["a: x", "true", "null"],
            id="variables",
        ),
        pytest.param(b"- name: Secret play\n  hosts: all\n",
                     ["Secret play"], ["name", "hosts: all"], id="playbook"),
        pytest.param(b'{"type": "key", "id": "k-123"}',
                     ["k-123", '{"type": "key", "id": "k-123"}'], ["type"], id="json"),
        pytest.param(b"user:password", ["user:password"], ["password"], id="text"),
        pytest.param(b"DB_PASSWORD='hunter 2'\nexport PORT=8080\n",
                     ["hunter 2", "8080"], ["DB_PASSWORD", "PORT"], id="environment"),
        pytest.param(b"web1 ansible_host=10.0.0.5 ansible_password=hunter2\n",
                     ["10.0.0.5", "hunter2"], ["web1", "ansible_host"], id="inventory"),
        pytest.param(b"line one\n  line two\n",
                     ["line one", "line two"], ["line"], id="lines"),
        pytest.param(b"\xff\x00readable-part\x01\xfe",
                     ["readable-part", "/wByZWFkYWJsZS1wYXJ0Af4"], [], id="binary"),
        pytest.param(b"a: &x [hunter2]\nb: *x\n", ["hunter2"], [], id="alias"),
        pytest.param(b"a: {" * 100_000, ["a: {" * 100_000], ["a: {"], id="deep"),
    ],
)  # fmt: skip
def test_the_texts_and_numbers_in_what_was_decrypted_are_masked(
    content: bytes, masked: list[str], kept: list[str]
) -> None:
    masker = Masker(secret_values(content))

    assert [b"********"] * len(masked) == [masker.text(m.encode()) for m in masked]
    assert kept == [masker.text(k.encode()).decode() for k in kept]


def test_every_process_appends_each_text_once() -> None:
    plaintexts, masker = Plaintexts(), Masker([])
    recorder = Recorder(plaintexts.descriptor)
    recorder.record(b"of the parent")
    child = os.fork()
    if not child:
        recorder.record("of the child")
        recorder.record("of the parent")
        os._exit(0)
    os.waitpid(child, 0)
    size = os.fstat(plaintexts.descriptor).st_size

    recorder.record(b"of the child")
    recorder.record(b"x" * (LARGEST + 1))
    plaintexts.add_to(masker)

    assert size + LARGEST + 1 + 24 == os.fstat(plaintexts.descriptor).st_size
    assert b"******** ******** x" == masker.text(b"of the parent of the child x")
    assert 1 == plaintexts.too_large
    recorder.record(b"later")
    plaintexts.add_to(masker)
    assert b"********" == masker.text(b"later")


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 8, b"\xff" * 24, b"\0" * 7 + b"\5abc"]
)
def test_a_damaged_record_stops_nothing(content: bytes) -> None:
    plaintexts, masker = Plaintexts(), Masker([])
    os.write(plaintexts.descriptor, content)

    plaintexts.add_to(masker)

    assert 0 == masker.longest


@pytest.mark.parametrize(
    ("first_lines", "found"),
    [
        (f"#!{sys.executable}\n", True),
        (f"#!{sys.executable} -sP\n", True),
        (f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n", True),
        (f"#!/bin/sh\n'''exec' {sys.executable} \"$0\" \"$@\"\n' '''\n", True),
        (f"#!/usr/bin/env {Path(sys.executable).name}\n", True),
        ("#!/bin/sh\nexec python\n", False),
        ("#!/nowhere/python\n", False),
        ("\x7fELF", False),
    ],
)
def test_the_python_of_a_script_is_found_in_its_first_lines(
    tmp_path: Path, first_lines: str, *, found: bool
) -> None:
    program = tmp_path / "ansible-playbook"
    program.write_text(first_lines)

    command = recording(program, {"PATH": str(Path(sys.executable).parent)})

    assert found == bool(command)
    if found:
        assert [sys.executable, str(program)] == [command[0], command[-1]]


@pytest.mark.parametrize(
    ("defaults", "env", "expected"),
    [
        ({}, {}, False),
        ({"vault_password_file": "x"}, {}, True),
        ({"vault_identity_list": "a@x"}, {}, True),
        ({}, {"ANSIBLE_VAULT_PASSWORD_FILE": "x"}, True),
    ],
)
def test_a_run_can_decrypt_if_ansible_has_a_vault_password(
    defaults: dict[str, str], env: dict[str, str], *, expected: bool
) -> None:
    assert expected == has_vault(defaults, env)
