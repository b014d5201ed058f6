"""Launch deployments that wait for an approval, and decide about them."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Grant, Permission, Role, access_of
from app.domain.audit import Action
from app.domain.deployment import Deployment, Origin
from app.domain.options import NO_OPTIONS, Options
from app.queue import make_queue
from app.settings import Settings
from app.store import users
from app.store.store import Store
from app.usecases import approvals, audit, deploy
from testing.factories import ROOT, add_service, make_service, make_user

#: May do nothing but approve.
APPROVER = Actor(
    "olga",
    frozenset({Permission.VIEW, Permission.APPROVE}),
    identity="user:4711",
    access=access_of(Role.MEMBER, [Grant(Permission.APPROVE, "*")]),
)
#: May launch, and approve what others have launched.
LAUNCHER = Actor(
    "ada",
    frozenset(
        {Permission.VIEW, Permission.CHECK, Permission.DEPLOY, Permission.APPROVE}
    ),
    identity="host:ada",
)


def launch(
    store: Store,
    settings: Settings,
    *,
    actor: Actor = LAUNCHER,
    given: Mapping[str, Any] | None = None,
    chosen: Options = NO_OPTIONS,
    requesters: tuple[str, ...] = (),
    **config: Any,
) -> int:
    """Launch a service that asks for an approval; return the deployment."""
    service = make_service(**{"approval": True} | config)
    return deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=actor,
        origin=Origin.BROWSER,
        service_name=add_service(store, service).name,
        given=given or {},
        options=chosen,
        requesters=requesters,
    )


def approve(
    store: Store,
    settings: Settings,
    number: int,
    actor: Actor = APPROVER,
    comment: str = "",
) -> Deployment:
    """Approve a deployment, and return it."""
    approvals.approve(store, make_queue(settings), actor, number, comment)
    return deploy.find(store, number)


def reject(
    store: Store,
    settings: Settings,
    number: int,
    actor: Actor = APPROVER,
    comment: str = "",
) -> Deployment:
    """Reject a deployment, and return it."""
    approvals.reject(store, make_queue(settings), actor, number, comment)
    return deploy.find(store, number)


def make_launcher(store: Store, name: str = "grace", role: Role = Role.ADMIN) -> Actor:
    """Create a user, and return the actor of a session."""
    make_user(store, name, role)
    with store.begin() as db:
        found = users.find(db, name)
    assert found is not None
    return Actor(
        name,
        LAUNCHER.permissions,
        user_id=found.id,
        identity=f"user:{found.id}",
        access=access_of(role, ()),
    )


def jobs(store: Store) -> list[int]:
    """Return the deployments that have a job."""
    with store.begin() as db:
        query = "SELECT (args->>'deployment_id')::int FROM procrastinate_jobs"
        return list(db.scalars(text(f"{query} ORDER BY id")))


def let_expire(store: Store, number: int, milliseconds: int = 0) -> None:
    """Let the time for an approval end, now or after a moment."""
    at = text(
        "UPDATE approvals SET expires_at = now() + :after WHERE deployment_id = :id"
    )
    with store.begin() as db:
        db.execute(at, {"id": number, "after": timedelta(milliseconds=milliseconds)})


def audited(store: Store, action: Action) -> list[tuple[str, int | None, Any]]:
    """Return who did it, the deployment, and what has changed."""
    found = audit.latest(store, ROOT, action=action)
    return [(each.actor, each.deployment, json.loads(each.changes)) for each in found]
