"""The doctor: look at this host and its services, and say what is wrong with them.

The checks of `app/domain/host_checks.py` and `service_checks.py` judge what is looked
at here. It is about the host where it is called: web and worker may be on others.
"""

import getpass
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
from sqlalchemy import Connection

from app import host, project
from app.domain.access import Permission
from app.domain.facts import Account, Host, Known, Registered, Switch
from app.domain.finding import Finding, Level, sick
from app.domain.host_checks import check_host, sync_token
from app.domain.node import NodeState
from app.domain.project import Project
from app.domain.run_identity import RunIdentity, identify, rule_for
from app.domain.service import Service
from app.domain.service_checks import check_service
from app.errors import Invalid, NotFound, Unavailable
from app.settings import Settings
from app.store import access, nodes, services
from app.store.store import Store
from app.usecases.catalogue import (
    folders,
    look_at_project,
    printable,
    read_config,
)

#: Where the role puts the settings, the age keys, and what was registered.
ETC = Path("/etc/fastdeploy")
_KEY = "SOPS_AGE_KEY_FILE"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found on a host, called by its node's name."""

    host: str
    findings: tuple[Finding, ...]

    @property
    def sick(self) -> bool:
        """Whether something has to be mended."""
        return sick(self.findings)


def examine(
    store: Store, settings: Settings, name: str | None = None, etc: Path = ETC
) -> Report:
    """Check this host and one service, or all that it has.

    Raises NotFound for a service of which there is neither a folder nor an entry.
    """
    paths = {printable(path.name): path for path in _folders(settings)}
    findings, catalogue = _ask_store(store, settings)
    known = catalogue or {}
    if name is None:
        chosen = sorted({*paths, *(n for n, k in known.items() if not k.archived)})
    elif name in paths or name in known:
        chosen = [name]
    else:
        raise NotFound(f"there is no service {name!r}")
    read = {n: read_config(paths[n]) if n in paths else None for n in chosen}
    identities = {n: _identity(settings, n, read[n]) for n in chosen}
    usual = (settings.run_as, settings.run_group)
    accounts = {(i.user, i.group) for i in identities.values()} or {usual}
    hosts = {each: look_at_host(settings, *each, etc) for each in sorted(accounts)}
    for seen in hosts.values():
        findings += check_host(seen)
    for each, identity in identities.items():
        # Without a catalogue nothing can be said about it.
        entry = None if catalogue is None else known.get(each, _UNKNOWN)
        found = look_at_service(settings, each, identity, read[each], entry)
        findings += check_service(hosts[identity.user, identity.group], found)
    # What several accounts have in common is said once.
    return Report(settings.node, tuple(dict.fromkeys(findings)))


#: A service that was never synced.
_UNKNOWN = Known(None, "", archived=False, nodes=(), ready=())


def look_at_host(settings: Settings, run_as: str, run_group: str, etc: Path) -> Host:
    """Everything about this host that the checks judge, for runs of this account."""
    var = settings.var.absolute()
    user = host.owner(var)
    worker = host.locker(var / "worker.lock")
    folder = settings.config_folder
    own = host.process(os.getpid(), folder)
    assert own is not None, "there is a /proc with this process in it"
    switch = None
    if run_as:
        switch = _look_at_switch(settings, user, run_as, run_group, etc)
    key = _named_key(etc / "age" / f"{run_as}.env") if switch else None
    asked = None if switch else os.environ.get(_KEY)
    path = key or asked
    return Host(
        user=user,
        process=own,
        worker=None if worker is None else host.process(worker, folder),
        var=var,
        config_folder=host.look(folder),
        age_key=host.look(Path(path)) if path else None,
        age_key_asked=bool(asked),
        switch=switch,
    )


def look_at_service(
    settings: Settings,
    name: str,
    identity: RunIdentity,
    definition: Service | str | None,
    known: Known | None,
) -> Registered:
    """Everything about a service that the checks judge."""
    folder = settings.services.absolute() / name
    file = host.look(identity.program)
    found = None
    if file.hidden and identity.user:
        some = settings.config_folder / "fastdeploy-0.json"
        command = [str(identity.program), "--config", str(some)]
        found = host.sudo_finds(identity.user, command)
    return Registered(
        name=name,
        node=settings.node,
        folder=folder,
        config=host.look(folder / "config.json"),
        definition=definition,
        known=known,
        program=file,
        rule=identity.sudo_rule,
        found_by_sudo=found,
        projects=tuple(_projects(folder, definition, identity)),
    )


def _projects(
    folder: Path, definition: Service | str | None, identity: RunIdentity
) -> Iterator[Project]:
    """The services folder, and what is run in its place where it can be seen."""
    if not isinstance(definition, Service):
        return
    yield look_at_project(folder, definition)
    source = identity.program.parent / "project"
    if identity.user and definition.playbook and not host.look(source).hidden:
        ansible = project.ansible_of(identity.program, host.home(identity.user))
        if ansible is not None:
            yield project.look(source, definition, ansible)


def registered(settings: Settings, service: Service) -> RunIdentity:
    """How a run of a service is started here, with the name of its user."""
    found = _identity(settings, service.name, service)
    return found if found.user else replace(found, user=getpass.getuser())


def _ask_store(
    store: Store, settings: Settings
) -> tuple[list[Finding], dict[str, Known] | None]:
    """What the database tells: about itself, and the catalogue if it answers."""
    try:
        with store.begin() as db:
            known, tokens = _catalogue(db), _sync_tokens(db)
    except Unavailable as error:
        mend = "systemctl start postgresql" if settings.run_as else "./justw up"
        return [Finding(Level.PROBLEM, "database", f"{error}.", mend)], None
    return [sync_token(tokens, datetime.now(UTC))], known


def _look_at_switch(
    settings: Settings, user: Account, run_as: str, run_group: str, etc: Path
) -> Switch:
    var, helper = settings.var.absolute(), settings.stop_helper
    runs = str(settings.runs).replace(".", "\\.")
    return Switch(
        run_as=run_as,
        deploy=host.account(run_as),
        run_group=run_group,
        run_group_id=host.group(run_group),
        rules=host.sudo_rules(user),
        expected=frozenset(_expected(settings, etc)),
        stop_helper=host.look(helper) if helper else None,
        stop_rule=rule_for("root", helper, f"{runs}/[0-9]+ (INT|TERM|KILL|COUNT)")
        if helper
        else "",
        settings_file=host.look(etc / "fastdeploy.env"),
        private=tuple(map(host.look, (var, settings.runs, var / "secret-key"))),
    )


def _expected(settings: Settings, etc: Path) -> Iterator[str]:
    """The rules of what is registered here, by the role's notes and by the folder."""
    for note in (etc / "registered").glob("*.json"):
        try:
            said = orjson.loads(note.read_bytes())
            name, user = str(said["name"]), str(said["user"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        own = replace(settings.run_settings, run_as=user, runners=None)
        yield identify(name, None, own, host.home).sudo_rule
    for folder in _folders(settings):
        yield _identity(settings, folder.name, read_config(folder)).sudo_rule


def _identity(
    settings: Settings, name: str, definition: Service | str | None
) -> RunIdentity:
    """How a service's runs are started here; the worker's launch asks the same."""
    service = definition if isinstance(definition, Service) else None
    return identify(name, service, settings.run_settings, host.home)


def _folders(settings: Settings) -> list[Path]:
    try:
        return folders(settings.services)
    except Invalid:
        # Each service that the catalogue has is then said to have no folder.
        return []


def _catalogue(db: Connection) -> dict[str, Known]:
    entries = services.list_everything(db)
    where = nodes.registered(db, [entry.id for entry in entries])
    ready = {n.name for n in nodes.list_all(db) if n.state is NodeState.READY}
    return {
        entry.name: Known(
            service=entry.service,
            error=entry.error,
            archived=entry.archived_at is not None,
            nodes=tuple(where[entry.id]),
            ready=tuple(n for n in where[entry.id] if n in ready),
        )
        for entry in entries
    }


def _sync_tokens(db: Connection) -> list[datetime | None]:
    """When the tokens expire that may sync and were not revoked."""
    return [t.expires_at for t in access.list_tokens(db) if Permission.SYNC in t.scopes]


def _named_key(file: Path) -> str | None:
    """The age key that sudo tells runs of, by the file that the role writes."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    named = [line.partition("=")[2] for line in lines if line.startswith(f"{_KEY}=")]
    return named[-1] if named else None
