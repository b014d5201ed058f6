"""Facts about a host and its services, which the doctor's checks evaluate."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.accounts import Account
from app.domain.project import Project
from app.domain.service import Service

READ, WRITE, EXECUTE = 4, 2, 1
_STICKY = 0o1000


@dataclass(frozen=True, slots=True)
class File:
    """A file or folder; `mode` is None if it is missing or hidden from this user.

    `above` are its parent folders, both by name and with links resolved.
    """

    path: Path
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    hidden: bool = False
    above: tuple["File", ...] = ()

    @property
    def sticky(self) -> bool:
        """Whether only the owner of a file may remove or rename it in this folder."""
        return bool((self.mode or 0) & _STICKY)

    @property
    def shared(self) -> bool:
        """Whether its group or other users may write to it."""
        return bool((self.mode or 0) & 0o022)

    def allows(self, who: Account, right: int) -> bool:
        """Return whether the mode grants an account this right."""
        if who.uid == 0:
            return True
        shift = 6 if who.uid == self.uid else 3 if self.gid in who.gids else 0
        return bool((self.mode or 0) >> shift & right)

    def open_to(self, who: Account, right: int) -> bool:
        """Return whether an account can reach the file and its mode grants this."""
        on_the_way = all(folder.allows(who, EXECUTE) for folder in self.above)
        return on_the_way and self.allows(who, right)

    def weak_spot(self, users: Iterable[Account]) -> "File | None":
        """Return the first of the file and its folders that a non-root user controls.

        In a sticky folder, other users can't rename a file that root owns.
        """
        others = [user for user in users if user.uid != 0]
        for place in (self, *self.above):
            kept = place is not self and place.sticky
            writable = any(place.allows(user, WRITE) for user in others)
            if place.mode is not None and (place.uid != 0 or (writable and not kept)):
                return place
        return None


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """A process of FastDeploy.

    `private_folder` says whether its config folder differs from that of other
    processes; it is None if this process can't find out.
    """

    pid: int
    no_new_privileges: bool
    gids: frozenset[int]
    private_folder: bool | None = False


@dataclass(frozen=True, slots=True)
class SudoRules:
    """The sudo rules of FastDeploy's user; `refusal` is sudo's error, if any."""

    lines: tuple[str, ...]
    keeps_mark: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class RunAsSetup:
    """The boundary between FastDeploy's user and the deploy user.

    `expected` are the sudo rules of all registrations on this host. The deploy user
    must not be able to read `settings_file` and the `private` files.
    """

    run_as: str
    deploy: Account | None
    run_group: str
    run_group_id: int | None
    rules: SudoRules
    expected: frozenset[str]
    stop_helper: File | None
    stop_rule: str
    settings_file: File
    private: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class HostFacts:
    """This host; without `switch`, runs belong to FastDeploy's own user."""

    user: Account
    process: ProcessFacts
    worker: ProcessFacts | None
    var: Path
    config_folder: File
    #: The age key that runs get, and whether the environment names it.
    age_key: File | None
    age_key_asked: bool
    switch: RunAsSetup | None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A service as stored; `nodes` are those on which it is valid."""

    service: Service | None
    error: str
    archived: bool
    nodes: tuple[str, ...]
    ready: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A service on this host, the node `node`; `known` is None without a database.

    `definition` is its config.json or the error in it, None without a folder.
    """

    name: str
    node: str
    folder: Path
    config: File
    definition: Service | str | None
    known: CatalogueEntry | None
    program: File
    rule: str
    #: Whether sudo finds a program that is hidden from this user; None if unknown.
    found_by_sudo: bool | None = None
    #: The folders that it runs from, as far as this user can see them.
    projects: tuple[Project, ...] = ()
    #: The files of its registration that differ from those of its runner, in pairs, as
    #: far as this user may read both.
    differing: tuple[tuple[Path, Path], ...] = ()
    #: The version of ansible-core of its runs; empty if it isn't known here.
    ansible_core: str = ""
