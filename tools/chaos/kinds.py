"""The kinds of deployments: their output and their expected results, as data."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from testing.supervised import SupervisedInstallation

#: Writes the pieces in `play.json` with a pause after each, and exits with its code.
_PROGRAM = """\
#!/usr/bin/env python3
import json
import os
import sys
import time
from pathlib import Path

play = json.loads((Path(__file__).parent / "play.json").read_text())
for piece in play["pieces"]:
    rest = piece.encode("latin-1")
    while rest:
        rest = rest[os.write(1, rest) :]
    time.sleep(play["pause"])
if play["exit_code"] > 128:
    os.kill(os.getpid(), play["exit_code"] - 128)
sys.exit(play["exit_code"])
"""
#: Opens its output again for some of the lines.
_REOPENING = """\
#!/bin/sh
for number in $(seq 1 20); do
    echo "line $number"
    echo "error $number" >/dev/stderr
    echo "again $number" | tee /dev/stdout
    sleep 0.1
done
"""
#: Characters that JSON, quotes and URLs escape, and a number.
_SECRETS = {"token": 's3cr3t-"quoted"\\back+', "amount": "90125.50"}
_MASK = "********"
_TASKS = 6
_PLAYBOOK = """\
- name: Chaos
  hosts: all
  gather_facts: false
  tasks:
""" + "".join(
    f"""\
    - name: work | Say {number}
      ansible.builtin.command:
        cmd: sleep 0.2
      changed_when: false
"""
    for number in range(_TASKS)
)


@dataclass(frozen=True)
class Kind:
    """A service, the output of its runs, and their expected results."""

    name: str
    files: Mapping[str, str]
    config: Mapping[str, Any]
    #: Returns whether a journal is complete.
    is_whole: Callable[[bytes], bool]
    exit_code: int = 0
    status: str = "successful"
    steps: Mapping[str, str] = field(default_factory=dict)
    #: The launch variables.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: The expected recorded output; None if it is the unchanged journal.
    recorded: bytes | None = None

    @property
    def script(self) -> bool:
        """Whether it is a script service."""
        return "playbook" not in self.config

    def add_to(self, here: SupervisedInstallation) -> None:
        """Add the service to a running FastDeploy."""
        here.write_files(self.name, dict(self.files), **self.config)


def kinds() -> list[Kind]:
    """Return all kinds."""
    return [
        _script("numbered", [b"line %d\n" % n for n in range(40)], pause=0.1),
        _script("bursts", [_burst(n) for n in range(8)], pause=0.4),
        _script("long-lines", [_long(n) for n in range(6)], pause=0.5),
        _script("any-bytes", [_any_bytes(n) for n in range(20)], pause=0.1),
        _script("quiet", [b""] * 4, pause=0.5),
        _script("half-a-line", [b"no newline at ", b"the end"], pause=0.5),
        _script("exit-3", [b"about to fail\n"] * 5, pause=0.3, exit_code=3),
        _script("killed", [b"about to die\n"] * 5, pause=0.3, exit_code=137),
        _steps("steps", "success"),
        _steps("failing-steps", "failure"),
        _script("deep", _deep(), pause=0.3, steps={"deep": "success"}),
        _reopening(),
        _secret(),
        _playbook(),
    ]


def _script(
    name: str, pieces: list[bytes], *, pause: float, exit_code: int = 0, **more: Any
) -> Kind:
    play = {
        "pieces": [piece.decode("latin-1") for piece in pieces],
        "pause": pause,
        "exit_code": exit_code,
    }
    printed = b"".join(pieces)
    return Kind(
        name,
        {"deploy.py": _PROGRAM, "play.json": json.dumps(play)},
        {"deploy_script": "deploy.py"},
        printed.__eq__,
        exit_code,
        **{"status": "failed" if exit_code else "successful"} | more,
    )


def _steps(name: str, last: str) -> Kind:
    """Return a kind with two steps; a failed step counts despite exit code 0."""
    states = {"one": "success", "two": last}
    pieces = []
    for step, end in states.items():
        for state in ("running", end):
            about = {"name": step, "state": state, "message": f"{step} {state}"}
            pieces += [json.dumps(about).encode() + b"\n", b"between\n"]
    return _script(
        name,
        pieces,
        pause=0.2,
        status="successful" if last == "success" else "failed",
        steps=states,
    )


def _deep() -> list[bytes]:
    """Return lines of JSON nested deeper than parsers support, and a status."""
    step = b'{"name": "deep", "state": "success", "message": %b}\n'
    pieces = [step % (b"[" * depth + b"]" * depth) for depth in (100, 300, 600)]
    other = b'{"a": ' * 3000 + b"1" + b"}" * 3000 + b"\n"
    status = b'{"status": "running", "runner_ident": "1", "more": true}\n'
    return [*pieces, other, status]


def _reopening() -> Kind:
    printed = b"".join(
        b"line %d\nerror %d\n" % (number, number) + b"again %d\n" % number * 2
        for number in range(1, 21)
    )
    return Kind(
        "reopening",
        {"deploy.sh": _REOPENING},
        {"deploy_script": "deploy.sh"},
        printed.__eq__,
    )


def _secret() -> Kind:
    """Return a kind with secrets in text, in JSON and its fields, and as a number."""
    token, amount = _SECRETS.values()
    shown: list[tuple[Any, Any]] = [
        ({"status": token, "start": [token]}, {"status": _MASK, "start": [_MASK]}),
        ({"name": "go", "state": "success", "message": token},
         {"name": "go", "state": "success", "message": _MASK}),
    ]  # fmt: skip
    pieces = [f"plain {token}{token} {amount}\n", '{"pid": 90125.5}\n']
    recorded = [f"plain {_MASK}{_MASK} {_MASK}\n", f'{{"pid": {_MASK}}}\n']
    for printed, masked in shown:
        pieces.append(json.dumps(printed) + "\n")
        recorded.append(json.dumps(masked) + "\n")
    length = sum(map(len, pieces))
    kind = _script(
        "secret",
        [piece.encode() for piece in pieces],
        pause=0.4,
        steps={"go": "success"},
        variables=_SECRETS,
        recorded="".join(recorded).encode(),
    )
    secret = {"type": "string", "writeOnly": True}
    schema = {"type": "object", "properties": dict.fromkeys(_SECRETS, secret)}
    return replace(
        kind,
        config={**kind.config, "variables": schema},
        # FastDeploy overwrites the secrets in the journal when the run has ended.
        is_whole=lambda journal: len(journal) == length and b"s3cr3t" not in journal,
    )


def _playbook() -> Kind:
    return Kind(
        "playbook",
        {"deploy.yml": _PLAYBOOK},
        {"playbook": "deploy.yml", "steps": [{"name": "work"}]},
        lambda journal: journal.count(b'"event": "runner_on_ok"') == _TASKS,
        steps={"work": "success"},
    )


def _burst(number: int) -> bytes:
    return b"".join(b"burst %d line %d\n" % (number, line) for line in range(1000))


def _long(number: int) -> bytes:
    """Return a line of 100 kB, one that is recorded in pieces, and a line of JSON."""
    return (
        b"%d " % number + b"x" * 100_000 + b"\n"
        + (b"%d " % number + "é".encode() * 1_200_000 + b"\n") * (number % 3 == 0)
        + b'{"name": "%d", "state": "unknown"}\n' % number
    )  # fmt: skip


def _any_bytes(number: int) -> bytes:
    return b"%d \xff\xfe \x00 \x1b[31mred \r\v\x85 \xe2\x80\xa8 {}\n42\nnull\n" % number
