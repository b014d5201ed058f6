"""Collect facts about this host and its services for the doctor's checks."""

import getpass
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from sqlalchemy import Connection

from app import accounts, ansible_version, project
from app.accounts import Account
from app.doctor import inspection
from app.doctor.checks_host import sync_token
from app.doctor.checks_nodes import secret_keys
from app.doctor.facts import CatalogueEntry, HostFacts, RunAsSetup, ServiceFacts
from app.domain.access import Permission
from app.domain.finding import Finding, Level
from app.domain.node import NodeState
from app.domain.project import Project
from app.domain.run_identity import RunIdentity, content_folder, identify, rule_for
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import Invalid, Unavailable
from app.runner import project_source
from app.services_folder import (
    definition_file,
    folders,
    look_at_project,
    read_definitions,
)
from app.settings import Settings
from app.store import calendars, nodes, services, tokens
from app.store.calendars import StoredCalendar
from app.store.store import Store

_KEY = "SOPS_AGE_KEY_FILE"


def look_at_host(
    settings: Settings, run_as: str, run_group: str, etc: Path
) -> HostFacts:
    """Collect the facts about this host for runs of this account and group.

    Args:
        settings: The settings of this installation.
        run_as: The deploy user; empty if runs belong to FastDeploy's own user.
        run_group: The group that may read the config file of a run.
        etc: The folder with the settings, age keys and registrations.
    """
    var = settings.data
    user = inspection.owner(var)
    worker = inspection.locker(var / "worker.lock")
    folder = settings.config_folder
    own = inspection.process(os.getpid(), folder)
    assert own is not None, "there is a /proc with this process in it"
    switch = None
    if run_as:
        switch = _look_at_switch(settings, user, run_as, run_group, etc)
    key = _named_key(etc / "age" / f"{run_as}.env") if switch else None
    key_in_environment = None if switch else os.environ.get(_KEY)
    path = key or key_in_environment
    return HostFacts(
        user=user,
        process=own,
        worker=None if worker is None else inspection.process(worker, folder),
        var=var,
        config_folder=inspection.look(folder),
        age_key=inspection.look(Path(path)) if path else None,
        age_key_asked=bool(key_in_environment),
        switch=switch,
    )


def look_at_service(
    settings: Settings,
    name: str,
    identity: RunIdentity,
    definition: Service | str | None,
    known: CatalogueEntry | None,
) -> ServiceFacts:
    """Collect the facts about a service."""
    parts = split(name)
    folder = settings.services.absolute() / (parts.folder if parts else name)
    file = inspection.look(identity.program)
    found_by_sudo = None
    if file.hidden and identity.user:
        config_file = settings.config_folder / "fastdeploy-0.json"
        command = [str(identity.program), "--config", str(config_file)]
        found_by_sudo = inspection.sudo_finds(identity.user, command)
    return ServiceFacts(
        name=name,
        node=settings.node,
        folder=folder,
        config=inspection.look(definition_file(folder, settings.data)),
        definition=definition,
        known=known,
        program=file,
        rule=identity.sudo_rule,
        found_by_sudo=found_by_sudo,
        projects=tuple(_projects(settings, definition, identity)),
        differing=tuple(_differing(folder, identity)),
        ansible_core=_ansible_core(settings, folder, definition, identity),
    )


def _ansible_core(
    settings: Settings,
    folder: Path,
    definition: Service | str | None,
    identity: RunIdentity,
) -> str:
    """Return the version of ansible-core of a playbook's runs; empty if unknown."""
    if not isinstance(definition, Service) or not definition.playbook:
        return ""
    registered = None
    if definition.registration:
        home = accounts.home(identity.user)
        registered = project.ansible_of(identity.program, home)
    return ansible_version.find(folder, settings.data, definition, registered)


def _differing(folder: Path, identity: RunIdentity) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a project's registration that its runner has otherwise."""
    if not identity.user or not project_source.is_project(folder):
        return
    for name in (project_source.FILE, project_source.DESCRIPTION):
        own, other = folder / name, identity.program.parent / name
        with suppress(OSError):
            if _content_of(own) != _content_of(other):
                yield own, other


def _content_of(file: Path) -> bytes | None:
    """Return the content of a file, None if it is missing.

    Raises:
        OSError: This user may not read it, or not see whether it is there.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _projects(
    settings: Settings, definition: Service | str | None, identity: RunIdentity
) -> Iterator[Project]:
    """Yield the service's folder and, if visible, the registered copy of it."""
    if not isinstance(definition, Service):
        return
    folder = content_folder(definition, settings.run_settings)
    yield look_at_project(folder, definition)
    source = identity.program.parent / "project"
    if definition.project is not None:
        return
    if identity.user and definition.playbook and not inspection.look(source).hidden:
        ansible = project.ansible_of(identity.program, accounts.home(identity.user))
        if ansible is not None:
            yield project.look(source, definition, ansible)


def run_identity(settings: Settings, service: Service) -> RunIdentity:
    """Return the identity of a service's runs on this host, with the user's name."""
    identity = identity_of(settings, service.name, service)
    return identity if identity.user else replace(identity, user=getpass.getuser())


def ask_store(
    store: Store, settings: Settings
) -> tuple[list[Finding], dict[str, CatalogueEntry] | None]:
    """Return findings about the database, and the stored services by name.

    The services are None if the database is unavailable.
    """
    try:
        with store.begin() as db:
            known, expiry_dates = _catalogue(db), _sync_tokens(db)
            unread = [_unread(found) for found in calendars.failing(db)]
            keys = secret_keys(nodes.list_all(db))
    except Unavailable as error:
        fix = "systemctl start postgresql" if settings.run_as else "./justw up"
        return [Finding(Level.PROBLEM, "database", f"{error}.", fix)], None
    return [sync_token(expiry_dates, datetime.now(UTC)), *keys, *unread], known


def _look_at_switch(
    settings: Settings, user: Account, run_as: str, run_group: str, etc: Path
) -> RunAsSetup:
    var, helper = settings.data, settings.stop_helper
    runs = str(settings.runs).replace(".", "\\.")
    return RunAsSetup(
        run_as=run_as,
        deploy=accounts.account(run_as),
        run_group=run_group,
        run_group_id=accounts.group(run_group),
        rules=inspection.sudo_rules(user),
        expected=frozenset(_expected(settings, etc)),
        stop_helper=inspection.look(helper) if helper else None,
        stop_rule=rule_for("root", helper, f"{runs}/[0-9]+ (INT|TERM|KILL|COUNT)")
        if helper
        else "",
        settings_file=inspection.look(etc / "fastdeploy.env"),
        private=tuple(map(inspection.look, (var, settings.runs, var / "secret-key"))),
    )


def _expected(settings: Settings, etc: Path) -> Iterator[str]:
    """Yield the sudo rules of all registrations and of the services folder."""
    for note in (etc / "registered").glob("*.json"):
        try:
            registration = orjson.loads(note.read_bytes())
            name, user = str(registration["name"]), str(registration["user"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        own = replace(settings.run_settings, run_as=user, runners=None)
        yield identify(name, None, own, accounts.home).sudo_rule
    for folder in service_folders(settings):
        for name, definition in read_definitions(folder, settings.data).items():
            yield identity_of(settings, name, definition).sudo_rule


def identity_of(
    settings: Settings, name: str, definition: Service | str | None
) -> RunIdentity:
    """Return the identity of a service's runs, as the worker's launch computes it."""
    service = definition if isinstance(definition, Service) else None
    return identify(name, service, settings.run_settings, accounts.home)


def service_folders(settings: Settings) -> list[Path]:
    """Return the services' folders; none if the services folder can't be read."""
    try:
        return folders(settings.services)
    except Invalid:
        # The checks then report that each stored service has no folder.
        return []


def _catalogue(db: Connection) -> dict[str, CatalogueEntry]:
    entries = services.list_everything(db)
    where = nodes.registered(db, [entry.id for entry in entries])
    ready = {n.name for n in nodes.list_all(db) if n.state is NodeState.READY}
    return {
        entry.name: CatalogueEntry(
            service=entry.service,
            error=entry.error,
            archived=entry.archived_at is not None,
            nodes=tuple(where[entry.id]),
            ready=tuple(n for n in where[entry.id] if n in ready),
        )
        for entry in entries
    }


def _unread(calendar: StoredCalendar) -> Finding:
    """Return the warning about a calendar of freezes that can't be read."""
    copy = "nothing is launched by the schedules that name it"
    if calendar.read_at is not None:
        copy = f"the copy of {calendar.read_at:%Y-%m-%d %H:%M} UTC is used"
    return Finding(
        Level.WARNING, "freezes",
        f"Since {calendar.failing_since:%Y-%m-%d %H:%M} UTC a calendar can't be read: "
        f"{calendar.problem}; {copy}.",
    )  # fmt: skip


def _sync_tokens(db: Connection) -> list[datetime | None]:
    """Return the expiry of each token with the scope `sync` that isn't revoked."""
    return [t.expires_at for t in tokens.list_tokens(db) if Permission.SYNC in t.scopes]


def _named_key(file: Path) -> str | None:
    """Return the age key that sudo passes to runs, from the file the role writes."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    keys = [line.partition("=")[2] for line in lines if line.startswith(f"{_KEY}=")]
    return keys[-1] if keys else None
