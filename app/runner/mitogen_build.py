"""Install mitogen into a folder of the user that runs Ansible."""

import sys
from collections.abc import Mapping
from pathlib import Path

from .environment_build import Build
from .environment_step import Builder
from .execution_environment import Place, Requirements
from .journal import JournalWriter
from .masking import Masker
from .mitogen_strategies import VERSION
from .watchdog import Watchdog

#: The version, and the digest of the wheel of that release on PyPI.
_REQUIREMENT = f"""\
mitogen=={VERSION} \
--hash=sha256:ed7f209225069cbbe0c2f25ec5e4cd88e43bcb7ae0d55c61850083c96b81591d
"""


class _MitogenPlace(Place):
    """The folder with mitogen."""

    @property
    def site(self) -> Path:
        """The folder that Python imports it from."""
        return self.folder / "site"

    @property
    def complete(self) -> bool:
        """Whether it was installed to its end."""
        return (self.folder / "complete").exists()


class MitogenBuilder(Builder):
    """Installs mitogen into a folder of the user that runs Ansible."""

    failure = f"mitogen {VERSION} can't be installed"

    def __init__(
        self, data: Path, journal: JournalWriter, masker: Masker, watchdog: Watchdog
    ) -> None:
        super().__init__(journal, masker, watchdog)
        self._place = _MitogenPlace(data / "accelerators", f"mitogen-{VERSION}")

    def provide(self, env: Mapping[str, str]) -> _MitogenPlace | None:
        """Return its place; None if the run was stopped.

        Raises:
            RunnerError: It can't be installed.
        """
        place = self._place
        wanted = Requirements(place.environments, (), (f"mitogen=={VERSION}",), "")
        done = self.provide_place(
            place, lambda lock: _Installation(place, wanted, env, lock).run()
        )
        return None if done is None else place


class _Installation(Build):
    """The installation of mitogen, which needs no Ansible."""

    def run(self) -> None:
        """Install it; what an earlier installation left is removed first."""
        self.place.clear()
        folder = self.place.folder
        folder.mkdir(parents=True)
        wanted = folder / "requirements.txt"
        wanted.write_text(_REQUIREMENT)
        # A cache of one package would only be left behind.
        self._call([self._uv(), "pip", "install", "--quiet", "--no-cache",
                    "--python", sys.executable,
                    "--no-deps", "--require-hashes", "--only-binary", "mitogen",
                    "--target", str(folder / "site"), "-r", str(wanted)])  # fmt: skip
        (folder / "used").touch()
        (folder / "complete").touch()
        for other in folder.parent.glob("mitogen-*"):
            if other.name != folder.name:
                _MitogenPlace(folder.parent, other.name).remove()
