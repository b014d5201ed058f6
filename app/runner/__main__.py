"""Run a playbook service: `python -m app.runner --service DIR --config FILE`.

Standard output is the journal: status lines and events as ansible-runner writes them,
and text. The exit code is ansible-playbook's own; 254 if the run was canceled or took
too long; 64 if it was refused, with one sentence that says why.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from . import environment, folder
from .definition import Definition, read_definition
from .errors import Refused
from .forward import Forwarder, Listener
from .journal import Journal
from .launch import Events, Launch, read_launch
from .masking import Masker, secrets
from .watchdog import Watchdog

REFUSED = 64
#: ansible-runner's own exit code for a run that was ended from outside.
ENDED = 254


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="fastdeploy-runner", description="Run a playbook service of FastDeploy."
    )
    parser.add_argument(
        "--service", type=Path, required=True, help="the service's folder"
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="the run's config file"
    )
    arguments = parser.parse_args()
    journal = Journal(sys.stdout.fileno())
    try:
        definition = read_definition(arguments.service)
        launch = read_launch(arguments.config, definition)
        return deploy(definition, launch, journal)
    except Refused as refusal:
        journal.write(str(refusal).encode(errors="replace"))
        return REFUSED


def deploy(definition: Definition, launch: Launch, journal: Journal) -> int:
    """Run the service's playbook, its journal going to `journal`.

    Returns the exit code. Raises Refused if Ansible is not installed. Whatever
    happens, the private folder with the variables is removed.
    """
    watchdog = Watchdog(definition.timeout)
    watchdog.start()
    private = Path(tempfile.mkdtemp(prefix="fastdeploy-run-"))
    try:
        return _deploy(definition, launch, journal, private, watchdog)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _deploy(
    definition: Definition,
    launch: Launch,
    journal: Journal,
    private: Path,
    watchdog: Watchdog,
) -> int:
    ident = str(launch.deployment_id)
    variables = {
        **launch.variables,
        "fastdeploy_deployment_id": launch.deployment_id,
        "fastdeploy_service_name": definition.name,
    }
    folder.prepare(private, variables, inventory=definition.inventory is None)
    env = environment.build(os.environ)
    playbook = _playbook(env)
    masker = Masker(secrets(definition.properties, launch.variables))
    listener: Listener
    if launch.events is Events.RUNNER:
        listener = playbook.Fallback(journal, masker, ident)
    else:
        listener = Forwarder(journal, masker, ident, folder.make_fifo(private))

    def on_status(status: str) -> None:
        if status not in {"starting", "running"}:
            watchdog.finish()
            listener.finish()
            if status != "successful":
                status = watchdog.reason or status
        journal.write_object({"status": status, "runner_ident": ident})

    code = playbook.run(
        definition,
        private=private,
        ident=ident,
        env=env,
        listener=listener,
        on_status=on_status,
    )
    if journal.error:
        journal.write(f"The journal is not complete: {journal.error}.".encode())
    return ENDED if code and watchdog.reason else code


def _playbook(env: dict[str, str]) -> ModuleType:
    """Return the module that runs playbooks; Refused if Ansible is not there."""
    if not shutil.which("ansible-playbook", path=env["PATH"]):
        raise Refused(
            f"There is no ansible-playbook beside {sys.executable} or in PATH: install "
            "ansible-core there."
        )
    try:
        return importlib.import_module(f"{__package__}.playbook")
    except ModuleNotFoundError as error:
        raise Refused(
            f"{sys.executable} has no module {error.name}: install "
            "ansible-runner there."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
