# ruff: noqa: INP001 - a standalone program
"""Update FastDeploy repeatedly, and kill each update a bit later.

    interrupt.py URL REF PROJECT MOMENTS...

Prints a JSON list: the versions after each moment.

A moment is a text in the output of ansible-playbook. When it appears, ansible-playbook
and all its processes are killed. These updates use mitogen, since each of them repeats
the tasks of the others; those that complete don't. Run as root on the host.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

#: Runs the ansible-playbook of the recipes.
_PROGRAM = """\
import sys
sys.path.insert(0, "/opt/fastdeploy/lib")
from app.runner.typed_playbook import main
main()
"""
PLAYBOOK_PROGRAM = ("/opt/fastdeploy/runner/bin/python", "-P", "-c", _PROGRAM)
LOG = Path("/run/update.log")
#: The timeouts in seconds for an update, and for a response after an interruption.
LONG, SOON = 300, 30
LOOK_AGAIN = 0.01
#: How often to look for a moment before asking whether the update runs.
LOOKS = 50
#: Skip the stages before the first moment, which are slow and change nothing here.
SHORT = ("--skip-tags=packages,accounts,database",)
MITOGEN = "/srv/mitogen"
#: The environment of updates that use it.
FASTER = {
    "PYTHONPATH": MITOGEN,
    "ANSIBLE_STRATEGY_PLUGINS": f"{MITOGEN}/ansible_mitogen/plugins/strategy",
    "ANSIBLE_STRATEGY": "mitogen_linear",
}


def begin(
    project: str,
    ref: str,
    number: int,
    options: Sequence[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Start an update in its own cgroup; return its unit."""
    variables = {"LC_ALL": "C.UTF-8", "HOME": "/root", **environment}
    unit = f"update-{number}.service"
    LOG.unlink(missing_ok=True)
    subprocess.run(
        ["systemd-run", "--quiet", "--collect", f"--unit={unit}",
         f"--working-directory={project}", f"--property=StandardOutput=file:{LOG}",
         "--property=StandardError=inherit", "--property=TimeoutStopSec=1",
         *(f"--setenv={name}={value}" for name, value in variables.items()),
         *PLAYBOOK_PROGRAM, "-i", "playbooks/hosts.ini",
         "playbooks/deploy-fastdeploy.yml", "-e", f"ref={ref}", *options],
        check=True,
    )  # fmt: skip
    return unit


def cut(unit: str, moment: str) -> None:
    """Kill the update when it reaches `moment`."""
    await_moment(unit, moment)
    # Repeatedly, since the first signal misses a process that is just being started.
    while goes_on(unit):
        subprocess.run(
            ["systemctl", "kill", "--kill-whom=all", "--signal=KILL", unit],
            check=False, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(LOOK_AGAIN)


def await_moment(unit: str, moment: str) -> None:
    """Wait until the update prints `moment`; exit if it doesn't."""
    deadline = time.monotonic() + LONG
    while goes_on(unit) and time.monotonic() < deadline:
        # Asking systemd takes processor time, which the update needs.
        for _ in range(LOOKS):
            if LOG.exists() and moment in LOG.read_text():
                return
            time.sleep(LOOK_AGAIN)
    sys.exit(f"the update never came to {moment!r}:\n{LOG.read_text()}")


def goes_on(unit: str) -> bool:
    """Return whether a process of the update is left."""
    return state(unit)["ActiveState"] in {"active", "deactivating"}


def state(unit: str) -> dict[str, str]:
    """Return a property of a unit."""
    shown = subprocess.run(
        ["systemctl", "show", "--property=ActiveState,MainPID", unit],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return dict(line.split("=") for line in shown.splitlines())


def serving(url: str) -> dict[str, str]:
    """Return the version of the web process when it is ready, and of the worker."""
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
    """Return the version in a unit's working directory; empty if there is none."""
    found = state(unit)
    if found["ActiveState"] != "active":
        return ""
    text = Path(f"/proc/{found['MainPID']}/cwd/app/__init__.py").read_text()
    return text.rpartition('__version__ = "')[2].partition('"')[0]


def since(moment: float) -> float:
    """Return the seconds since a moment of the monotonic clock."""
    return round(time.monotonic() - moment, 1)


def main(url: str, ref: str, project: str, *moments: str) -> None:
    """Kill an update at each moment, then complete one."""
    found: list[dict[str, object]] = []
    for number, moment in enumerate(moments):
        started = time.monotonic()
        cut(begin(project, ref, number, SHORT, FASTER), moment)
        found.append({"cut at": moment, **serving(url), "seconds": since(started)})
    for end in ("nowhere", "nowhere, once more"):
        started = time.monotonic()
        unit = begin(project, ref, len(found))
        while goes_on(unit):
            time.sleep(LOOK_AGAIN * LOOKS)
        recap = LOG.read_text().rpartition("PLAY RECAP")[2]
        found.append({"cut at": end, **serving(url), "seconds": since(started),
                      "recap": " ".join(recap.split())})  # fmt: skip
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
