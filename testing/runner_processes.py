"""The processes of a run that a test has started with the runner alone."""

import contextlib

import psutil

from testing.processes import living
from testing.runner import Service
from testing.waiting import eventually


def of_this_run(service: Service) -> list[psutil.Process]:
    """Return the processes whose environment belongs to a run of this service."""
    return living(lambda process: process.environ().get("HOME") == str(service.home))


def of_ansible(service: Service) -> list[psutil.Process]:
    """Return the processes of ansible-playbook that belong to a run of this service."""
    return living(
        lambda process: (
            process.environ().get("HOME") == str(service.home)
            and "ansible-playbook" in " ".join(process.cmdline())
        )
    )


def assert_all_ended(service: Service) -> None:
    """Wait until no process of a run is left; a killed one needs a moment to end."""
    eventually(lambda: not of_this_run(service))


def sleeping(service: Service) -> bool:
    """Return whether the command of sleep.yml runs."""
    for process in of_this_run(service):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:2] == ["sleep", "987.6"]:
                return True
    return False
