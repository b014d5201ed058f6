"""Deploy a script and a playbook with secrets, then search the whole host for them.

Run as root on a host with the services `probe`, a script, and `leaky`, a playbook, by
FastDeploy's own Python. Beside each secret goes a value that is none: it has to be seen
in every place where the secrets must not be, so that an empty search means something.
The secrets of `find_leaked_credentials.py`, which runs before this, are searched, too:
the responses of the web process are read once. The exit code is the number of places
that were not as they must be.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from app.domain.access import Permission
from app.web.app import ROUTES
from tests.system import canary, crawl, find_leaked_credentials
from tests.system.canary import Canary
from tests.system.leak_locations import (
    Watcher,
    files_of_host,
    files_with,
    output_of,
    planted_process,
)
from tests.system.search_report import (
    Report,
    fastdeploy,
    missed,
    strays,
    wait_for,
)
from tests.system.web import Answer, Web

SERVICES = ("probe", "leaky")
KEY = Path("/etc/fastdeploy/age/deploy.key")
GATE = Path("/run/hunt-gate")
#: Where a secret may be: the most that its mode may give, and why it is there.
ALWAYS = {
    r"/opt/tests/tests/system/canary\.py": (0o644, "what is looked for, told to this"),
    r"/etc/fastdeploy/age/deploy(-probe|-reach)?\.key": (
        0o600,
        "a deploy user's age key",
    ),
    **find_leaked_credentials.ALWAYS,
}
#: While runs go on; these files are gone when they have ended.
WHILE_IT_RUNS = {
    r"/var/tmp/fastdeploy-\d{18}\.json": (0o640, "the config file of a run"),
    r"/var/lib/fastdeploy/runs/\d+/journal": (0o600, "what a script printed"),
    r"/tmp/fastdeploy-run-\w+/env/extravars": (0o600, "what ansible-playbook reads"),
}


def main() -> int:
    """Deploy, and look; returns how many places were not as they must be."""
    report = Report()
    token = fastdeploy("token", "create", "hunt", *(f"--scope={p}" for p in Permission))
    # So that there is one to be looked at.
    fastdeploy("user", "create", "ada", "--role=viewer", given="ada's own password")
    web = Web("127.0.0.1", 8000, token)
    shown, secret = canary.make("what is no secret"), canary.make("the launch variable")
    secrets = [
        secret,
        *canary.IN_SOPS,
        Canary("what no_log hides", sha256(shown.value.encode()).hexdigest()),
        Canary("the API token", token),
        Canary("the age key", KEY.read_text().split()[-1]),
        *find_leaked_credentials.placed_canaries(),
    ]
    watcher = Watcher([shown, *secrets])
    watcher.start()
    numbers = deploy(report, web, watcher, shown, secret, secrets)
    refused = crawl.provoke(web, SERVICES[0], secret.value)
    watcher.finish()
    report.nowhere(
        f"in {watcher.rounds} looks at the arguments and environment of each process",
        (seen for seen in watcher.seen if seen[0] != shown.name),
    )
    given = {file for name, file, _ in watcher.seen if name == shown.name}
    report.control("in a process's arguments and environment",
                   {"cmdline", "environ"} - given)  # fmt: skip
    look_at_answers(report, [*refused, *crawl.everything(web, ROUTES)], numbers,
                    shown, secrets)  # fmt: skip
    dump = output_of("runuser", "-u", "postgres", "--", "pg_dumpall")
    report.nowhere("in the dump of the database", canary.found(secrets, dump))
    report.control("in the dump of the database", missed([shown], dump))
    look_at_journal(report, shown, secrets)
    look_at_files(report, shown, secrets)
    fastdeploy("token", "revoke", "hunt")
    return report.wrong


def deploy(
    report: Report,
    web: Web,
    watcher: Watcher,
    shown: Canary,
    secret: Canary,
    secrets: Sequence[Canary],
) -> list[int]:
    """Deploy both kinds, look at every file while they run; returns their numbers."""
    GATE.unlink(missing_ok=True)
    numbers = [
        web.launch(name, shown=shown.value, secret=secret.value, gate=str(GATE))
        for name in SERVICES
    ]
    for number in numbers:
        wait_for(lambda number=number: b"started" in web.output(number))  # type: ignore[misc] # a default binds it
    holders = files_with(secrets, files_of_host())
    report.nowhere("in any other file than these, while both run",
                   strays(holders, ALWAYS | WHILE_IT_RUNS))  # fmt: skip
    for pattern, (mode, why) in (ALWAYS | WHILE_IT_RUNS).items():
        there = any(re.fullmatch(pattern, str(holder)) for holder in holders)
        report.control(f"in {pattern}: {why}, {mode:o}", [] if there else ["not there"])
    with planted_process(shown):
        wait_for(lambda: 2 == len({file for _, file, _ in watcher.seen}))
    GATE.touch()
    for number in numbers:
        wait_for(lambda number=number: web.ended(number))  # type: ignore[misc] # a default binds it
    GATE.unlink()
    return numbers


def look_at_answers(
    report: Report,
    found: Sequence[Answer],
    numbers: Sequence[int],
    shown: Canary,
    secrets: Sequence[Canary],
) -> None:
    """Search every answer of the web process."""
    report.nowhere(
        f"in {len(found)} HTTP responses",
        (
            f"{name} at {a.path}"
            for a in found
            for name in canary.found(secrets, a.content)
        ),
    )
    told = {answer.path for answer in found if shown.is_in(answer.content)}
    expected = {path.format(id=n) for path in canary.SHOWN_BY for n in numbers}
    report.control("in each HTTP response that shows a deployment",
                   expected - told)  # fmt: skip


def look_at_journal(report: Report, shown: Canary, secrets: Sequence[Canary]) -> None:
    """Search all that journald keeps."""
    subprocess.run(["systemd-cat"], input=shown.value.encode(), check=True)

    def kept() -> bytes:
        return output_of("journalctl", "--no-pager", "--output=export", "--all")

    wait_for(lambda: shown.is_in(kept()))
    report.nowhere("in journald", canary.found(secrets, kept()))
    report.control("in journald", missed([shown], kept()))


def look_at_files(report: Report, shown: Canary, secrets: Sequence[Canary]) -> None:
    """Search each file, and some that were planted for it, in each way to write."""
    ways = canary.ways(shown.value)
    planted = {
        Path(folder, f"planted {how}"): written
        for folder in ("/root", "/var/tmp", "/dev/shm")
        for how, written in ways.items()
    }
    try:
        for path, written in planted.items():
            path.write_text(f"x{written}x")
        holders = set(files_with([shown], files_of_host()))
    finally:
        for path in planted:
            path.unlink(missing_ok=True)
    report.control(f"planted in files, written in {len(ways)} ways",
                   planted.keys() - holders)  # fmt: skip
    report.nowhere("in any other file than the age keys'",
                   strays(files_with(secrets, files_of_host()), ALWAYS))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
