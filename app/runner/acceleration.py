"""Let a run connect by mitogen, if its service asks for that and it works here.

mitogen is a Python package without dependencies. One pinned version is installed into a
folder of its own, which the Python of ansible-playbook imports from. So a run uses the
same Ansible, packages and collections with it and without it. If it can't be installed,
or doesn't work with the run's ansible-core, the run does without it and says so.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from .ansible_playbook import MITOGEN, REPORT, SOCKETS
from .definition import Definition
from .errors import RunnerError
from .journal import JournalWriter
from .masking import Masker
from .mitogen_strategies import VERSION
from .speed import Choice, Speed
from .watchdog import Watchdog

_MAX_REASON = 500
_NO_SCRIPT = "ansible-playbook isn't a Python script here"


class Acceleration:
    """Whether and how one run uses mitogen; by default, it doesn't."""

    def __init__(self, definition: Definition, private: Path) -> None:
        """`prepare` installs what the run needs; its sockets are in `private`."""
        #: Variables of ansible-playbook.
        self.environment: dict[str, str] = {}
        #: Descriptors that ansible-playbook inherits.
        self.inherited: tuple[int, ...] = ()
        self._wanted = definition.accelerated
        self._private = private
        #: Why it isn't used although it is wanted.
        self._problem = ""
        self._reader = -1

    def prepare(
        self,
        data: Path,
        env: Mapping[str, str],
        *,
        recording: bool,
        journal: JournalWriter,
        masker: Masker,
        watchdog: Watchdog,
    ) -> bool:
        """Install mitogen if necessary; return False if the run was stopped.

        Call it before any thread is started.

        Args:
            data: The folder of mirrors and execution environments.
            env: The environment of ansible-playbook.
            recording: Whether `ansible_playbook.py` runs ansible-playbook.
            journal: Where the installation prints to.
            masker: Masks what it prints.
            watchdog: Stops it.
        """
        if not self._wanted:
            return True
        if not recording:
            self._problem = _NO_SCRIPT
            return True
        # Most services don't ask for it, and their runs don't need the memory.
        from .mitogen_build import MitogenBuilder  # noqa: PLC0415

        builder = MitogenBuilder(
            data.expanduser().absolute(), journal, masker, watchdog
        )
        try:
            place = builder.provide(env)
        except RunnerError as error:
            self._problem = str(error).removesuffix(".")
            return True
        if place is None:
            return False
        self._reader, writer = os.pipe()
        self.inherited = (writer,)
        self.environment = {
            MITOGEN: str(place.site),
            SOCKETS: str(self._private),
            REPORT: str(writer),
        }
        return True

    def finish(self, chosen: Speed) -> Speed:
        """Wait until ansible-playbook has decided; return what applies to the run.

        Args:
            chosen: What was chosen for a run without mitogen.
        """
        for descriptor in self.inherited:
            os.close(descriptor)
            with os.fdopen(self._reader, "rb") as pipe:
                self._problem = pipe.read(_MAX_REASON).decode(errors="replace")
        self.inherited = ()
        if not self._wanted:
            return chosen
        if self._problem:
            return Speed((Choice("no mitogen", self._problem), *chosen.choices))
        return chosen.accelerated(Choice(f"mitogen {VERSION}"))
