"""Open responses end when their client loses access; those of others go on."""

from collections.abc import Callable
from datetime import timedelta

import anyio
import pytest
from sqlalchemy import func, update
from starlette.applications import Starlette

from app.domain.access import Actor, Grant, Permission, Role, SubjectKind
from app.settings import Settings
from app.store import access_tables
from app.store.store import Store
from app.usecases import (
    auth,
    grants,
    own_account,
    teams,
    tokens,
    users,
)
from testing.factories import (
    PASSWORD,
    ROOT,
    make_user,
    print_lines,
    start_deployment,
)
from testing.watched_streams import Stream, watch_until

ADDRESS = "192.0.2.1"
HOUR = timedelta(hours=1)
SCOPES = (Permission.DEPLOY, Permission.VIEW)


def log_in(store: Store, lifetime: timedelta = HOUR) -> str:
    return auth.log_in(store, "ada", PASSWORD, ADDRESS, lifetime)


def ada(store: Store) -> Actor:
    """The actor of a user; one session of hers starts."""
    found = auth.by_session(store, log_in(store))
    assert found is not None
    return found


def user_id(store: Store) -> int:
    found = ada(store).user_id
    assert found is not None
    return found


def change_password(store: Store) -> None:
    newer = f"another {PASSWORD}"
    own_account.change_password(store, ada(store), PASSWORD, newer, log_in(store))


def end_first_session(store: Store) -> None:
    """End the oldest session, which has the streams."""
    actor = ada(store)
    oldest = own_account.list_sessions(store, actor, "")[-1]
    own_account.end_session(store, actor, oldest.id)


#: How an admin or the user takes the access of a session away.
OF_SESSION: dict[str, Callable[[Store, str], object]] = {
    "disabled": lambda store, _: users.disable(store, ROOT, user_id(store)),
    "role": lambda store, _: users.set_role(store, ROOT, user_id(store), Role.VIEWER),
    "member": lambda store, _: users.set_role(store, ROOT, user_id(store), Role.MEMBER),
    "logout": lambda store, secret: auth.log_out(store, secret, ADDRESS),
    "ended": lambda store, _: end_first_session(store),
    "others ended": lambda store, _: own_account.end_other_sessions(
        store, ada(store), log_in(store)
    ),
    "all ended": lambda store, _: users.end_sessions(store, ROOT, "ada"),
    "password changed": lambda store, _: change_password(store),
    "password reset": lambda store, _: users.set_password(
        store, ROOT, "ada", f"another {PASSWORD}"
    ),
}
#: The same for a personal token of the user.
OF_TOKEN: dict[str, Callable[[Store, str], object]] = {
    "disabled": OF_SESSION["disabled"],
    "role": OF_SESSION["role"],
    "revoked": lambda store, _: tokens.revoke_token_by_id(
        store, ROOT, tokens.list_own_tokens(store, ada(store))[0].id
    ),
}


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *(("session", how) for how in OF_SESSION),
        *(("token", how) for how in OF_TOKEN),
    ],
)
def test_streams_end_in_every_process_while_those_of_others_go_on(
    store: Store,
    settings: Settings,
    webs: tuple[Starlette, Starlette],
    kind: str,
    how: str,
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "begun")
    make_user(store, role=Role.DEPLOYER)
    session = log_in(store)
    token = tokens.create_own_token(store, ada(store), "mine", SCOPES)
    others = tokens.create_token(store, ROOT, "others", [Permission.VIEW])
    theirs = ("", session) if kind == "session" else (token, "")
    revoke = (OF_SESSION if kind == "session" else OF_TOKEN)[how]

    async def main() -> list[Stream]:
        return await watch_until(
            webs, store, running.id, theirs, others, lambda: revoke(store, session)
        )

    assert {200} == {stream.status for stream in anyio.run(main)}


def remove_grant_of_crew(store: Store) -> None:
    for each in grants.list_grants(store, ROOT):
        if each.subject.name == "crew":
            grants.remove(store, ROOT, each.id)


#: How an admin takes from a member what they may see.
OF_MEMBER: dict[str, Callable[[Store], object]] = {
    "grant removed": remove_grant_of_crew,
    "left team": lambda store: teams.remove_member(store, ROOT, "crew", "ada"),
    "team removed": lambda store: teams.remove(store, ROOT, "crew"),
}


@pytest.mark.parametrize("how", OF_MEMBER)
def test_streams_end_when_a_grant_does(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette], how: str
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "begun")
    make_user(store, role=Role.MEMBER)
    teams.create(store, ROOT, "crew")
    teams.add_member(store, ROOT, "crew", "ada")
    view = Permission.VIEW
    grants.add(store, ROOT, SubjectKind.TEAM, "crew", Grant(view, "hello"))
    # The permission to view something remains.
    grants.add(store, ROOT, SubjectKind.USER, "ada", Grant(view, "shop/*"))
    others = tokens.create_limited_token(store, ROOT, "others", [Grant(view, "hello")])
    session = log_in(store)

    async def main() -> list[Stream]:
        return await watch_until(
            webs, store, running.id, ("", session), others,
            lambda: OF_MEMBER[how](store),
        )  # fmt: skip

    assert {200} == {stream.status for stream in anyio.run(main)}


def test_streams_of_a_shared_token_end_when_it_is_revoked(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette]
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "begun")
    token = tokens.create_token(store, ROOT, "ci", SCOPES)
    others = tokens.create_token(store, ROOT, "others", [Permission.VIEW])

    async def main() -> list[Stream]:
        return await watch_until(
            webs, store, running.id, (token, ""), others,
            lambda: tokens.revoke_token(store, ROOT, "ci"),
        )  # fmt: skip

    assert {200} == {stream.status for stream in anyio.run(main)}


@pytest.mark.parametrize("kind", ["session", "token"])
def test_streams_end_when_the_session_or_token_expires(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette], kind: str
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, "begun")
    make_user(store, role=Role.DEPLOYER)
    others = tokens.create_token(store, ROOT, "others", [Permission.VIEW])
    # On a busy machine, a session may expire before all of its streams have started.
    for seconds in (1, 4, 16, 64):
        lifetime = timedelta(seconds=seconds)
        token, session = "", log_in(store, lifetime)
        if kind == "token":
            token, session = tokens.create_token(store, ROOT, f"{seconds}", SCOPES), ""
            with store.begin() as db:
                db.execute(
                    update(access_tables.tokens)
                    .where(access_tables.tokens.c.name == f"{seconds}")
                    .values(expires_at=func.now() + lifetime)
                )
        found = anyio.run(
            watch_until,
            webs, store, running.id, (token, session), others, lambda: None,
        )  # fmt: skip
        if {200} == {stream.status for stream in found}:
            return
    pytest.fail("the streams did not begin within 64 seconds")
