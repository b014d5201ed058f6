"""What credentials add to a launch: runs with and without, one after the other."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import row
from testing.runner import Service, short_folder

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: hello
"""
OTHERS: dict[str, dict[str, str]] = {
    "become:x": {"password": "become"},
    "vault:a": {"password": "first"},
    "vault:b": {"password": "second"},
    "token:a-token": {"value": "token"},
}


#: Milliseconds that credentials may add until a play starts.
ALLOWED = 50
#: The measurements of a round: a start takes less than a second, and varies.
_TIMES = 5
_WITHOUT = "without"


def measure(rounds: int) -> list[Any]:
    """Measure each variant in turn, after a turn that doesn't count."""
    with short_folder() as temp, tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        services = {
            name: service(folder / str(number), temp, credentials)
            for number, (name, credentials) in enumerate(variants(folder).items())
        }
        times = [
            {name: run(one) for name, one in services.items()}
            for _ in range(_TIMES * rounds + 1)
        ][1:]
    return [_row(name, times) for name in services if name != _WITHOUT]


def _row(name: str, times: list[dict[str, tuple[float, float]]]) -> Any:
    """Return what a variant adds; each turn is compared with its own run without."""
    starts, ends = (
        median(each[name][which] - each[_WITHOUT][which] for each in times)
        for which in (0, 1)
    )
    return row(
        f"milliseconds until the play starts, {name}, beyond those without",
        starts,
        f"at most {ALLOWED}",
        holds=starts <= ALLOWED,
        until_the_end=round(ends),
        start_without=round(median(each[_WITHOUT][0] for each in times)),
    )


def variants(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Return the credentials of each variant; the same one twice shows the noise."""
    key = {"ssh:x": {"private_key": make_key(folder / "key", "")}}
    closed = make_key(folder / "closed", "pass phrase")
    with_passphrase = {"ssh:x": {"private_key": closed, "passphrase": "pass phrase"}}
    return {
        _WITHOUT: {},
        "without again": {},
        "passwords and a token": OTHERS,
        "a key, passwords, a token": key | OTHERS,
        "a key with a passphrase as well": with_passphrase | OTHERS,
    }


def make_key(path: Path, passphrase: str) -> str:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path.read_text()


def service(folder: Path, temp: Path, credentials: dict[str, Any]) -> Service:
    folder.mkdir()
    made = Service(folder, temp)
    (made.folder / "play.yml").write_text(PLAYBOOK)
    config = {"name": "demo", "playbook": "play.yml", "credentials": [*credentials]}
    made.write(made.folder / "config.json", config)
    made.launch()
    content = json.loads(made.config.read_text())
    made.write(made.config, {**content, "credentials": credentials})
    return made


def run(one: Service) -> tuple[float, float]:
    """Return the milliseconds until the play starts, and until the run has ended."""
    reader, writer = os.pipe()
    begin = time.perf_counter()
    process = one.start(writer)
    os.close(writer)
    started = 0.0
    with os.fdopen(reader, "rb") as journal:
        for line in journal:
            if b'"playbook_on_play_start"' in line:
                started = time.perf_counter() - begin
    assert process.wait() == 0, "the run succeeds"
    return started * 1000, (time.perf_counter() - begin) * 1000
