# ruff: noqa: INP001 - a program by itself
"""Update FastDeploy, cut off by SIGKILL again and again, each time a bit later.

    interrupt.py URL REF PROJECT MOMENTS...    prints JSON: what served after each

A moment is a text in what ansible-playbook prints; it and all that it has started are
killed as soon as that is there. Run as root on the host.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

LOG = Path("/run/update.log")
#: Seconds that an update may take, and that FastDeploy may take to answer after a cut.
LONG, SOON = 300, 30
LOOK_AGAIN = 0.01
#: What comes before the first cut takes long and changes nothing here.
SHORT = "--skip-tags=packages,accounts,database"


def begin(project: str, ref: str, number: int, *options: str) -> str:
    """Start an update in a cgroup of its own; return its unit."""
    unit = f"update-{number}.service"
    LOG.unlink(missing_ok=True)
    subprocess.run(
        ["systemd-run", "--quiet", "--collect", f"--unit={unit}",
         f"--working-directory={project}", f"--property=StandardOutput=file:{LOG}",
         "--property=StandardError=inherit", "--property=TimeoutStopSec=1",
         "--setenv=LC_ALL=C.UTF-8", "--setenv=HOME=/root",
         "/opt/fastdeploy/runner/bin/ansible-playbook", "-i", "playbooks/hosts.ini",
         "playbooks/deploy-fastdeploy.yml", "-e", f"ref={ref}", *options],
        check=True,
    )  # fmt: skip
    return unit


def cut(unit: str, moment: str) -> None:
    """Kill the update when it comes to `moment`."""
    deadline = time.monotonic() + LONG
    while moment not in (LOG.read_text() if LOG.exists() else ""):
        if not goes_on(unit) or time.monotonic() > deadline:
            sys.exit(f"the update never came to {moment!r}:\n{LOG.read_text()}")
        time.sleep(LOOK_AGAIN)
    # Again and again: one that is being started at this moment is missed by the first.
    while goes_on(unit):
        subprocess.run(
            ["systemctl", "kill", "--kill-whom=all", "--signal=KILL", unit],
            check=False, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(LOOK_AGAIN)


def goes_on(unit: str) -> bool:
    """Whether there is anything left of an update."""
    return state(unit)["ActiveState"] in {"active", "deactivating"}


def state(unit: str) -> dict[str, str]:
    """What systemd says of a unit."""
    shown = subprocess.run(
        ["systemctl", "show", "--property=ActiveState,MainPID", unit],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return dict(line.split("=") for line in shown.splitlines())


def serving(url: str) -> dict[str, str]:
    """The version that answers as ready, and the release that the worker runs."""
    deadline = time.monotonic() + SOON
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=SOON) as answer:  # noqa: S310
                web = json.load(answer)["version"]
        except (OSError, urllib.error.URLError) as error:
            web = f"nothing: {error}"
        worker = version_of("fastdeploy-worker.service")
        if not web.startswith("nothing") and worker:
            return {"web": web, "worker": worker}
        if time.monotonic() > deadline:
            return {"web": web, "worker": worker or "nothing"}
        time.sleep(LOOK_AGAIN)


def version_of(unit: str) -> str:
    """The version in the folder that a unit's process was started in; empty if none."""
    found = state(unit)
    if found["ActiveState"] != "active":
        return ""
    text = Path(f"/proc/{found['MainPID']}/cwd/app/__init__.py").read_text()
    return text.rpartition('__version__ = "')[2].partition('"')[0]


def main(url: str, ref: str, project: str, *moments: str) -> None:
    """Cut at each moment, then let an update come to its end."""
    found: list[dict[str, object]] = []
    for number, moment in enumerate(moments):
        cut(begin(project, ref, number, SHORT), moment)
        found.append({"cut at": moment, **serving(url)})
    for end in ("nowhere", "nowhere, once more"):
        begun = time.monotonic()
        unit = begin(project, ref, len(found))
        while goes_on(unit):
            time.sleep(LOOK_AGAIN)
        recap = LOG.read_text().rpartition("PLAY RECAP")[2]
        found.append({"cut at": end, **serving(url), "recap": " ".join(recap.split()),
                      "seconds": round(time.monotonic() - begun)})  # fmt: skip
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
