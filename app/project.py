"""Inspect the folder of a service, without judging or changing anything."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from app.domain.project import MissingRequirements, Project, Refusal, RequirementKind
from app.domain.service import Service
from app.runner import ansible_cfg, asking_options
from app.runner.errors import FileProblem
from app.runner.host_key_settings import in_config, in_variables, not_booleans
from app.runner.prompt_scan import Scanner
from app.runner.prompts import read
from app.runner.service_files import locate
from app.runner.yaml_nodes import Node, fields, items, parse, text

_COLLECTION = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
_SHARED = Path("/usr/share/ansible")


@dataclass(frozen=True, slots=True)
class Ansible:
    """The Ansible installation of a run, and the home of the run's user."""

    home: Path
    #: Folders that Python imports from; they may contain collections.
    packages: tuple[Path, ...]
    galaxy: Path
    #: Whether roles and collections are installed into folders that all services share.
    shared: bool = False


def own_ansible() -> Ansible:
    """Return the Ansible beside this interpreter, for services that this user runs."""
    return Ansible(
        home=Path.home(),
        packages=tuple(Path(name) for name in sys.path if name),
        galaxy=Path(sys.executable).parent / "ansible-galaxy",
    )


def ansible_of(program: Path, home: Path) -> Ansible | None:
    """Return the Ansible of a registered service's program; None if unknown.

    The first line of the program names the interpreter; `home` is the home of the run's
    user.
    """
    words = read(program).partition(b"\n")[0].removeprefix(b"#!").split()
    if not words:
        return None
    folder = Path(os.fsdecode(words[0])).parent
    return Ansible(
        home=home,
        packages=tuple(folder.parent.glob("lib/python3*/site-packages")),
        galaxy=folder / "ansible-galaxy",
        shared=True,
    )


def look(folder: Path, service: Service, ansible: Ansible | None) -> Project:
    """Inspect the folder that a service is run from; see `Inspector`."""
    return Inspector(folder, ansible).look(service)


class Inspector:
    """Inspects the folder of services; what they have in common is read once.

    Without `ansible`, the folder is a copy with only the files that config.json names:
    FastDeploy's own user can't see more of a service that another user runs.
    Sentences name the folder as `place` does, by default by its path.
    """

    def __init__(self, folder: Path, ansible: Ansible | None, place: str = "") -> None:
        self._named = folder
        self._place = place
        self._ansible = ansible
        self._known: dict[Path, Project] = {}
        self._missing_beside: dict[Path, tuple[MissingRequirements, ...]] = {}

    def look(self, service: Service) -> Project:
        """Inspect the folder as a run of this service would see it."""
        try:
            return self._look(service)
        except OSError as error:
            why = f"{self._named} can't be read ({error.strerror})"
            return Project((Refusal(why),))

    def _look(self, service: Service) -> Project:
        copy = self._ansible is None
        if service.deploy_script is not None:
            return _look_at_script(self._folder, service.deploy_script, copy=copy)
        assert service.playbook is not None, "a service has one or the other"
        names = [("playbook", service.playbook), ("inventory", service.inventory)]
        if not copy:
            names += [("sops_files", name) for name in service.sops_files]
        refusals = tuple(_refusals(self._folder, names, self._place))
        if refusals:
            return Project(refusals)
        playbook = (self._folder / service.playbook).resolve()
        # A playbook is a service in each environment.
        if playbook not in self._known:
            self._known[playbook] = self._look_at_playbook(playbook)
        if self._ansible is None:
            return self._known[playbook]
        inventory = self._folder / service.inventory if service.inventory else None
        return replace(
            self._known[playbook],
            unchecked_host_keys=(
                *(f"ansible.cfg sets {each}" for each in in_config(self._sections)),
                *in_variables(self._folder, playbook, inventory),
            ),
            not_booleans=tuple(not_booleans(self._sections)),
            asking_options=tuple(
                asking_options.find(
                    self._folder,
                    {"HOME": str(self._ansible.home), **service.environment},
                )
            ),
        )

    def _look_at_playbook(self, playbook: Path) -> Project:
        prompts = tuple(self._scanner.find(playbook))
        if self._ansible is None:
            return Project(prompts=prompts)
        config, base = self._configuration
        return Project(
            prompts=prompts,
            requirements=self._missing(playbook.parent),
            missing_vault_files=tuple(_vault_files(config, base, self._ansible.home)),
        )

    @cached_property
    def _folder(self) -> Path:
        return self._named.resolve()

    @cached_property
    def _scanner(self) -> Scanner:
        return Scanner(self._folder)

    @cached_property
    def _configuration(self) -> tuple[dict[str, str], Path]:
        assert self._ansible is not None, "a copy has no ansible.cfg"
        return _configuration(self._folder, self._ansible.home)

    @cached_property
    def _sections(self) -> ansible_cfg.Sections:
        assert self._ansible is not None, "a copy has no ansible.cfg"
        return ansible_cfg.read(self._folder, {"HOME": str(self._ansible.home)})

    def _missing(self, beside: Path) -> tuple[MissingRequirements, ...]:
        """Return the missing requirements of playbooks in a folder."""
        assert self._ansible is not None, "a copy has no requirements files"
        if beside not in self._missing_beside:
            wanted = _Requirements(
                self._folder, beside, *self._configuration, self._ansible
            )
            self._missing_beside[beside] = tuple(wanted.missing())
        return self._missing_beside[beside]


def _look_at_script(folder: Path, name: str, *, copy: bool) -> Project:
    script = folder / name
    if not script.exists():
        return Project((Refusal(f"{name} is not in the service's folder"),))
    usable = copy or script.stat().st_mode & 0o111
    return Project(not_executable=None if usable else script)


def _refusals(
    folder: Path, names: Iterable[tuple[str, str | None]], place: str
) -> Iterator[Refusal]:
    for key, name in names:
        if name is not None:
            try:
                locate(folder, name, key, place)
            except FileProblem as refusal:
                yield Refusal(str(refusal), refusal.key)


def _configuration(folder: Path, home: Path) -> tuple[dict[str, str], Path]:
    """Return the defaults and the folder of the ansible.cfg for a run in `folder`."""
    path = ansible_cfg.find(folder, {"HOME": str(home)})
    if path is None:
        return {}, folder
    return dict(ansible_cfg.read_defaults(path)), path.parent


def _vault_files(config: dict[str, str], base: Path, home: Path) -> Iterator[Path]:
    identities = config.get("vault_identity_list", "").split(",")
    # An identity is a file, or label@file.
    named = [each.rpartition("@")[2].strip() for each in identities]
    for name in (config.get("vault_password_file", "").strip(), *named):
        if name and name != "prompt":
            path = ansible_cfg.resolve(name, base, home)
            if not os.path.lexists(path):
                yield path


@dataclass(frozen=True, slots=True)
class _Requirements:
    folder: Path
    #: Folder of the playbook.
    beside: Path
    config: dict[str, str]
    #: Folder of the ansible.cfg.
    base: Path
    ansible: Ansible

    def missing(self) -> Iterator[MissingRequirements]:
        """Yield what the project's requirements files list and isn't installed."""
        for place in dict.fromkeys((self.folder, self.beside)):
            for name in ("requirements", "collections/requirements",
                         "roles/requirements"):  # fmt: skip
                for path in (place / f"{name}.yml", place / f"{name}.yaml"):
                    content = parse(read(path))
                    yield from self._missing_in(path, content)

    def _missing_in(self, path: Path, content: Node) -> Iterator[MissingRequirements]:
        lists = fields(content)
        # A file that is only a list has the older format: roles.
        roles = items(lists.get("roles")) or items(content)
        wanted = {
            RequirementKind.COLLECTION: map(
                _collection, items(lists.get("collections"))
            ),
            RequirementKind.ROLE: map(_role, roles),
        }
        for kind, names in wanted.items():
            missing = [name for name in names if name and not self._has(kind, name)]
            if missing:
                file = str(path.relative_to(self.folder))
                install = self._install(kind, path)
                yield MissingRequirements(kind, file, tuple(missing), install)

    def _has(self, kind: RequirementKind, name: str) -> bool:
        if kind is RequirementKind.ROLE:
            return any(_is_folder(place / name) for place in self._role_paths())
        parts = Path("ansible_collections", *name.split("."))
        # A path may name the folder ansible_collections itself.
        return any(
            _is_folder(each / parts)
            for place in self._collection_paths()
            for each in (place, place.parent)
            if each is place or place.name == "ansible_collections"
        )

    def _collection_paths(self) -> list[Path]:
        configured = self.config.get("collections_path")
        paths = (
            ansible_cfg.resolve_all(configured, self.base, self.ansible.home)
            if configured
            else [self.ansible.home / ".ansible/collections", _SHARED / "collections"]
        )
        return [self.beside / "collections", *paths, *self.ansible.packages]

    def _role_paths(self) -> list[Path]:
        configured = self.config.get("roles_path")
        paths = (
            ansible_cfg.resolve_all(configured, self.base, self.ansible.home)
            if configured
            else [self.ansible.home / ".ansible/roles", _SHARED / "roles",
                  Path("/etc/ansible/roles")]
        )  # fmt: skip
        return [self.beside / "roles", *paths, self.beside]

    def _install(self, kind: RequirementKind, path: Path) -> str:
        place = _SHARED if self.ansible.shared else self.beside
        command = (self.ansible.galaxy, kind, "install", "-r", path,
                   "-p", place / f"{kind}s")  # fmt: skip
        return shlex.join(map(str, command))


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - is_dir raises without permission


def _collection(entry: Node) -> str:
    """Return the name of an entry; empty if only the archive contains it."""
    name = (text(entry) or text(fields(entry).get("name"))).partition(":")[0]
    return name if _COLLECTION.fullmatch(name) else ""


def _role(entry: Node) -> str:
    values = fields(entry)
    if name := text(values.get("name")):
        return name
    source, *rest = (text(entry) or text(values.get("src"))).split(",")
    if len(rest) > 1:
        return rest[1]
    return re.sub(r"(\.git|\.tar\.gz)$", "", source.rstrip("/").rpartition("/")[2])
