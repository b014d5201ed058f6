"""Record what runs report about hosts: inventories, facts and outcomes.

Rows of `hosts` are locked in the order of their names, so that runs that end at the
same time don't wait for each other in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from app.domain import host_facts
from app.domain.events import RunnerEvent
from app.domain.host import HostOutcome
from app.domain.host_facts import Facts
from app.domain.inventory import InventoryHost
from app.store.deployment_tables import deployments
from app.store.events import Occurrence
from app.store.host_tables import host_fact_changes, hosts
from app.store.service_tables import services

#: The number of changes of facts that are kept of a host.
MAX_FACT_CHANGES = 200

#: Inserts the hosts of an inventory, and updates those whose groups differ. An array of
#: arrays must be a rectangle, so the groups of a host are one text.
_PUT_INVENTORY = text("""
INSERT INTO hosts (scope, name, groups)
SELECT :scope, name, CASE WHEN groups = '' THEN '{}'
                     ELSE string_to_array(groups, chr(10)) END
FROM unnest(CAST(:names AS text[]), CAST(:groups AS text[])) AS found (name, groups)
ORDER BY name COLLATE "C"
ON CONFLICT (scope, name) DO UPDATE SET groups = excluded.groups
WHERE hosts.groups IS DISTINCT FROM excluded.groups
""")
_PUT_NAMED = text("""
INSERT INTO host_services (host_id, service_id, named)
SELECT id, :service_id, true FROM hosts
WHERE scope = :scope AND name = ANY(CAST(:names AS text[]))
ORDER BY name COLLATE "C"
ON CONFLICT (host_id, service_id) DO UPDATE SET named = true
WHERE host_services.named IS NOT TRUE
""")
_UNNAME = text("""
UPDATE host_services SET named = false
FROM hosts
WHERE service_id = :service_id AND named AND hosts.id = host_id
      AND NOT hosts.name = ANY(CAST(:names AS text[]))
""")
_PUT_HOSTS = text("""
INSERT INTO hosts (scope, name)
SELECT :scope, name FROM unnest(CAST(:names AS text[])) AS found (name)
ORDER BY name COLLATE "C"
ON CONFLICT DO NOTHING
""")
_PUT_OUTCOMES = text("""
INSERT INTO host_deployments
    (host_id, deployment_id, status, changed, failed, complete, began_at, last_at)
SELECT id, :deployment_id, found.status, changed, failed, complete, began_at,
       found.last_at
FROM unnest(
    CAST(:names AS text[]), CAST(:statuses AS text[]), CAST(:changed AS int[]),
    CAST(:failed AS int[]), CAST(:complete AS bool[]),
    CAST(:began_at AS timestamptz[]), CAST(:last_at AS timestamptz[])
) AS found (name, status, changed, failed, complete, began_at, last_at)
JOIN hosts ON hosts.scope = :scope AND hosts.name = found.name
ON CONFLICT DO NOTHING
""")
#: A version that is unknown replaces the one before, too.
_PUT_SERVICES = text("""
INSERT INTO host_services AS known
    (host_id, service_id, status, at, deployment, version, version_deployment,
     last_ok, last_changed, last_failed, last_unreachable)
SELECT host_id, :service_id, status, last_at, deployment_id,
       CASE WHEN complete THEN :version ELSE '' END,
       CASE WHEN complete THEN deployment_id END,
       CASE status WHEN 'ok' THEN deployment_id END,
       CASE status WHEN 'changed' THEN deployment_id END,
       CASE status WHEN 'failed' THEN deployment_id END,
       CASE status WHEN 'unreachable' THEN deployment_id END
FROM host_deployments WHERE deployment_id = :deployment_id
ON CONFLICT (host_id, service_id) DO UPDATE SET
    status = excluded.status, at = excluded.at, deployment = excluded.deployment,
    version = CASE WHEN excluded.version_deployment IS NULL THEN known.version
              ELSE excluded.version END,
    version_deployment = coalesce(excluded.version_deployment,
                                  known.version_deployment),
    last_ok = coalesce(excluded.last_ok, known.last_ok),
    last_changed = coalesce(excluded.last_changed, known.last_changed),
    last_failed = coalesce(excluded.last_failed, known.last_failed),
    last_unreachable = coalesce(excluded.last_unreachable, known.last_unreachable)
""")
_PUT_STATUS = text("""
UPDATE hosts SET status = found.status, last_at = found.last_at,
                 last_deployment = found.deployment_id
FROM host_deployments AS found
WHERE found.deployment_id = :deployment_id AND hosts.id = found.host_id
      AND (hosts.last_at IS NULL OR hosts.last_at <= found.last_at)
""")


def record(db: Connection, deployment_id: int, batch: Sequence[Occurrence]) -> None:
    """Record the inventories and facts that a batch of events reports."""
    reported = [
        (each.at, each.event)
        for each in batch
        if isinstance(each.event, RunnerEvent)
        and (each.event.facts or each.event.inventory)
    ]
    if not reported:
        return
    service_id, scope = place(db, deployment_id)
    for _, event in reported:
        if event.inventory:
            _put_inventory(db, service_id, scope, event.inventory)
    facts = {
        event.host: (at, event.facts)
        for at, event in reported
        if event.facts and event.host
    }
    if facts:
        _put_facts(db, deployment_id, scope, facts)


def record_end(
    db: Connection, deployment_id: int, version: str, outcomes: Sequence[HostOutcome]
) -> None:
    """Record what a deployment did to its hosts, which are sorted by name.

    Args:
        db: The transaction that ends the deployment.
        deployment_id: The deployment.
        version: The version that it deploys; empty if unknown.
        outcomes: One for each of its hosts.
    """
    if not outcomes:
        return
    service_id, scope = place(db, deployment_id)
    _lock(db, scope, [each.host for each in outcomes])
    of_deployment = {"deployment_id": deployment_id}
    db.execute(_PUT_OUTCOMES, {"scope": scope, **of_deployment, **_columns(outcomes)})
    of_service = {"service_id": service_id, "version": version}
    db.execute(_PUT_SERVICES, {**of_deployment, **of_service})
    db.execute(_PUT_STATUS, of_deployment)


def place(db: Connection, deployment_id: int) -> tuple[int, str]:
    """Return the service of a deployment, and the scope of its hosts."""
    row = db.execute(
        select(services.c.id, func.split_part(services.c.name, "/", 1).label("scope"))
        .join(deployments, deployments.c.service_id == services.c.id)
        .where(deployments.c.id == deployment_id)
    ).one()
    return row.id, row.scope


def _put_inventory(
    db: Connection, service_id: int, scope: str, listed: Sequence[InventoryHost]
) -> None:
    names = [host.name for host in listed]
    groups = ["\n".join(host.groups) for host in listed]
    of_service = {"scope": scope, "service_id": service_id, "names": names}
    db.execute(_PUT_INVENTORY, {"scope": scope, "names": names, "groups": groups})
    db.execute(_PUT_NAMED, of_service)
    db.execute(_UNNAME, {"service_id": service_id, "names": names})


def _lock(db: Connection, scope: str, names: Sequence[str]) -> dict[str, int]:
    """Add the hosts that are missing, and lock all; return their ids by name."""
    db.execute(_PUT_HOSTS, {"scope": scope, "names": list(names)})
    rows = db.execute(
        select(hosts.c.name, hosts.c.id)
        .where(hosts.c.scope == scope, hosts.c.name.in_(names))
        .order_by(hosts.c.name.collate("C"))
        .with_for_update(key_share=True)
    )
    return {row.name: row.id for row in rows}


def ids_of(db: Connection, scope: str, names: Collection[str]) -> dict[str, int]:
    """Add the hosts that are missing; return the ids of all by name."""
    query = select(hosts.c.name, hosts.c.id).where(
        hosts.c.scope == scope, hosts.c.name.in_(names)
    )
    found = {row.name: row.id for row in db.execute(query)}
    if len(found) < len(names):
        db.execute(_PUT_HOSTS, {"scope": scope, "names": list(names)})
        found = {row.name: row.id for row in db.execute(query)}
    return found


def _columns(outcomes: Sequence[HostOutcome]) -> dict[str, list[Any]]:
    return {
        "names": [each.host for each in outcomes],
        "statuses": [each.status.value for each in outcomes],
        "changed": [each.changed for each in outcomes],
        "failed": [each.failed for each in outcomes],
        "complete": [each.complete for each in outcomes],
        "began_at": [each.began_at for each in outcomes],
        "last_at": [each.last_at for each in outcomes],
    }


def _put_facts(
    db: Connection,
    deployment_id: int,
    scope: str,
    gathered: Mapping[str, tuple[datetime, Facts]],
) -> None:
    """Merge gathered facts into those of the hosts, and record what differs."""
    ids = _lock(db, scope, list(gathered))
    known = {
        row.id: row.facts or {}
        for row in db.execute(
            select(hosts.c.id, hosts.c.facts).where(hosts.c.id.in_(ids.values()))
        )
    }
    differing: list[dict[str, Any]] = []
    for name in sorted(gathered):
        (at, facts), host_id = gathered[name], ids[name]
        before = known[host_id]
        after = host_facts.merged(before, facts)
        db.execute(
            update(hosts)
            .where(hosts.c.id == host_id)
            .values(
                facts=after,
                facts_at=at,
                facts_deployment=deployment_id,
                searched=host_facts.searched(after),
            )
        )
        names = host_facts.changed(before, after) if before else []
        if names:
            differing.append(
                {
                    "host_id": host_id,
                    "deployment": deployment_id,
                    "at": at,
                    "before": {each: before.get(each) for each in names},
                    "after": {each: after.get(each) for each in names},
                }
            )
    if differing:
        db.execute(insert(host_fact_changes), differing)
        _remove_old_changes(db, [each["host_id"] for each in differing])


def _remove_old_changes(db: Connection, host_ids: Sequence[int]) -> None:
    table = host_fact_changes
    ranked = (
        select(
            table.c.id,
            func.row_number()
            .over(partition_by=table.c.host_id, order_by=table.c.id.desc())
            .label("rank"),
        )
        .where(table.c.host_id.in_(host_ids))
        .subquery()
    )
    old = select(ranked.c.id).where(ranked.c.rank > MAX_FACT_CHANGES)
    db.execute(delete(table).where(table.c.id.in_(old)))
