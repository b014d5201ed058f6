"""Many hosts on this machine: an sshd for each, behind a proxy with a round trip.

    python -m testing.ssh_fleet HOSTS ROUND_TRIP FOLDER

runs a fleet until its standard input is closed. FOLDER then has `hosts.json`, an
inventory. One logs in as this user, with a home of its own on each host.
"""

import getpass
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.delay_proxy import delaying
from testing.ports import free_port
from testing.ssh_server import listens, new_key, serving
from testing.waiting import eventually

#: The hosts' Python: pyenv's shims are first in the PATH of some machines.
_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Fleet:
    """Hosts on addresses of the network 127.0.0.0/8."""

    folder: Path
    port: int
    #: The sshd of each host, by its name in the inventory.
    servers: dict[str, int]

    @property
    def inventory(self) -> dict[str, Any]:
        """The inventory, in which every setting of ssh is a variable of all hosts.

        So it is the same for each program that reads it, without an ansible.cfg.
        """
        hosts = {
            name: {"ansible_host": _address(1, number)}
            for number, name in enumerate(self.servers)
        }
        common = {
            "ansible_port": self.port, "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self.folder / "user_key"),
            "ansible_python_interpreter":
                _PYTHON if Path(_PYTHON).exists() else sys.executable,
            "ansible_ssh_common_args": (
                f"-o UserKnownHostsFile={self.folder / 'known_hosts'} "
                "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -F none"
            ),
        }  # fmt: skip
        return {"all": {"hosts": hosts, "vars": common}}


@contextmanager
def running(folder: Path, hosts: int, round_trip: float = 0) -> Iterator[Fleet]:
    """Run a fleet with files in `folder`.

    Args:
        folder: An existing folder of this user.
        hosts: The number of hosts, at most 60,000.
        round_trip: The milliseconds of a round trip; at 0, without a proxy.
    """
    key, user_key = new_key(folder / "host_key"), new_key(folder / "user_key")
    public = " ".join(Path(f"{key}.pub").read_text().split()[:2])
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.*]:{port} {public}\n")
    settings = {"AuthorizedKeysFile": f"{user_key}.pub", "PasswordAuthentication": "no"}
    network = 129 if round_trip else 1
    with ExitStack() as started:
        servers = {}
        for number in range(hosts):
            place = folder / f"host{number:03}"
            place.mkdir()
            address = _address(network, number)
            # So no host reads this user's own start-up files, which may take long.
            home = {"SetEnv": f"HOME={place}"}
            serve = serving(place, port, key, settings | home, address)
            servers[place.name] = started.enter_context(serve)
        if round_trip:
            routes = {
                (_address(1, number), port): (_address(network, number), port)
                for number in range(hosts)
            }
            started.enter_context(delaying(round_trip, routes))
        eventually(lambda: listens(_address(1, hosts - 1), port))
        fleet = Fleet(folder, port, servers)
        (folder / "hosts.json").write_text(json.dumps(fleet.inventory))
        yield fleet


def _address(network: int, number: int) -> str:
    """Return the address of a host; those of different networks differ."""
    return f"127.{network}.{number // 250}.{number % 250 + 1}"


def main() -> None:
    """Run the fleet that the arguments describe."""
    hosts, round_trip, folder = sys.argv[1:]
    place = Path(folder).absolute()
    place.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with running(place, int(hosts), float(round_trip)):
        took = time.monotonic() - begun
        sys.stdout.write(f"{place / 'hosts.json'}: ready after {took:.1f} s\n")
        sys.stdout.flush()
        os.read(0, 1)


if __name__ == "__main__":
    main()
