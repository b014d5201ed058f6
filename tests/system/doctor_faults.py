"""Make a host ill, one thing at a time: the doctor names it, and its command mends it.

Run as root on a host on which the service `hello` is registered. Nothing but the
standard library is needed. The exit code is the number of illnesses that were not named
or not mended.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

CONFIG = "/home/fastdeploy/site/services/hello/config.json"
RULES = "/etc/sudoers.d/fastdeploy_hello"
UNITS = "/etc/systemd/system/fastdeploy-worker.service.d"
_PATIENCE = 60


@dataclass(frozen=True)
class Illness:
    """What goes wrong, and what the doctor calls it."""

    about: str
    cause: str
    #: What stands here for a command that is typed on another machine.
    instead: str = ""


ILLNESSES = (
    Illness("hello: config.json", f"chown root:root {CONFIG}"),
    Illness("hello: stored version", f"sed -i '/timeout/s/[0-9]\\+/299/' {CONFIG}"),
    Illness("hello: program", "chmod 0777 /home/deploy/runners"),
    Illness("hello: sudoers", f"mv {RULES} /root/rules", f"mv /root/rules {RULES}"),
    Illness("hello: node", "systemctl stop fastdeploy-worker"),
    Illness("NoNewPrivileges", f"mkdir -p {UNITS} && "
            f"printf '[Service]\\nNoNewPrivileges=true\\n' >{UNITS}/override.conf && "
            "systemctl daemon-reload && systemctl restart fastdeploy-worker"),
    Illness("run group", "gpasswd --delete deploy fastdeploy-run"),
    Illness("stop helper", "chmod 0644 /opt/fastdeploy/bin/stop-run"),
    Illness("settings file", "chmod 0644 /etc/fastdeploy/fastdeploy.env"),
    Illness("var folder", "chmod 0755 /var/lib/fastdeploy"),
    Illness("age key", "chmod 0640 /etc/fastdeploy/age/deploy.key"),
)  # fmt: skip


def main() -> int:
    """Try each; returns how many were not named or not mended."""
    wrong = 0
    if left := problems():
        say(f"ILL      before anything was done: {left}")
        wrong += 1
    for illness in ILLNESSES:
        run(illness.cause)
        fix = named_at_last(illness.about)
        if fix is None:
            say(f"UNSEEN   {illness.about}, after {illness.cause}: {problems()}")
            wrong += 1
            continue
        run(illness.instead or fix)
        left = healthy_at_last()
        say(f"{'ILL     ' if left else 'mended  '} {illness.about}: {fix} {left or ''}")
        wrong += bool(left)
    say(f"{len(ILLNESSES)} illnesses; {wrong} were not named or not mended")
    return wrong


def named_at_last(about: str) -> str | None:
    """What mends it, once a worker had the time to begin anew."""
    deadline = time.monotonic() + _PATIENCE
    while (fix := problems().get(about)) is None and time.monotonic() < deadline:
        time.sleep(1)
    return fix


def healthy_at_last() -> dict[str, str]:
    """What is wrong once a worker had the time to begin anew."""
    deadline = time.monotonic() + _PATIENCE
    while (left := problems()) and time.monotonic() < deadline:
        time.sleep(1)
    return left


def problems() -> dict[str, str]:
    """What the doctor finds for who types its command, each with what mends it."""
    done = subprocess.run(
        ["/usr/local/sbin/fastdeploy", "service", "doctor", "hello"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    found = dict(_findings(done.stdout))
    assert bool(found) == (done.returncode == 1), done
    return found


def _findings(said: str) -> Iterator[tuple[str, str]]:
    for text, fix in re.findall(r"^problem +(.*)\n +fix: (.*)$", said, re.MULTILINE):
        known = (each.about for each in ILLNESSES if text.startswith(f"{each.about}: "))
        yield next(known, text), fix


def run(command: str) -> None:
    """Type a command as root."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    subprocess.run(["sh", "-ec", command], check=True, env={"PATH": path},
                   stdout=subprocess.DEVNULL)  # fmt: skip


def say(line: str) -> None:
    """Print a line at once: who reads it waits for it."""
    print(line, flush=True)  # noqa: T201 - this is a program


if __name__ == "__main__":
    sys.exit(main())
