"""Walk every route as every kind of actor: who gets through, and what is shown.

The services of the project `secret-canary` are those that limited actors may not see.
Neither their names nor anything that only they have may be in any response.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app import bootstrap
from app.domain.access import INCLUDED, Grant, Permission, Role, SubjectKind
from app.domain.service import Service
from app.project_folder import without_credentials
from app.settings import Settings
from app.store import visibility
from app.store.metadata import metadata
from app.store.store import Store
from app.usecases import grants, host_keys, record, schedule_changes, tokens
from app.usecases.schedule_sources import ScheduleSources
from app.web.app import ROUTES
from app.web.routing import AppRoute
from testing.factories import (
    PASSWORD,
    ROOT,
    make_host_key,
    make_service,
    make_user,
    print_lines,
    request_deployment,
    start_deployment,
)
from testing.web_client import csrf_of, make_client

if TYPE_CHECKING:
    # testing/web_client.py imports it without its warning.
    from starlette.testclient import TestClient

CANARY = "secret-canary"
SEEN = "shop/web@staging"
HIDDEN = (f"{CANARY}/web@live", "shop/web@live")


@dataclass(frozen=True)
class Who:
    """An actor: the role of a user, or a token, with grants."""

    permission: Permission | None
    services: str = ""
    token: bool = False


#: Members and limited tokens. The permission is what the grant gives.
LIMITED = {
    "member-without-grants": Who(None),
    "member-view-service": Who(Permission.VIEW, "shop/web@staging"),
    "member-check-service": Who(Permission.CHECK, "shop/web@staging"),
    "member-deploy-environment": Who(Permission.DEPLOY, "shop/*@staging"),
    "member-cancel-service": Who(Permission.CANCEL, "shop/web@staging"),
    "member-approve-service": Who(Permission.APPROVE, "shop/web@staging"),
    "member-manage-environment": Who(Permission.MANAGE, "*@staging"),
    "token-view-service": Who(Permission.VIEW, "shop/web@staging", token=True),
    "token-deploy-environment": Who(Permission.DEPLOY, "shop/*@staging", token=True),
}


@dataclass(frozen=True)
class Ids:
    """The ids of a service's deployment and schedule."""

    name: str
    deployment: int
    schedule: int

    def url(self, route: AppRoute) -> str:
        """Return the URL of a route that is about this service."""
        is_service = "/services/{name:service}" in route.path
        name = self.name if is_service else self.name.partition("/")[0]
        about_schedule = "schedules" in route.path
        return (
            route.path.replace("{name:service}", name)
            .replace("{name}", name)
            .replace(
                "{id:number}", str(self.schedule if about_schedule else self.deployment)
            )
            .replace("{number:number}", "1")
            .replace("{path:path}", "stdout")
            .replace("{user}", "nobody")
        )

    def without(self, content: str) -> str:
        """Return a response without what the request has named."""
        for own in (self.name, self.name.partition("/")[0]):
            content = content.replace(own, "NAME")
        return re.sub(rf"\b({self.deployment}|{self.schedule})\b", "ID", content)


#: The routes about a part that the seen service doesn't have.
MISSING = {
    "/services/{name:service}/compare",
    "/api/v1/projects/{name}/refs",
    "/account/tokens/{id:number}/revoke",
    "/api/v1/tokens/{id:number}",
    "/api/v1/services/{name:service}/compare",
    "/api/v1/deployments/{id:number}/results/{number:number}",
    "/deployments/{id:number}/results/{number:number}",
    "/deployments/{id:number}/artifacts/{path:path}",
    "/api/v1/deployments/{id:number}/artifacts/{path:path}",
    "/hosts/{name:shortest}/files/{path:path}",
    "/api/v1/hosts/{name:shortest}/files/{path:path}",
}

#: What doesn't exist.
NOTHING = Ids("nothing-here/web@live", 424242, 434343)


@pytest.fixture
def seen(store: Store, settings: Settings) -> Ids:
    """A service that some limited actors see, whose deployment has ended."""
    with store.begin() as db:
        # Numbers that are nothing else in a response.
        db.execute(text("ALTER TABLE deployments ALTER id RESTART WITH 515151"))
        db.execute(text("ALTER TABLE schedules ALTER id RESTART WITH 616161"))
    return add_deployed(store, settings, SEEN, "seen-line", ended=True)


@pytest.fixture
def hidden(store: Store, settings: Settings, seen: Ids) -> list[Ids]:
    """Services that no limited actor sees, with running and queued deployments."""
    assert SEEN == seen.name
    found = [add_deployed(store, settings, name, f"{CANARY}-line") for name in HIDDEN]
    request_deployment(store, settings, _service(HIDDEN[0]))
    host_keys.add(store, ROOT, CANARY, make_host_key(f"{CANARY}-host").line)
    return found


def _service(name: str) -> Service:
    labels = () if name == SEEN else (f"{CANARY}-label",)
    return make_service(name=name, labels=labels, description=f"about {name}")


def add_deployed(
    store: Store, settings: Settings, name: str, line: str, *, ended: bool = False
) -> Ids:
    """Add a service with a deployment, its output and a schedule."""
    running = start_deployment(store, settings, _service(name))
    print_lines(store, running.id, line)
    if ended:
        record.finish(store, running.id, 0)
    schedule = schedule_changes.create(
        store,
        ROOT,
        name,
        {"name": "nightly", "cron": "0 3 * * *"},
        bootstrap.make_secret_box(settings),
        ScheduleSources(settings, without_credentials),
    )
    return Ids(name, running.id, schedule)


def client_of(web: Starlette, store: Store, name: str, who: Who) -> "TestClient":
    """Return a client of a new member or token."""
    client = make_client(web, store, None)
    if who.token:
        assert who.permission is not None
        grant = Grant(who.permission, who.services)
        secret = tokens.create_limited_token(store, ROOT, name, [grant])
        client.headers["Authorization"] = f"Bearer {secret}"
        return client
    make_user(store, name, Role.MEMBER)
    if who.permission is not None:
        wanted = Grant(who.permission, who.services)
        grants.add(store, ROOT, SubjectKind.USER, name, wanted)
    form = {"name": name, "password": PASSWORD}
    assert 303 == client.post("/login", data=form).status_code
    client.headers["X-CSRF-Token"] = csrf_of(client, store)
    return client


def may(who: Who) -> frozenset[Permission]:
    """Return the permissions with which routes let an actor in."""
    if who.permission is None:
        return frozenset({Permission.VIEW})
    return INCLUDED[who.permission]


def walked() -> list[AppRoute]:
    """Return the routes that need a permission, except the one that ends a session."""
    return [r for r in ROUTES if r.permission is not None and r.path != "/logout"]


@pytest.mark.parametrize(("name", "who"), LIMITED.items(), ids=LIMITED.keys())
def test_what_may_not_be_seen_does_not_exist(
    web: Starlette, store: Store, hidden: list[Ids], name: str, who: Who
) -> None:
    client = client_of(web, store, name, who)
    first = list(LIMITED).index(name)

    for number, route in enumerate(walked(), first):
        expected = client.request(route.method, NOTHING.url(route))
        if NOTHING.url(route) != route.path:
            # Each actor asks for both, and each route is asked for both. Of the project
            # `shop`, another service is visible.
            each = hidden[0 if "/projects/" in route.path else number % 2]
            answer = client.request(route.method, each.url(route))
            where = f"{route.method} {each.url(route)}"
            assert expected.status_code == answer.status_code, where
            assert NOTHING.without(expected.text) == each.without(answer.text), where
        assert CANARY not in expected.text, route.path
        assert (route.permission not in may(who)) == (expected.status_code == 403), (
            route.path
        )


@pytest.mark.parametrize(("name", "who"), LIMITED.items(), ids=LIMITED.keys())
def test_what_may_be_seen_shows_nothing_else(
    web: Starlette, store: Store, seen: Ids, hidden: list[Ids], name: str, who: Who
) -> None:
    client = client_of(web, store, name, who)
    shown = who.permission is not None

    for route in walked():
        if route.method != "GET" or route.permission not in may(who):
            continue
        answer = client.get(seen.url(route), headers={"Accept": "text/html"})
        assert answer.status_code < 500, f"{route.path}: {answer.text[-2000:]}"
        assert CANARY not in answer.text, route.path
        assert HIDDEN[1] not in answer.text, route.path
        for each in hidden:
            assert f"/deployments/{each.deployment}" not in answer.text, route.path
        about_it = seen.url(route) != route.path and "/docs/" not in route.path
        if about_it and route.path not in MISSING:
            assert (answer.status_code == 404) != shown, route.path
    listed = client.get("/api/v1/services").json()
    assert [SEEN] * shown == [each["name"] for each in listed]
    listed = client.get("/api/v1/deployments").json()
    assert [seen.deployment] * shown == [each["id"] for each in listed]
    assert [] == client.get("/api/v1/host-keys").json()


def test_every_table_is_filtered_or_says_why_not(store: Store) -> None:
    with store.begin() as db:
        views = set(
            db.scalars(
                text("SELECT viewname FROM pg_views WHERE schemaname = :schema"),
                {"schema": visibility.SCHEMA},
            )
        )

    assert set(visibility.TABLES) == views
    assert set(metadata.tables) == views | visibility.UNFILTERED
    assert not views & visibility.UNFILTERED
