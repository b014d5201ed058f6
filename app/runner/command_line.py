"""The command line of the runner: read the service and the run, then deploy."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from . import (
    asking_options,
    credential_files,
    credentials,
    environment,
    git_host_key,
    injection,
    playbook_run,
    prompts,
    sops,
)
from .credentials import Credentials
from .definition import Definition, read_definition
from .early_start import EarlyStart
from .errors import RunnerError
from .git_host_key import HostKeyRefused
from .journal import JournalWriter
from .playbook_run import Inputs
from .run_config import (
    read_known_hosts,
    read_launch,
    read_max_mebibytes,
    read_name,
    read_revision,
)

REFUSED = 64


def main(early: EarlyStart) -> int:
    """Run the command line and return the exit code."""
    arguments = _parse()
    journal = JournalWriter(sys.stdout.fileno())
    try:
        return _run(arguments, early, journal)
    except HostKeyRefused as refusal:
        journal.write(str(refusal).encode(errors="replace"))
        report = git_host_key.report(refusal.refused)
        journal.write_object({"host_key": report})
        return REFUSED
    except RunnerError as refusal:
        journal.write(str(refusal).encode(errors="replace"))
        return REFUSED


def _parse() -> argparse.Namespace:
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
    parser.add_argument(
        "--credentials",
        type=Path,
        default=credential_files.PLACED,
        help="the folder with each user's placed credentials",
    )
    return parser.parse_args()


def _run(
    arguments: argparse.Namespace, early: EarlyStart, journal: JournalWriter
) -> int:
    definition = _read(arguments)
    if definition.requirements or not early.suits(definition.environment):
        early.discard()
    found = prompts.find(definition.folder, definition.playbook)
    definition = prompts.declare(definition, found)
    launch = read_launch(arguments.config, definition)
    # Until here, a cancel has no folder to remove.
    decrypted = sops.read_variables(definition, os.environ)
    fixed = {**definition.fixed_variables, **decrypted}
    prompts.require_answers(found, {**fixed, **launch.variables}, fixed)
    asking_options.require_none(
        definition.folder,
        environment.build(os.environ, definition.environment),
        definition.credentials,
    )
    needed = _credentials(arguments, definition)
    return playbook_run.deploy(
        Inputs(definition, launch, decrypted, needed, journal, arguments.data, early)
    )


def _read(arguments: argparse.Namespace) -> Definition:
    if arguments.service is not None:
        return read_definition(arguments.service)
    # A service in a folder doesn't need git, or the memory of these modules.
    from . import project_source  # noqa: PLC0415
    from .git_credential import Access  # noqa: PLC0415

    source = project_source.read(arguments.project)

    def access() -> Access:
        without = Access(
            None, read_known_hosts(arguments.config), source.name,
            read_max_mebibytes(arguments.config),
        )  # fmt: skip
        if not source.credential:
            return without
        injection.forbid_core_dumps()
        env = environment.build(os.environ, {})
        credential = credentials.read_git(
            source.name, source.credential, arguments.config, arguments.credentials, env
        )
        return replace(without, credential=credential)

    return project_source.define(
        source,
        arguments.data.expanduser(),
        arguments.name or read_name(arguments.config),
        *read_revision(arguments.config),
        access,
    )


def _credentials(arguments: argparse.Namespace, definition: Definition) -> Credentials:
    if definition.credentials:
        injection.forbid_core_dumps()
    env = environment.build(os.environ, definition.environment)
    return credentials.read(arguments.config, definition, arguments.credentials, env)
