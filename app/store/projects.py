"""The projects in PostgreSQL: the services whose names have a project.

Nothing here reads the whole config of a service: a project may have thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from app.domain.service_name import ServiceName, split
from app.store.deployment_tables import deployments
from app.store.service_tables import services


@dataclass(frozen=True, slots=True)
class ProjectService:
    """A service of a project in an environment, with what its config says of both."""

    id: int
    name: ServiceName
    error: str
    #: Why Ansible can't load the playbook; empty if it can.
    warning: str
    #: The folder or the URL of the project; empty if the service was never valid.
    source: str
    #: The credential with which it is fetched; empty without one.
    credential: str
    #: What its fastdeploy.yml says about the project.
    about: str
    inventory: str
    limit: str
    variables: frozenset[str]


def list_services(db: Connection, project: str | None = None) -> list[ProjectService]:
    """Return the active services of one project, or of all, sorted by name."""
    c, config = services.c, services.c.config
    query = select(
        c.id,
        c.name,
        c.error,
        c.warning,
        config[("project", "folder")].as_string().label("folder"),
        config[("project", "git")].as_string().label("git"),
        config[("project", "credential")].as_string().label("credential"),
        config[("project", "description")].as_string().label("about"),
        config["inventory"].as_string().label("inventory"),
        config[("option_defaults", "limit")].as_string().label("limit"),
        config["fixed_variables"].label("variables"),
    ).where(c.archived_at.is_(None))
    prefix = f"{project}/" if project else ""
    query = query.where(
        c.name.startswith(prefix, autoescape=True), c.name.contains("/")
    )
    return [
        ProjectService(
            row.id, name, row.error, row.warning, row.git or row.folder or "",
            row.credential or "", row.about or "",
            row.inventory or "", row.limit or "", frozenset(row.variables or ()),
        )
        for row in db.execute(query.order_by(c.name))
        if (name := split(row.name)) is not None
    ]  # fmt: skip


def beside(db: Connection, name: ServiceName) -> list[ServiceName]:
    """Return a project's service in each of its environments, sorted by name."""
    prefix = f"{name.project}/{name.service}@"
    query = select(services.c.name).where(
        services.c.archived_at.is_(None),
        services.c.name.startswith(prefix, autoescape=True),
    )
    found = (split(each) for each in db.scalars(query.order_by(services.c.name)))
    return [each for each in found if each is not None]


def lock_unfinished(db: Connection, project: str) -> list[int]:
    """Return the ids of a project's deployments that have not ended, oldest first.

    Its services are locked until the transaction ends, so that none is launched
    meanwhile.
    """
    of_project = services.c.name.startswith(f"{project}/", autoescape=True)
    # Inserting a deployment locks the key of its service, which this conflicts with.
    db.execute(select(services.c.id).where(of_project).with_for_update())
    return list(
        db.scalars(
            select(deployments.c.id)
            .join_from(deployments, services)
            .where(of_project, deployments.c.finished_at.is_(None))
            .order_by(deployments.c.id)
        )
    )


def names_by_credential(db: Connection) -> dict[str, list[str]]:
    """Return the sorted names of the projects that name a credential, by it.

    They are those with services, as of the last sync of any node.
    """
    credential = services.c.config[("project", "credential")].as_string()
    project: Any = func.split_part(services.c.name, "/", 1)  # an SQL function
    query = (
        select(credential.label("credential"), project.label("project"))
        .where(services.c.archived_at.is_(None), credential != "")
        .distinct()
    )
    found: dict[str, list[str]] = {}
    for row in sorted(db.execute(query), key=lambda row: row.project):
        found.setdefault(row.credential, []).append(row.project)
    return found


def names(db: Connection) -> set[str]:
    """Return the names of all projects that have, or had, a service."""
    project: Any = func.split_part(services.c.name, "/", 1)  # an SQL function
    rows: Sequence[str] = db.scalars(
        select(project).where(services.c.name.contains("/")).distinct()
    ).all()
    return set(rows)
