"""What of the database an actor with grants sees.

The schema `fastdeploy_visible` has a view of each table with rows of services. In the
transaction of a limited actor, it comes before the tables in the search path. So each
query of the store reads the views, and counts and pages are right without a condition
in any query. A transaction without limit reads the tables.

`TABLES` has the condition of each view, `UNFILTERED` names the other tables. A test
fails for a table that is in neither.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    inspect,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.domain.service_pattern import EVERY_SERVICE
from app.store.service_tables import services

#: The schema of the views.
SCHEMA = "fastdeploy_visible"
#: The setting of a transaction with the ids of the visible services, as a multirange:
#: services are often visible together with their neighbours.
_SETTING = "fastdeploy.services"
#: The number of queries that are kept: each request of an actor has the same one, and
#: SQLAlchemy would build it again.
_KEPT = 200

# Neither the names of the tables nor the conditions come from outside.
# ruff: noqa: S608

_LIMIT = (
    f"SELECT set_config('{_SETTING}', %(ids)s, true), "
    f"set_config('search_path', '{SCHEMA}, ' || current_setting('search_path'), true)"
)
# The ids are parsed once for each query, and searched for each row.
_IDS = f"(SELECT current_setting('{_SETTING}')::int8multirange)"
# PostgreSQL estimates that `IS NOT UNKNOWN` is true for almost all rows. Without it, it
# expects so few that it chooses slow plans for the queries of the overview.
_VISIBLE = f"NULLIF({{}} <@ {_IDS}, false) IS NOT UNKNOWN"
_OF_SERVICE = _VISIBLE.format("service_id")
_OF_DEPLOYMENT = f"deployment_id IN (SELECT id FROM {SCHEMA}.deployments)"
#: A folder of the services folder: a project, or a service without a project.
_OF_FOLDER = f"scope IN (SELECT split_part(name, '/', 1) FROM {SCHEMA}.services)"

#: The condition of the visible rows, by table. A view may read those before it.
TABLES = {
    "services": _VISIBLE.format("id"),
    "deployments": _OF_SERVICE,
    "schedules": _OF_SERVICE,
    "pings": f"schedule_id IN (SELECT id FROM {SCHEMA}.schedules)",
    "registrations": _OF_SERVICE,
    "deployment_totals": _OF_SERVICE,
    "owed_handlers": _OF_SERVICE,
    "events": _OF_DEPLOYMENT,
    "steps": _OF_DEPLOYMENT,
    "timings": _OF_DEPLOYMENT,
    "webhook_launches": _OF_DEPLOYMENT,
    "notifications": _OF_DEPLOYMENT,
    "traces": _OF_DEPLOYMENT,
    "approvals": _OF_DEPLOYMENT,
    "host_keys": _OF_FOLDER,
    "freeze_calendars": f"scope = '' OR {_OF_FOLDER}",
    "host_services": _OF_SERVICE,
    "host_deployments": _OF_DEPLOYMENT,
    "hosts": f"id IN (SELECT host_id FROM {SCHEMA}.host_services)",
    "host_fact_changes": f"host_id IN (SELECT id FROM {SCHEMA}.hosts) "
    f"AND deployment IN (SELECT id FROM {SCHEMA}.deployments)",
    # Versions are compared to each other, so one of a hidden service hides the file.
    # `IS TRUE` lets PostgreSQL check the files that a query finds: otherwise, it would
    # join all files of all hosts with their versions first.
    "files": f"(EXISTS (SELECT FROM {SCHEMA}.host_services AS seen "
    "WHERE seen.host_id = files.host_id)) IS TRUE AND (EXISTS (SELECT "
    "FROM file_versions AS found WHERE found.file_id = files.id "
    f"AND (found.service_id <@ {_IDS}) IS NOT TRUE)) IS NOT TRUE",
    "file_versions": f"file_id IN (SELECT id FROM {SCHEMA}.files)",
}

_LAST = (
    f"(SELECT {{}} FROM {SCHEMA}.host_services AS seen WHERE seen.host_id = hosts.id "
    "AND seen.at IS NOT NULL ORDER BY seen.at DESC LIMIT 1)"
)
#: Columns of the views that differ from those of the table, by table: what the last run
#: of a hidden service has left isn't shown.
COLUMNS = {
    "hosts": {
        "status": _LAST.format("seen.status"),
        "last_at": _LAST.format("seen.at"),
        "last_deployment": _LAST.format("seen.deployment"),
        "facts_deployment": f"(SELECT id FROM {SCHEMA}.deployments "
        "WHERE id = hosts.facts_deployment)",
    },
}

#: The tables that limited actors read unfiltered, or don't read at all.
UNFILTERED = frozenset(
    {
        # Accounts: a query names the user, session or token.
        "users", "sessions", "tokens", "login_failures", "login_steps",
        "totp_secrets", "recovery_codes", "favourites", "teams", "team_members",
        "grants", "identities", "provider_sessions", "passkeys", "passkey_challenges",
        "rate_limits", "open_streams",
        # For administrators only.
        "audit", "audit_chain", "audit_forwarding", "channels", "webhooks",
        "webhook_deliveries", "credentials",
        # Of nodes: neither names a service.
        "nodes", "syntax_checks",
    }
)  # fmt: skip


def limit(db: Connection, visible: Sequence[Collection[str]]) -> str:
    """Let a transaction see the services only that match all collections.

    Return their ids, which `limit_to_ids` takes.
    """
    return str(db.execute(_limited(tuple(map(frozenset, visible)))).one()[0])


@lru_cache(_KEPT)
def _limited(visible: tuple[frozenset[str], ...]) -> Select[Any]:
    one = func.int8range(services.c.id, services.c.id, "[]")
    found = select(func.range_agg(one).cast(Text)).where(
        and_(*(_matches(patterns) for patterns in visible))
    )
    ids = func.coalesce(found.scalar_subquery(), "{}")
    path = literal(f"{SCHEMA}, ") + func.current_setting("search_path")
    return select(
        func.set_config(_SETTING, ids, True),
        func.set_config("search_path", path, True),
    )


def limit_to_ids(db: Connection, ids: str) -> None:
    """Let a transaction see the services with these ids only."""
    # A page has several transactions, so this doesn't build a query each time.
    db.exec_driver_sql(_LIMIT, {"ids": ids})


def _matches(patterns: Collection[str]) -> ColumnElement[bool]:
    """Match a service as `patterns_of` in app/domain/service_pattern.py does."""
    if EVERY_SERVICE in patterns:
        return true()
    name = services.c.name
    service = func.split_part(name, "@", 1)
    project = func.split_part(name, "/", 1)
    environment = func.split_part(name, "@", 2)
    return or_(
        _among([each for each in patterns if "*" not in each], name, service),
        _among(
            [each for each in patterns if "*" in each],
            project + "/*",
            literal("*@") + environment,
            project + "/*@" + environment,
        ),
    )


def _among(
    patterns: Collection[str], *values: ColumnElement[str]
) -> ColumnElement[bool]:
    """Match if one of the values is among the patterns."""
    if not patterns:
        return false()
    # The values of a query are hashed; those of an array are compared one by one, if
    # PostgreSQL keeps the plan for other arrays. They are JSON, because psycopg would
    # encode the texts of an array one by one.
    given = cast(literal(json.dumps(sorted(patterns)), Text), JSONB)
    known = select(func.jsonb_array_elements_text(given))
    return or_(*(value.in_(known) for value in values))


def prepare(db: Connection) -> bool:
    """Drop the views if others are needed, so that their tables can be altered.

    Return whether they were dropped, or never existed.
    """
    found = db.scalar(
        text("SELECT obj_description(oid) FROM pg_namespace WHERE nspname = :name"),
        {"name": SCHEMA},
    )
    if found == _fingerprint():
        return False
    drop(db)
    return True


def drop(db: Connection) -> None:
    """Drop the views."""
    db.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


def create(db: Connection) -> None:
    """Create the views of the present tables."""
    db.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    for table, condition in TABLES.items():
        names = [each["name"] for each in inspect(db).get_columns(table)]
        other = COLUMNS.get(table, {})
        columns = ", ".join(
            f'{other[name]} AS "{name}"' if name in other else f'"{name}"'
            for name in names
        )
        db.execute(
            text(f"CREATE VIEW {SCHEMA}.{table} AS SELECT {columns} FROM {table} "
                 f"WHERE {condition}")
        )  # fmt: skip
    db.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS '{_fingerprint()}'"))


def _fingerprint() -> str:
    content = "".join(
        f"{table}: {where} {COLUMNS.get(table, {})}\n"
        for table, where in TABLES.items()
    )
    return hashlib.sha256(content.encode()).hexdigest()
