"""Facts about a host and its services, as values that the doctor's checks judge."""

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
    """A file or folder; `mode` is None if it isn't there, or hidden from us.

    `above` are the folders that lead to it, links followed or not.
    """

    path: Path
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    hidden: bool = False
    above: tuple["File", ...] = ()

    @property
    def sticky(self) -> bool:
        """Whether only its owner may remove or rename what is in the folder."""
        return bool((self.mode or 0) & _STICKY)

    @property
    def shared(self) -> bool:
        """Whether others than its owner may write to it."""
        return bool((self.mode or 0) & 0o022)

    def allows(self, who: Account, right: int) -> bool:
        """Whether its mode lets them do that, once they are there."""
        if who.uid == 0:
            return True
        shift = 6 if who.uid == self.uid else 3 if self.gid in who.gids else 0
        return bool((self.mode or 0) >> shift & right)

    def open_to(self, who: Account, right: int) -> bool:
        """Whether they get there, and its mode lets them do that."""
        on_the_way = all(folder.allows(who, EXECUTE) for folder in self.above)
        return on_the_way and self.allows(who, right)

    def weak_spot(self, users: Iterable[Account]) -> "File | None":
        """The first of the file and its folders that isn't root's alone to change.

        What root owns in a sticky folder can't be renamed there by anybody else.
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
    """A process of FastDeploy's.

    `private_folder` says whether others see another config folder than it does, None
    if that can't be seen from here.
    """

    pid: int
    no_new_privileges: bool
    gids: frozenset[int]
    private_folder: bool | None = False


@dataclass(frozen=True, slots=True)
class SudoRules:
    """What sudo lists for FastDeploy's user; `refusal` is why it lists nothing."""

    lines: tuple[str, ...]
    keeps_mark: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class RunAsSetup:
    """What lies between FastDeploy's user and the one that runs deployments.

    `expected` are the rules of everything that is registered on this host. The lists
    of files are what the deploy user must not read.
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
    #: The age key that runs are told of, and whether somebody asked for one.
    age_key: File | None
    age_key_asked: bool
    switch: RunAsSetup | None


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue has of a service; its nodes are those where it is well."""

    service: Service | None
    error: str
    archived: bool
    nodes: tuple[str, ...]
    ready: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A service on this host, the node `node`; `known` is None without a catalogue.

    `definition` is its config.json or what is wrong with that, None without a folder.
    """

    name: str
    node: str
    folder: Path
    config: File
    definition: Service | str | None
    known: CatalogueEntry | None
    program: File
    rule: str
    #: Whether sudo finds the program that is hidden from us; None if it can't tell.
    found_by_sudo: bool | None = None
    #: The folders that it is run from, as far as they can be seen.
    projects: tuple[Project, ...] = ()
