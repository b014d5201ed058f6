"""Checks of a host, one function per check."""

import shlex
from collections.abc import Collection
from datetime import datetime

from app.doctor.checks_sudo import check_sudo
from app.doctor.facts import EXECUTE, WRITE, HostFacts, ProcessFacts
from app.doctor.remedies import WORKER_UNIT, override, start_worker
from app.domain.finding import Finding, Level

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


def check_host(host: HostFacts) -> list[Finding]:
    """Run the checks of a host that concern all of its services."""
    found = [worker(host), config_folder(host), age_key(host)]
    if host.worker is not None:
        found.append(private_tmp(host, host.worker))
    if host.switch is None:
        return [*found, Finding(
            OK, "deploy user", "FASTDEPLOY_RUN_AS is not set: runs belong to "
            f"{host.user.name} itself, so there is no other user to check.",
        )]  # fmt: skip
    return [*found, *check_sudo(host, host.switch)]


def worker(host: HostFacts) -> Finding:
    """Check that a worker of this installation runs on this host."""
    if host.worker is None:
        return Finding(
            WARNING, "worker", f"No worker uses {host.var} on this host: nothing is "
            "deployed here.", start_worker(host),
        )  # fmt: skip
    return Finding(OK, "worker", f"A worker runs here, process {host.worker.pid}.")


def config_folder(host: HostFacts) -> Finding:
    """Check that FastDeploy can create config files that only it can remove."""
    about, folder = "config folder", host.config_folder
    named = shlex.quote(str(folder.path))
    if folder.mode is None:
        return Finding(PROBLEM, about, f"{folder.path} is not there.",
                       f"install -d -m 1777 {named}")  # fmt: skip
    if not folder.open_to(host.user, WRITE) or not folder.allows(host.user, EXECUTE):
        return Finding(
            PROBLEM, about, f"{host.user.name} can't write to {folder.path}, where "
            "the config files of runs are put.", f"chmod 1777 {named}",
        )  # fmt: skip
    if folder.shared and not folder.sticky:
        return Finding(
            PROBLEM, about, f"{folder.path} has no sticky bit: anybody who may write "
            "there can exchange a run's config file.", f"chmod +t {named}",
        )  # fmt: skip
    return Finding(OK, about, f"{host.user.name} can write to {folder.path}.")


def private_tmp(host: HostFacts, worker: ProcessFacts) -> Finding:
    """Check that the worker sees the same config folder as other processes."""
    about, folder = "PrivateTmp", host.config_folder.path
    if worker.private_folder is None:
        return Finding(
            WARNING, about, f"Whether the worker has a {folder} of its own can't be "
            "seen from here.", f"systemctl show -p PrivateTmp {WORKER_UNIT}",
        )  # fmt: skip
    if worker.private_folder:
        return Finding(
            PROBLEM, about, f"The worker has a {folder} of its own, which is gone when "
            "it stops while its runs go on.", override("PrivateTmp=false"),
        )  # fmt: skip
    return Finding(OK, about, f"The worker's {folder} is everybody's.")


def age_key(host: HostFacts) -> Finding:
    """Check that only the user of the runs can read the age key for SOPS files."""
    about, key = "age key", host.age_key
    user = host.user if host.switch is None else host.switch.deploy
    if key is None or user is None:
        return Finding(OK, about, "Runs get no age key, and need none.")
    named = shlex.quote(str(key.path))
    if key.hidden:
        return Finding(OK, about, f"{key.path} can't be seen from here.")
    if key.mode is None and not host.age_key_asked:
        return Finding(
            OK, about, f"There is no {key.path}; only services with files of SOPS "
            "need it.",
        )  # fmt: skip
    if key.mode is None:
        return Finding(
            PROBLEM, about,
            f"{key.path} is not there: a service with files of SOPS can't read them.",
            f"install -m 0600 -o {user.name} -g root AGE_KEY_FILE {named}",
        )  # fmt: skip
    if key.uid != user.uid or key.mode & 0o177:
        return Finding(
            PROBLEM, about, f"{key.path} must be {user.name}'s, and nobody else may "
            "read it.", f"chown {user.name} {named} && chmod 0600 {named}",
        )  # fmt: skip
    return Finding(OK, about, f"{key.path} is for {user.name} alone.")


def sync_token(expiries: Collection[datetime | None], now: datetime) -> Finding:
    """Check that a token with the scope `sync` is valid; `expiries` are aware."""
    about = "sync token"
    if not expiries:
        return Finding(
            OK, about, "Not used: no token may sync, so registrations call fastdeploy "
            "service sync on the host.",
        )  # fmt: skip
    good = [at for at in expiries if at is None or at > now]
    if not good:
        return Finding(
            WARNING, about, "Every token that may sync has expired: registrations "
            "that use one fail.", "fastdeploy token create registration --scope sync",
        )  # fmt: skip
    return Finding(OK, about, "There is a token that may sync.")
