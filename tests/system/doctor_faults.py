"""Cause faults: the doctor must name each one, and its command must fix it.

Run as root on a host on which the service `hello` is registered. Only the standard
library is needed. The exit code is the number of faults that were not named or not
fixed.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

CONFIG = "/home/fastdeploy/site/services/hello/config.json"
RULES = "/etc/sudoers.d/fastdeploy_hello"
UNITS = "/etc/systemd/system/fastdeploy-worker.service.d"
#: Seconds that a worker may take to start and to report what it sees.
_PATIENCE = 60

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """A fault, and the subject of the doctor's finding."""

    about: str
    cause: str
    #: Replaces a command of the doctor that is run on another machine.
    instead: str = ""


#: The faults of a round don't depend on each other.
ROUNDS = (
    (
        Fault("hello: config.json", f"chown root:root {CONFIG}"),
        Fault("run group", "gpasswd --delete deploy fastdeploy-run"),
        Fault("stop helper", "chmod 0644 /opt/fastdeploy/bin/stop-run"),
        Fault("settings file", "chmod 0644 /etc/fastdeploy/fastdeploy.env"),
        Fault("var folder", "chmod 0755 /var/lib/fastdeploy"),
        Fault("age key", "chmod 0640 /etc/fastdeploy/age/deploy.key"),
    ),
    (
        Fault("hello: stored version", f"sed -i '/timeout/s/[0-9]\\+/299/' {CONFIG}"),
        Fault("hello: program", "chmod 0777 /home/deploy/runners"),
    ),
    (Fault("hello: sudoers", f"mv {RULES} /root/rules", f"mv /root/rules {RULES}"),),
    (Fault("hello: node", "systemctl stop fastdeploy-worker"),),
    (Fault("NoNewPrivileges", f"mkdir -p {UNITS} && "
            f"printf '[Service]\\nNoNewPrivileges=true\\n' >{UNITS}/override.conf && "
            "systemctl daemon-reload && systemctl restart fastdeploy-worker"),),
)  # fmt: skip
FAULTS = tuple(fault for each in ROUNDS for fault in each)


def main() -> int:
    """Try each fault; return how many were not named or not fixed."""
    wrong = 0
    if left := problems():
        say(f"PROBLEM  before the first fault: {left}")
        wrong += 1
    for faults in ROUNDS:
        wrong += try_faults(faults)
    say(f"{len(FAULTS)} faults; {wrong} were not named or not fixed")
    return wrong


def try_faults(faults: tuple[Fault, ...]) -> int:
    """Cause faults and run the fixes; return how many were not named or not fixed."""
    for fault in faults:
        run(fault.cause)
    names = {fault.about for fault in faults}
    fixes = wait_for(problems, lambda found: names <= found.keys())
    for fault in faults:
        if fault.about in fixes:
            # A sync exits with 1 because of an invalid service of another project.
            run(fault.instead or fixes[fault.about], check=False)
            say(f"named    {fault.about}: {fixes[fault.about]}")
        else:
            say(f"UNSEEN   {fault.about}, after {fault.cause}: {fixes}")
    left = wait_for(problems, lambda found: not found)
    for about, fix in left.items():
        say(f"PROBLEM  {about}: {fix}")
    return len(names - fixes.keys() | left.keys())


def wait_for(look: Callable[[], T], check: Callable[[T], bool]) -> T:
    """Call `look` until its result passes the check or the time is over; return it."""
    deadline = time.monotonic() + _PATIENCE
    while not check(found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def problems() -> dict[str, str]:
    """Return the fix of each problem that the doctor finds, by its subject."""
    done = subprocess.run(
        ["/usr/local/sbin/fastdeploy", "service", "doctor", "hello"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    found = dict(_findings(done.stdout))
    assert bool(found) == (done.returncode == 1), done
    return found


def _findings(output: str) -> Iterator[tuple[str, str]]:
    for text, fix in re.findall(r"^problem +(.*)\n +fix: (.*)$", output, re.MULTILINE):
        known = (each.about for each in FAULTS if text.startswith(f"{each.about}: "))
        yield next(known, text), fix


def run(command: str, *, check: bool = True) -> None:
    """Run a command as root."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    subprocess.run(["sh", "-ec", command], check=check, env={"PATH": path},
                   stdout=subprocess.DEVNULL)  # fmt: skip


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - this is a program


if __name__ == "__main__":
    sys.exit(main())
