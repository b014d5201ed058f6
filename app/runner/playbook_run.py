"""Run the playbook of a service with its variables, credentials and masking."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import (
    ansible_cfg,
    environment,
    file_history,
    host_key_settings,
    injection,
    options,
    plaintexts,
    playbook,
    private_data_dir,
    retry_limits,
    speed,
)
from .acceleration import Acceleration
from .credential_kinds import Kind
from .credentials import Credentials
from .definition import Definition
from .early_start import EarlyStart
from .event_forwarder import Forwarder
from .host_key_refusals import Refusals
from .host_keys import HostKeys
from .injection import Injection
from .journal import JournalWriter
from .keeper import Keeper
from .listener import Listener
from .masking import Masker
from .run_config import Events, RunConfig
from .secret_values import MIN_LENGTH, too_short
from .watchdog import Watchdog

#: ansible-runner's own exit code for a run that was canceled or timed out.
ENDED = 254
#: Seconds after the timeout of the service. The worker, which also finds the processes
#: that have detached themselves, stops the run before; without a worker, it is stopped
#: here.
_UNATTENDED = 3.0
_NOT_RECORDED = (
    b"FastDeploy can't mask what ansible-vault decrypts in this run: ansible-playbook "
    b"is not a Python script here. Install ansible-core in a virtual environment."
)


@dataclass(frozen=True)
class Inputs:
    """What a run is made of."""

    definition: Definition
    launch: RunConfig
    #: The values of the SOPS files.
    decrypted: Mapping[str, Any]
    credentials: Credentials
    journal: JournalWriter
    #: The folder of mirrors and execution environments.
    data: Path
    #: A process that imports Ansible meanwhile, if one was started.
    early: EarlyStart


def deploy(inputs: Inputs) -> int:
    """Run the service's playbook and write its events and output to the journal.

    Return the exit code. The private folder with the variables is always removed.

    Raises:
        RunnerError: Ansible is not installed, the execution environment can't be
            built, or a key can't be loaded.
    """
    timeout = inputs.definition.timeout
    watchdog = Watchdog(None if timeout is None else timeout + _UNATTENDED)
    watchdog.listen()
    private = private_data_dir.make(for_ssh=bool(inputs.credentials))
    try:
        if not inputs.credentials:
            return _run(inputs, private, watchdog, Injection())
        # A killed runner would leave an agent and connections.
        keeper = Keeper(private)
        try:
            with injection.prepared(inputs.credentials, private, keeper) as injected:
                return _run(inputs, private, watchdog, injected)
        finally:
            keeper.finish()
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _run(inputs: Inputs, private: Path, watchdog: Watchdog, injected: Injection) -> int:
    definition, launch, journal = inputs.definition, inputs.launch, inputs.journal
    ident = str(launch.deployment_id)
    env = _environment(definition)
    configured = ansible_cfg.read(definition.folder, env)
    defaults = configured.get("defaults", {})
    private_data_dir.prepare(
        private,
        _variables(inputs, injected),
        inventory=definition.inventory is None
        and not ansible_cfg.names_inventory(defaults, env),
    )
    env = environment.refuse_failed_inventory(env, configured.get("inventory", {}))
    masker = Masker([*launch.secrets, inputs.decrypted, *inputs.credentials.secrets])
    can_decrypt = plaintexts.has_vault(defaults, env)
    if masker.longest or can_decrypt or inputs.credentials:
        environment.close_logs(env, defaults, journal)
    _name_unmaskable(inputs.credentials, journal)
    host_keys = HostKeys(private, definition.folder, launch.known_hosts)
    unchecked = host_key_settings.find_unchecked(definition, env)
    env = host_keys.environment(
        env, configured, learns=host_key_settings.learns(unchecked)
    )
    chosen = speed.prepare(definition, launch.options, env, configured, inputs.data)
    files = file_history.choose(definition, launch, env, configured)
    env |= {**chosen.environment, **files.environment}

    def tell(status: str) -> None:
        journal.write_object({"status": status, "runner_ident": ident})

    accelerated = Acceleration(definition, private)
    provided = _provide_environment(inputs, masker, watchdog, env)
    env = provided or env
    recording = plaintexts.recording(playbook.find_program(env), env)
    if provided is None or not accelerated.prepare(
        inputs.data, env, recording=bool(recording), journal=journal, masker=masker,
        watchdog=watchdog,
    ):  # fmt: skip
        tell(watchdog.reason or "failed")
        return ENDED
    injected.configure(env, configured)
    refusals = Refusals(host_keys)
    journal.watch = refusals.see
    decrypting = plaintexts.Plaintexts()
    if not recording and (can_decrypt or inputs.credentials.of(Kind.VAULT)):
        journal.write(_NOT_RECORDED)
    listener = _listener(launch.events)(journal, masker, decrypting, ident, private)
    listener.file_key = launch.file_key if definition.file_history.kept else b""
    running = playbook.start(
        definition,
        private=private,
        arguments=[
            *options.arguments(launch.options),
            *retry_limits.arguments(private, launch.hosts),
            *injected.arguments,
        ],
        env={
            **env,
            **injected.environment,
            **listener.environment,
            **decrypting.environment,
            **accelerated.environment,
            **retry_limits.variables(private, launch.owed_handlers),
        },
        terminal=listener.terminal,
        plaintexts=decrypting.descriptor,
        recording=recording,
        inherited=accelerated.inherited,
        early=inputs.early,
    )
    _begin(running, watchdog, injected)
    tell("starting")
    chosen = accelerated.finish(chosen)
    journal.write_object(
        {"speed": chosen.describe() + files.describe(), "runner_ident": ident}
    )
    tell("running")
    listener.start()
    code = running.wait()
    watchdog.finish()
    listener.finish()
    _report_unmasked(masker, inputs.credentials, decrypting, journal)
    for report in refusals.reports():
        journal.write_object({"host_key": report, "runner_ident": ident})
    for setting in unchecked:
        journal.write_object({"unchecked_host_keys": setting, "runner_ident": ident})
    tell((watchdog.reason or "failed") if code else "successful")
    if journal.error:
        journal.write(f"The journal is not complete: {journal.error}.".encode())
    return ENDED if code and watchdog.reason else code


def _variables(inputs: Inputs, injected: Injection) -> dict[str, Any]:
    """Return the extra variables of a run; a later one wins."""
    return {
        **inputs.definition.fixed_variables,
        **inputs.decrypted,
        **inputs.launch.variables,
        "fastdeploy_deployment_id": inputs.launch.deployment_id,
        "fastdeploy_deployment_service": inputs.definition.name,
        **injected.variables,
    }


def _begin(running: playbook.Playbook, watchdog: Watchdog, injected: Injection) -> None:
    """Provide the credentials, then let ansible-playbook begin."""
    injected.watch(running.process)
    watchdog.start(running.process)
    try:
        # Meanwhile, the child loads Ansible; without a key, the playbook must not run.
        injected.provide()
    except BaseException:
        running.abort()
        watchdog.finish()
        raise
    running.begin()


def _provide_environment(
    inputs: Inputs, masker: Masker, watchdog: Watchdog, env: dict[str, str]
) -> dict[str, str] | None:
    """Return the variables of a run in the execution environment of its project.

    They are the given ones without one; None if the run ended while it was built.
    """
    definition = inputs.definition
    if definition.requirements is None:
        return env
    # Most projects require nothing, and their runs don't need the memory.
    from . import execution_environment  # noqa: PLC0415
    from .environment_step import EnvironmentStep  # noqa: PLC0415

    step = EnvironmentStep(inputs.journal, masker, watchdog)
    place = step.provide(
        definition.requirements, inputs.data.expanduser().absolute(), env
    )
    if place is None:
        return None
    return execution_environment.variables(place, env, definition.folder)


def _name_unmaskable(used: Credentials, journal: JournalWriter) -> None:
    """Name the credentials whose values would be recorded if a task printed them."""
    for reference in used.unmaskable:
        journal.write(
            f"{reference} has a value of fewer than {MIN_LENGTH} characters, which "
            "FastDeploy can't mask: use a longer one.".encode()
        )


def _environment(definition: Definition) -> dict[str, str]:
    """Return the environment of the run.

    Raises:
        RunnerError: Its PATH has no ansible-playbook.
    """
    env = environment.build(os.environ, definition.environment)
    playbook.find_program(env)
    return env


def _report_unmasked(
    masker: Masker,
    used: Credentials,
    decrypting: plaintexts.Plaintexts,
    journal: JournalWriter,
) -> None:
    """Say how many secrets FastDeploy couldn't mask, without the named credentials."""
    if count := masker.unmasked - len(set(too_short(used.secrets))):
        journal.write(
            f"FastDeploy did not mask {count} of this run's secret values: they are "
            f"shorter than {MIN_LENGTH} characters.".encode()
        )
    if count := decrypting.too_large:
        journal.write(
            f"FastDeploy did not mask {count} of the texts that were decrypted: they "
            f"are larger than {plaintexts.LARGEST >> 20} MiB.".encode()
        )


def _listener(
    events: Events,
) -> Callable[[JournalWriter, Masker, plaintexts.Plaintexts, str, Path], Listener]:
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
