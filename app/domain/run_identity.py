"""A run's identity: its user, its group, its program, and its working directory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.domain.service import Service

#: The program of a service whose config.json can't be read, as the role registers it.
_USUAL_PROGRAM = "deploy.py"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings that a run's identity depends on."""

    run_as: str
    run_group: str
    runners: Path | None
    services: Path
    var: Path
    config_folder: Path


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """How the runs of one service are started on this host.

    `user` and `sudo_rule` are empty if runs belong to FastDeploy's own user. `group`
    may read a run's config file; without one, only the owner may. `folder` is the
    working directory, `sudo_rule` the rule as `sudo -l` prints it.
    """

    user: str
    group: str
    program: Path
    folder: Path
    sudo_rule: str


def identify(
    name: str,
    service: Service | None,
    settings: RunSettings,
    home: Callable[[str], Path],
) -> RunIdentity:
    """Return the identity of a service's runs; `home` returns the home of a user.

    A registration in config.json overrides the user and group of the settings.
    `service` is None if config.json can't be read.
    """
    registered = service.registration if service else None
    user = registered.run_as if registered else settings.run_as
    group = (registered.run_group if registered else "") or settings.run_group
    # A project is registered once for all of its services.
    owner = name.partition("/")[0]
    if not user:
        folder = _own_folder(name, service, settings)
    elif settings.runners is not None and user == settings.run_as:
        folder = settings.runners / owner
    else:
        folder = home(user) / "runners" / owner
    alone = service is not None and not (user and service.project)
    program = folder / (service.program if service and alone else _USUAL_PROGRAM)
    pattern = str(settings.config_folder).replace(".", "\\.")
    rule = rule_for(
        user, program, rf"--config {pattern}/fastdeploy-[0-9]+\.json", folder
    )
    return RunIdentity(user, group, program, folder, rule if user else "")


def content_folder(service: Service, settings: RunSettings) -> Path:
    """Return the folder with the content of a service that FastDeploy's user runs."""
    source = service.project
    if source is None:
        return settings.services.absolute() / service.name
    if source.folder:
        return Path(source.folder)
    project = service.name.partition("/")[0]
    trees = settings.var.absolute() / "projects" / project / "trees"
    return trees / source.commit


def _own_folder(name: str, service: Service | None, settings: RunSettings) -> Path:
    """Return the working directory of a run that belongs to FastDeploy's own user."""
    if service is None:
        return settings.services.absolute() / name
    if service.playbook and service.project and service.project.git:
        # The runner makes the folder with the commit.
        return settings.services.absolute() / name.partition("/")[0]
    return content_folder(service, settings)


def rule_for(user: str, program: Path, pattern: str, folder: Path | None = None) -> str:
    """Return the rule for a program and a pattern of arguments as `sudo -l` prints it.

    With a `folder`, sudo starts the program there.
    """
    where = f"CWD={folder} " if folder else ""
    return f"({user}) {where}NOPASSWD: {program} ^{pattern}$"
