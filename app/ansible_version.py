"""Find out which version of ansible-core the runs of a service have."""

import json
from collections.abc import Iterable
from pathlib import Path

from app import project_folder
from app.domain.service import Service
from app.errors import Invalid
from app.project import Ansible, own_ansible
from app.runner import execution_environment
from app.runner.errors import RunnerError
from app.runner.execution_environment import Place

_PREFIX = "ansible_core-"


def find(
    folder: Path, data: Path, service: Service, registered: Ansible | None = None
) -> str:
    """Return the version of ansible-core for runs; empty if it isn't known here.

    Args:
        folder: The folder of the service or project in the services folder.
        data: The folder of mirrors and execution environments.
        service: The service.
        registered: The Ansible of the runner of a registered service, if it is known.
    """
    place = _environment(folder, data) if service.project else None
    if place is not None:
        return _built(place)
    if service.registration:
        return installed(registered.packages) if registered else ""
    return installed(own_ansible().packages)


def installed(packages: Iterable[Path]) -> str:
    """Return the version in folders that Python imports from; empty if there is none.

    Python imports from the first folder that has it.
    """
    for folder in packages:
        for about in folder.glob(f"{_PREFIX}*.dist-info"):
            return about.stem.removeprefix(_PREFIX)
    return ""


def _environment(folder: Path, data: Path) -> Place | None:
    """Return the execution environment that a project requires, if it does."""
    found = project_folder.define(folder, data)
    try:
        requirements = execution_environment.read(
            found.requirements, found.root.resolve()
        )
        if requirements is None:
            return None
        return execution_environment.place_of(requirements, data.absolute())
    except (Invalid, RunnerError):
        # The services of the project have this error already.
        return None


def _built(place: Place) -> str:
    """Return the version in an environment; empty if it isn't built, or hidden."""
    try:
        about = json.loads((place.folder / "environment.json").read_bytes())
    except (OSError, ValueError):
        return ""
    return str(about.get("ansible_core", ""))
