"""Let a run connect by mitogen, if its service asks for that and it works here.

mitogen is a Python package without dependencies. One pinned version is installed into a
folder of its own, which the Python of ansible-playbook imports from. So a run uses the
same Ansible, packages and collections with it and without it. If it can't be installed,
or doesn't work with the run's ansible-core, the run does without it and says so.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .ansible_playbook import MITOGEN, REPORT
from .errors import RunnerError

if TYPE_CHECKING:
    from .mitogen_build import MitogenBuilder

VERSION = "0.3.54"
_MAX_REASON = 500


class Acceleration:
    """Whether and how one run uses mitogen."""

    def __init__(self) -> None:
        """It doesn't, until `prepare` was called."""
        #: Variables of ansible-playbook.
        self.environment: dict[str, str] = {}
        #: Descriptors that ansible-playbook inherits.
        self.inherited: tuple[int, ...] = ()
        #: Why mitogen isn't used although the service asks for it.
        self.problem = ""
        self._reader = -1

    def prepare(self, builder: "MitogenBuilder", env: Mapping[str, str]) -> bool:
        """Install mitogen if necessary; return False if the run was stopped.

        Args:
            builder: Installs it.
            env: The environment of ansible-playbook.
        """
        try:
            place = builder.provide(env)
        except RunnerError as error:
            self.problem = str(error).removesuffix(".")
            return True
        if place is None:
            return False
        self._reader, writer = os.pipe()
        self.inherited = (writer,)
        self.environment = {MITOGEN: str(place.site), REPORT: str(writer)}
        return True

    def refuse(self, problem: str) -> None:
        """Don't use it after all."""
        self.problem = self.problem or problem
        self._close()
        self.environment = {}

    def read(self) -> None:
        """Wait until ansible-playbook has decided whether it uses mitogen."""
        if not self.inherited:
            return
        os.close(self.inherited[0])
        self.inherited = ()
        with os.fdopen(self._reader, "rb") as pipe:
            self.problem = pipe.read(_MAX_REASON).decode(errors="replace")

    def _close(self) -> None:
        for descriptor in self.inherited:
            os.close(descriptor)
            os.close(self._reader)
        self.inherited = ()
