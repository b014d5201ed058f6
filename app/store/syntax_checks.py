"""The results of syntax checks in PostgreSQL, and the services that need one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    ScalarSelect,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from app.domain.service import Service
from app.domain.syntax_check import SyntaxCheck
from app.store.service_tables import registrations, services, syntax_checks


@dataclass(frozen=True, slots=True)
class DueCheck:
    """A syntax check that has to be done, for one of the services that need it."""

    key: str
    service: Service


def next_due(db: Connection, node: str) -> DueCheck | None:
    """Return the next check to be done on a node: of the newest service."""
    r, c = registrations.c, syntax_checks.c
    row = db.execute(
        select(r.check_key, services.c.config)
        .join(services, services.c.id == r.service_id)
        .outerjoin(syntax_checks, and_(c.node == r.node, c.key == r.check_key))
        .where(
            r.node == node,
            r.check_key != "",
            r.error == "",
            or_(c.key.is_(None), and_(c.repeat, c.checked_at < r.synced_at)),
        )
        .order_by(c.key.is_not(None), r.service_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return DueCheck(row.check_key, Service.model_validate(row.config))


def put(db: Connection, node: str, key: str, check: SyntaxCheck) -> None:
    """Store the result of a check, and update the warnings of its services."""
    fresh = {
        "problem": check.problem, "repeat": check.repeat, "checked_at": func.now()
    }  # fmt: skip
    db.execute(
        insert(syntax_checks)
        .values(node=node, key=key, **fresh)
        .on_conflict_do_update(index_elements=["node", "key"], set_=fresh)
    )
    with_key = select(registrations.c.service_id).where(
        registrations.c.node == node, registrations.c.check_key == key
    )
    _update_warnings(db, services.c.id.in_(with_key))


def settle(db: Connection) -> None:
    """Remove the results that no service needs, and update all warnings."""
    needed = exists().where(
        registrations.c.node == syntax_checks.c.node,
        registrations.c.check_key == syntax_checks.c.key,
    )
    db.execute(delete(syntax_checks).where(~needed))
    _update_warnings(db, True)


def _update_warnings(db: Connection, which: Any) -> None:  # an SQL expression
    warning = func.coalesce(_latest_problem(), "")
    db.execute(
        update(services)
        .where(which, services.c.warning != warning)
        .values(warning=warning)
    )


def _latest_problem() -> ScalarSelect[str]:
    """Return the query for the latest problem of a service on any node."""
    r, c = registrations.c, syntax_checks.c
    return (
        select(c.problem)
        .join(registrations, and_(r.node == c.node, r.check_key == c.key))
        .where(r.service_id == services.c.id, r.error == "", c.problem != "")
        .order_by(c.checked_at.desc())
        .limit(1)
        .scalar_subquery()
    )
