"""What credentials add to a launch: runs with and without, one after the other.

    python -m bench.credentials [ROUNDS]

Prints the median milliseconds until a play starts, and until the run has ended.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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


def main() -> None:
    """Measure each variant in turn, after a round that doesn't count."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with short_folder() as temp, tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        services = {
            name: service(folder / str(number), temp, credentials)
            for number, (name, credentials) in enumerate(variants(folder).items())
        }
        times = [
            {name: run(one) for name, one in services.items()}
            for _ in range(rounds + 1)
        ]
    for name in services:
        starts, ends = zip(*(each[name] for each in times[1:]), strict=True)
        print(f"{name:32} play starts {statistics.median(starts):6.0f} ms, "
              f"run ends {statistics.median(ends):6.0f} ms")  # fmt: skip


def variants(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Return the credentials of each variant; the same one twice shows the noise."""
    key = {"ssh:x": {"private_key": make_key(folder / "key", "")}}
    closed = make_key(folder / "closed", "pass phrase")
    with_passphrase = {"ssh:x": {"private_key": closed, "passphrase": "pass phrase"}}
    return {
        "without": {},
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


if __name__ == "__main__":
    main()
