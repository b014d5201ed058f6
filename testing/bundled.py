"""Run the bundled services without FastDeploy."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from testing.paths import ROOT
from testing.processes import living

SERVICES = ROOT / "services"
PLAYBOOK_SERVICES = ["fleet", "static-site"]
BIN = Path(sys.executable).parent
#: The ansible-playbook of the recipes, which is faster than that of Ansible.
PLAYBOOK_PROGRAM = [sys.executable, "-P", "-m", "app.runner.typed_playbook"]
#: Seconds after which a run counts as hanging.
RUN_LIMIT = 240
#: Seconds that a process may take to go away after its run.
EXIT_LIMIT = 60
#: The variable by which the processes of one run are recognised.
MARK = "BUNDLED_SERVICE_RUN"


def read_config(service: str) -> dict[str, Any]:
    """Return the config.json of a bundled service."""
    config = json.loads((SERVICES / service / "config.json").read_text())
    assert isinstance(config, dict)
    return config


def environment(home: Path) -> dict[str, str]:
    """Return the environment of one run, marked so that its processes can be found."""
    return {
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        MARK: uuid.uuid4().hex,
    }


def survivors(mark: str) -> list[psutil.Process]:
    """Return the processes of a run that are still there when they had time to end."""
    found = living(lambda process: process.environ().get(MARK) == mark)
    _, alive = psutil.wait_procs(found, timeout=EXIT_LIMIT)
    return alive


@dataclass(frozen=True)
class Run:
    """What a finished run left on its terminal."""

    rc: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of each host, such as recap["web01"]["changed"]."""
        lines = re.findall(r"^(\S+) +: (ok=.*)$", self.output, re.MULTILINE)
        return {
            host: {key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, counts in lines
        }

    @property
    def changed(self) -> list[str]:
        """The tasks that changed something, in order."""
        tasks = re.split(r"^TASK \[(.*)\] \**$", self.output, flags=re.MULTILINE)
        pairs = zip(tasks[1::2], tasks[2::2], strict=True)
        return [
            name
            for name, text in pairs
            if re.search(r"^changed: ", text, flags=re.MULTILINE)
        ]


Play = Callable[..., Run]


def playbook_command(service: str, *options: str, **variables: object) -> list[str]:
    """Return the command line that runs a playbook service with launch variables."""
    folder = SERVICES / service
    inventory = read_config(service).get("inventory")
    source = str(folder / inventory) if inventory else "localhost,"
    return [
        *PLAYBOOK_PROGRAM,
        str(folder / "deploy.yml"),
        f"--inventory={source}",
        f"--extra-vars={json.dumps(variables)}",
        *options,
    ]


def run_playbook(home: Path, service: str, *options: str, **variables: object) -> Run:
    """Run a playbook service; check that it warns of nothing and nothing survives."""
    env = environment(home)
    done = subprocess.run(
        playbook_command(service, *options, **variables),
        cwd=home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    assert survivors(env[MARK]) == []
    assert "DEPRECATION" not in done.stdout
    if "--check" not in options:  # There, a folder that would be made is missed.
        assert "WARNING" not in done.stdout
    return Run(done.returncode, done.stdout)
