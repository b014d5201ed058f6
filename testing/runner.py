"""The runner in a process of its own, and ansible-playbook without it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.paths import PLAYBOOKS, ROOT

#: Seconds to wait for a run of Ansible.
PATIENCE = 150.0


@dataclass(frozen=True)
class Outcome:
    """The exit code and the journal of a run."""

    code: int
    journal: bytes

    @property
    def lines(self) -> list[bytes]:
        """The complete lines of the journal."""
        return self.journal.split(b"\n")[:-1]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines that are JSON objects."""
        return [json.loads(line) for line in self.lines if line.startswith(b"{")]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of Ansible."""
        return [found for found in self.objects if "event" in found]

    @property
    def statuses(self) -> list[str]:
        """The statuses that the runner reported."""
        return [found["status"] for found in self.objects if "status" in found]

    @property
    def text(self) -> str:
        """The lines that are not JSON."""
        lines = [line for line in self.lines if not line.startswith(b"{")]
        return b"\n".join(lines).decode()

    @property
    def display(self) -> str:
        """The output that the events contain."""
        return "\n".join(event["stdout"] for event in self.events)

    @property
    def output(self) -> str:
        """The printed output, as it is downloaded."""
        printed = []
        for line in self.lines:
            event = json.loads(line) if line.startswith(b"{") else {}
            text = event["stdout"] if "event" in event else line.decode()
            if text and not event.keys() & {"speed", "status"}:
                printed += [text, "" if event.get("stdout_open") else "\n"]
        return "".join(printed)

    def named(self, event: str, task: str = "") -> list[dict[str, Any]]:
        """Return the events with a name, of the tasks whose name contains `task`."""
        return [
            found
            for found in self.events
            if found["event"] == event and task in found["event_data"].get("task", "")
        ]


class Service:
    """The folder of a playbook service, and the files that a run of it gets."""

    def __init__(self, folder: Path, temp: Path) -> None:
        """Create the folders; `temp` must be short, since Ansible has sockets in it."""
        self.folder = folder / "service"
        self.home = folder / "home"
        self.config = folder / "run.json"
        self.temp = temp
        #: Further arguments of the runner.
        self.arguments: list[str] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._name, self._target = "demo", ["--service", str(self.folder)]
        for path in (self.folder, self.home):
            path.mkdir()

    def define(self, playbook: str, **more: Any) -> None:
        """Write config.json beside the playbooks of the tests."""
        shutil.copytree(PLAYBOOKS, self.folder, dirs_exist_ok=True)
        self.write(
            self.folder / "config.json", {"name": "demo", "playbook": playbook, **more}
        )

    def define_project(self, data: Path, **keys: Any) -> None:
        """Write fastdeploy.yml with the service `site`; `data` keeps environments."""
        self._name = "service/site"
        self._target = ["--project", str(self.folder), "--name", "service/site",
                        "--data", str(data)]  # fmt: skip
        service = {"playbook": "site.yml"}
        content = {"project": "service", "services": {"site": service}}
        self.write(self.folder / "fastdeploy.yml", content | keys)

    def launch(
        self, events: str | None = None, secret: Iterable[str] = (), **variables: Any
    ) -> None:
        """Write the run's config file."""
        context = {"actor": "test", "origin": "test", "variables": variables}
        content = {"deployment_id": 7, "service_name": self._name, "context": context,
                   "secret_variables": list(secret)}  # fmt: skip
        chosen = {"events": events} if events else {}
        self.write(self.config, {**content, "steps": [], **chosen})

    def resume(self, hosts: Sequence[str], owed: Mapping[str, Sequence[str]]) -> None:
        """Limit the next run to hosts, and let it run owed handlers first."""
        self.launch()
        content = json.loads(self.config.read_text())
        self.write(self.config, content | {"hosts": hosts, "owed_handlers": owed})

    @staticmethod
    def write(path: Path, content: object) -> None:
        """Write JSON into a file."""
        path.write_text(json.dumps(content))

    def start(
        self,
        stdout: Any,
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start the runner in a session of its own."""
        if not self.config.exists():
            self.launch()
        inherited = {"HOME": str(self.home), "TMPDIR": str(self.temp),
                     "PATH": os.environ["PATH"]}  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "app.runner", *self._target,
             "--config", str(self.config), *self.arguments],
            stdout=stdout, stderr=subprocess.STDOUT, env=inherited | (env or {}),
            cwd=cwd, pass_fds=pass_fds, start_new_session=True,
        )  # fmt: skip
        self._started.append(process)
        return process

    def end(self) -> None:
        """Terminate the processes that a failed test has left."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)

    def run(self, env: dict[str, str] | None = None, cwd: Path = ROOT) -> Outcome:
        """Run the runner to its end."""
        journal = self.config.parent / "journal"
        with journal.open("wb") as stdout:
            process = self.start(stdout, env, cwd)
            code = process.wait(timeout=PATIENCE)
        return Outcome(code, journal.read_bytes())


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Yield a temporary folder with a short path, as Ansible's sockets need it."""
    with tempfile.TemporaryDirectory(prefix="fd-") as made:
        yield Path(made)


def bare(service: Service, playbook: str) -> str:
    """Return what ansible-playbook prints without FastDeploy."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(service.home), "LANG": "C.UTF-8",
           "ANSIBLE_FORCE_COLOR": "True"}  # fmt: skip
    program = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.run(
        [program, "-i", "hosts.json", playbook], cwd=service.folder, env=env,
        capture_output=True, check=True, text=True, timeout=PATIENCE,
    ).stdout  # fmt: skip


def define(service: Service, playbook: str) -> None:
    """Write config.json for a playbook, and an inventory with one local host."""
    service.define(playbook, inventory="hosts.json")
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {"all": {"hosts": {"alpha": local}}}
    service.write(service.folder / "hosts.json", hosts)
