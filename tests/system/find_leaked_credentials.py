"""Deploy a service with a credential of each kind, and search for them while it runs.

Run as root on a host with the service `reach`, whose credentials are placed files, by
FastDeploy's own Python. `find_leaked_secrets.py` searches the places where something
may be left afterwards. The exit code is the number of places that were not as they must
be.
"""

import json
import re
import sys
from pathlib import Path

from app.domain.access import Permission
from tests.system.canary import Canary
from tests.system.leak_locations import Watcher, files_of_host, files_with, output_of
from tests.system.search_report import (
    Report,
    fastdeploy,
    missed,
    strays,
    wait_for,
)
from tests.system.web import Web

PLACED = Path("/etc/fastdeploy/credentials/deploy-reach")
#: What a command prints for the credential of vault.
VAULT = Path("/etc/fastdeploy/reach.vault")
GATE = Path("/run/reach-gate")
#: Where a credential may be, and the most that its mode may give.
ALWAYS = {
    rf"{PLACED}/.+\.json": (0o600, "a placed credential"),
    r"/etc/fastdeploy/reach\.vault": (0o600, "what a command prints"),
}
#: Printed beside the credentials.
SHOWN = Canary("what is no secret", "root of another host")


def main() -> int:
    """Deploy, and look; returns how many places were not as they must be."""
    report = Report()
    token = fastdeploy(
        "token", "create", "reach", *(f"--scope={p}" for p in Permission)
    )
    # So that there is one to be looked at.
    fastdeploy("user", "create", "grace", "--role=viewer", given="grace's own password")
    web = Web("127.0.0.1", 8000, token)
    secrets = placed_canaries()
    watcher = Watcher(secrets)
    watcher.start()
    GATE.unlink(missing_ok=True)
    number = web.launch("reach", gate=str(GATE))
    wait_for(lambda: web.ended(number) or SHOWN.core.encode() in web.output(number))
    holders = set(files_with(secrets, files_of_host()))
    report.nowhere("in any other file than the placed ones, while it runs",
                   strays(holders, ALWAYS))  # fmt: skip
    given = {VAULT, *PLACED.iterdir()} - {PLACED / "vault.prod.json"}
    report.control("in the placed files and in what a command prints",
                   given - holders)  # fmt: skip
    GATE.touch()
    wait_for(lambda: web.ended(number))
    watcher.finish()
    output = web.output(number)
    report.control("in the output", missed([SHOWN], output))
    if SHOWN.core.encode() not in output:
        print(output.decode(errors="replace"))  # noqa: T201 - this is a program
    # Root sees the environment of ansible-playbook, in which a token has to be.
    others = {seen for seen in watcher.seen if seen[:2] != ("token", "environ")}
    report.control("in the environment of ansible-playbook",
                   [] if others < watcher.seen else ["token"])  # fmt: skip
    report.nowhere(
        f"in {watcher.rounds} looks at the arguments and environment of each process",
        others,
    )
    processes = output_of("ps", "-eo", "user:20,args").decode()
    report.nowhere(
        "in the processes that are left",
        re.findall(r"^deploy-reach .*", processes, re.MULTILINE),
    )
    fastdeploy("token", "revoke", "reach")
    return report.wrong


def placed_canaries() -> list[Canary]:
    """Return what is secret in the placed files; a key by a line of its middle."""
    found = []
    for path in sorted(PLACED.iterdir()):
        kind = path.name.partition(".")[0]
        for name, value in json.loads(path.read_text()).items():
            match name:
                case "private_key":
                    found.append(Canary("key", value.splitlines()[2]))
                case "command":
                    found.append(Canary(kind, Path(value[-1]).read_text().strip()))
                case "passphrase" | "password" | "value":
                    found.append(Canary(kind if name != "passphrase" else name, value))
    return found


if __name__ == "__main__":
    sys.exit(main())
