"""Run a playbook service: `python -m app.runner --service DIR --config FILE`.

A service of a project is run with `--project DIR --name NAME` instead of `--service`.
Without `--name`, as on a server, the config file names the service of the project.

Standard output is the journal: status lines and events in ansible-runner's format, and
text. The exit code is ansible-playbook's own; 254 if the run was canceled or exceeded
its timeout; 64 if it was refused, with one sentence that explains why.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import (
    ansible_cfg,
    environment,
    options,
    playbook,
    private_data_dir,
    prompts,
    sops,
)
from .definition import Definition, read_definition
from .errors import RunnerError
from .event_forwarder import Forwarder
from .journal import JournalWriter
from .listener import Listener
from .masking import Masker
from .run_config import Events, RunConfig, read_launch, read_name, read_revision
from .watchdog import Watchdog

REFUSED = 64
#: ansible-runner's own exit code for a run that was canceled or timed out.
ENDED = 254


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="fastdeploy-runner", description="Run a playbook service of FastDeploy."
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--service", type=Path, help="the service's folder")
    place.add_argument("--project", type=Path, help="the folder with project.json")
    parser.add_argument(
        "--config", type=Path, required=True, help="the run's config file"
    )
    parser.add_argument(
        "--name", help="the service of the project; by default that of the config file"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("~/.local/share/fastdeploy"),
        help="the folder of mirrors and execution environments",
    )
    arguments = parser.parse_args()
    journal = JournalWriter(sys.stdout.fileno())
    try:
        definition = _read(arguments)
        launch = read_launch(arguments.config, definition)
        # Until here, a cancel has no process to stop and no folder to remove.
        decrypted = sops.read_variables(definition, os.environ)
        given = {**definition.fixed_variables, **decrypted, **launch.variables}
        prompts.require_none(definition.folder, definition.playbook, given)
        return deploy(definition, launch, decrypted, journal, arguments.data)
    except RunnerError as refusal:
        journal.write(str(refusal).encode(errors="replace"))
        return REFUSED


def _read(arguments: argparse.Namespace) -> Definition:
    if arguments.service is not None:
        return read_definition(arguments.service)
    # A service in a folder doesn't need git, or the memory of these modules.
    from . import project_source  # noqa: PLC0415

    source = project_source.read(arguments.project)
    return project_source.define(
        source,
        arguments.data.expanduser(),
        arguments.name or read_name(arguments.config),
        *read_revision(arguments.config),
    )


def deploy(
    definition: Definition,
    launch: RunConfig,
    decrypted: Mapping[str, Any],
    journal: JournalWriter,
    data: Path,
) -> int:
    """Run the service's playbook and write its events and output to `journal`.

    Return the exit code. The private folder with the variables is always removed.

    Raises:
        RunnerError: Ansible is not installed, or the execution environment can't be
            built.
    """
    watchdog = Watchdog(definition.timeout)
    watchdog.listen()
    private = Path(tempfile.mkdtemp(prefix="fastdeploy-run-"))
    try:
        return _deploy(definition, launch, decrypted, journal, private, watchdog, data)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _deploy(
    definition: Definition,
    launch: RunConfig,
    decrypted: Mapping[str, Any],
    journal: JournalWriter,
    private: Path,
    watchdog: Watchdog,
    data: Path,
) -> int:
    ident = str(launch.deployment_id)
    variables = {
        **definition.fixed_variables,
        **decrypted,
        **launch.variables,
        "fastdeploy_deployment_id": launch.deployment_id,
        "fastdeploy_deployment_service": definition.name,
    }
    env = _environment(definition)
    configured = ansible_cfg.read(definition.folder, env)
    defaults = configured.get("defaults", {})
    private_data_dir.prepare(
        private,
        variables,
        inventory=definition.inventory is None and not _names_inventory(defaults, env),
    )
    env = environment.refuse_failed_inventory(env, configured.get("inventory", {}))
    masker = Masker([*launch.secrets, decrypted])
    if masker.longest:
        _close_logs(env, defaults, journal)

    def tell(status: str) -> None:
        journal.write_object({"status": status, "runner_ident": ident})

    if definition.requirements is not None:
        # Most projects require nothing, and their runs don't need the memory.
        from . import execution_environment  # noqa: PLC0415
        from .environment_step import EnvironmentStep  # noqa: PLC0415

        step = EnvironmentStep(journal, masker, watchdog)
        folder = data.expanduser().absolute()
        place = step.provide(definition.requirements, folder, env)
        if place is None:
            tell(watchdog.reason or "failed")
            return ENDED
        env = execution_environment.variables(place, env, definition.folder)
    listener = _listener(launch.events)(journal, masker, ident, private)
    running = playbook.start(
        definition,
        private=private,
        arguments=options.arguments(launch.options),
        env=env | listener.environment,
        terminal=listener.terminal,
    )
    watchdog.start(running.process)
    running.wait_for_begin()
    tell("starting")
    tell("running")
    listener.start()
    code = running.wait()
    watchdog.finish()
    listener.finish()
    tell((watchdog.reason or "failed") if code else "successful")
    if journal.error:
        journal.write(f"The journal is not complete: {journal.error}.".encode())
    return ENDED if code and watchdog.reason else code


def _names_inventory(defaults: Mapping[str, str], env: Mapping[str, str]) -> bool:
    """Return whether ansible.cfg or the environment names an inventory."""
    return bool(defaults.get("inventory") or env.get("ANSIBLE_INVENTORY"))


def _close_logs(
    env: dict[str, str], defaults: Mapping[str, str], journal: JournalWriter
) -> None:
    """Keep Ansible from writing secrets into logs that every user may read."""
    # Modules would write their arguments into the target host's syslog.
    env["ANSIBLE_NO_TARGET_SYSLOG"] = "True"
    if defaults.get("log_path") or env.get("ANSIBLE_LOG_PATH"):
        journal.write(
            b"FastDeploy has turned log_path off for this run: it has secrets, which "
            b"Ansible would write into that file in clear."
        )
    env["ANSIBLE_LOG_PATH"] = os.devnull


def _environment(definition: Definition) -> dict[str, str]:
    """Return the environment of the run.

    Raises:
        RunnerError: Its PATH has no ansible-playbook.
    """
    env = environment.build(os.environ, definition.environment)
    if not shutil.which("ansible-playbook", path=env["PATH"]):
        raise RunnerError(
            f"There is no ansible-playbook beside {sys.executable} or in PATH: install "
            "ansible-core there."
        )
    return env


def _listener(
    events: Events,
) -> Callable[[JournalWriter, Masker, str, Path], Listener]:
    """Return the listener for this kind of events.

    Raises:
        RunnerError: ansible-runner is not installed.
    """
    if events is Events.FASTDEPLOY:
        return Forwarder
    try:
        # It imports ansible-runner, which takes memory until the run ends.
        from .builtin_events import Fallback  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise playbook.missing(error.name) from None
    return Fallback


if __name__ == "__main__":
    sys.exit(main())
