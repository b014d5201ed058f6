"""Services of the runner that reach an SSH account with credentials."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from testing.processes import living
from testing.runner import Service, short_folder
from testing.ssh_account import REACH, SshAccount
from testing.waiting import eventually


@contextmanager
def ssh_service(folder: Path, target: SshAccount) -> Iterator[Service]:
    """Yield a service that reaches the host; no run leaves files or processes."""
    with short_folder() as temp:
        made = Service(folder, temp)
        made.arguments = ["--credentials", str(folder / "placed")]
        define(made, target, REACH)
        yield made
        made.end()
        eventually(lambda: not of_this_run(made))
        eventually(lambda: not private_folders(made))


def define(service: Service, target: SshAccount, playbook: str, **more: Any) -> None:
    """Write a playbook, an inventory and an ansible.cfg."""
    service.write(service.folder / "hosts.json", target.inventory)
    (service.folder / "play.yml").write_text(playbook)
    (service.folder / "ansible.cfg").write_text(
        f"[ssh_connection]\nssh_args = {target.ssh_args}\n"
    )
    config = {"name": "demo", "playbook": "play.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", {**config, **more})


def change(service: Service, **keys: Any) -> None:
    """Change config.json."""
    path = service.folder / "config.json"
    service.write(path, {**json.loads(path.read_text()), **keys})


def use(service: Service, **given: dict[str, Any]) -> None:
    """Declare credentials and write them into the run's config file."""
    named = {name.replace("__", ":", 1): values for name, values in given.items()}
    change(service, credentials=[*named])
    service.launch()
    content = json.loads(service.config.read_text())
    service.write(service.config, {**content, "credentials": named})


def place(service: Service, reference: str, content: dict[str, Any]) -> Path:
    """Place a credential of this user."""
    folder = Path(service.arguments[1], "root")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{reference.replace(':', '.')}.json"
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


def belongs(process: psutil.Process, service: Service) -> bool:
    """Return whether a process is one of a run.

    The environment of a connection that ssh keeps open can't be read, but its title
    has the path of its socket.
    """
    if str(service.temp) in " ".join(process.cmdline()):
        return True
    return process.environ().get("HOME") == str(service.home)


def of_this_run(service: Service) -> list[psutil.Process]:
    """Return the processes of a run, also those that outlive ansible-playbook."""
    return living(lambda process: belongs(process, service))


def private_folders(service: Service) -> list[Path]:
    """Return the private folders of runs."""
    return list(service.temp.glob("fastdeploy-run-*"))


def connections(service: Service) -> list[psutil.Process]:
    """Return the processes of connections that ssh keeps open."""
    return living(
        lambda process: (
            belongs(process, service) and "[mux]" in " ".join(process.cmdline())
        )
    )


def agents(service: Service) -> list[psutil.Process]:
    """Return the agents of a run."""
    return living(
        lambda process: belongs(process, service) and process.name() == "ssh-agent"
    )


def command_lines_of(service: Service) -> list[str]:
    """Return the command lines of the processes of a run."""
    found = []
    for one in of_this_run(service):
        # It may have ended since it was listed.
        with suppress(psutil.Error):
            found.append(" ".join(one.cmdline()))
    return found
