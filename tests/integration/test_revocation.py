"""Open responses end when their client loses access; those of others go on."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from sqlalchemy import func, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message

from app.bootstrap.web import make_web
from app.domain.access import Actor, Grant, Permission, Role
from app.domain.deployment import Status
from app.errors import NotLoggedIn
from app.settings import Settings
from app.store import access_tables, access_watch, output
from app.store.access_watch import AccessWatch
from app.store.grants import SubjectKind
from app.store.store import Store
from app.usecases import (
    auth,
    deploy,
    grants,
    own_account,
    record,
    teams,
    tokens,
    users,
)
from app.web.revocation import until_revoked
from testing.asgi import Client
from testing.factories import (
    PASSWORD,
    ROOT,
    make_runner_line,
    make_user,
    print_lines,
    record_lines,
    start_deployment,
)
from testing.waiting import PATIENCE

ADDRESS = "192.0.2.1"
HOUR = timedelta(hours=1)
SCOPES = (Permission.DEPLOY, Permission.VIEW)
#: An event stream for a script, one for a page, and followed output.
STREAMS = (
    "/api/deployments/{}/events",
    "/deployments/{}/events",
    "/api/deployments/{}/output?follow=1",
)


@pytest.fixture
def webs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Starlette, Starlette]]:
    """Two web processes, in which only notifications and expiry cause a check."""
    monkeypatch.setattr(access_watch, "CHECK_ANYWAY", PATIENCE * 2)
    webs = make_web(settings), make_web(settings)
    yield webs
    for web in webs:
        web.state.deps.store.close()


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


class Stream:
    """A client that reads a response until its end."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._address = address
        self.status = 0
        self.content = b""
        self.ended = False
        self._arrived = anyio.Event()
        self._leave = anyio.Event()

    async def read(self) -> None:
        async def take(message: Message) -> None:
            self.status = message.get("status", self.status)
            self.content += message.get("body", b"")
            if self.content:
                self._arrived.set()
                self._arrived = anyio.Event()

        await self._client.request(self._address, on_message=take, leave=self._leave)
        self.ended = True
        self._arrived.set()

    async def wait_for(self, content: bytes) -> None:
        """Wait until something was received, or the end."""
        while content not in self.content or not self.content:
            if self.ended:
                return
            await self._arrived.wait()

    def leave(self) -> None:
        self._leave.set()


async def watch_until(
    webs: tuple[Starlette, ...],
    store: Store,
    number: int,
    theirs: tuple[str, str],
    others: str,
    revoke: Callable[[], object],
) -> list[Stream]:
    """Open streams in each process, revoke, and wait until they have ended.

    The stream of a client with the token `others` must get what is printed next.
    """
    token, session = theirs
    mine = [
        Stream(Client(web, token, session), address.format(number))
        for web in webs
        for address in STREAMS
    ]
    other = [Stream(Client(web, others), STREAMS[2].format(number)) for web in webs]
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as listening:
            for web in webs:
                listening.start_soon(web.state.deps.feed.listen)
            async with anyio.create_task_group() as reading:
                for stream in (*mine, *other):
                    reading.start_soon(stream.read)
                for stream in (*mine, *other):
                    await stream.wait_for(b"")
                async with anyio.create_task_group() as ending:
                    ending.start_soon(anyio.to_thread.run_sync, revoke)
                    for stream in mine:
                        ending.start_soon(stream.wait_for, b"never printed")
                assert Status.RUNNING is deploy.find(store, number).status
                await anyio.to_thread.run_sync(print_lines, store, number, "goes on")
                for stream in other:
                    await stream.wait_for(b"goes on")
                assert not any(stream.ended for stream in other)
                for stream in other:
                    stream.leave()
            listening.cancel_scope.cancel()
    return mine


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


LINES = [f"line {number} {'x' * 200}" for number in range(output.MAX_EVENTS + 500)]


@pytest.mark.parametrize(
    "address",
    [
        "/deployments/{}/output",
        "/api/deployments/{}/artifacts.tar.gz",
        "/api/deployments/{}/artifacts/stdout",
    ],
)
def test_a_download_is_broken_off_although_its_client_reads_nothing(
    store: Store, settings: Settings, webs: tuple[Starlette, Starlette], address: str
) -> None:
    running = start_deployment(store, settings)
    record_lines(store, running.id, make_runner_line(stdout=""))
    print_lines(store, running.id, *LINES)
    record.finish(store, running.id, 0)
    token = tokens.create_token(store, ROOT, "ci", SCOPES)
    complete = True

    async def main() -> None:
        nonlocal complete

        async def read_nothing_more(message: Message) -> None:
            nonlocal complete
            if message.get("body"):
                complete = not message.get("more_body", False)
                await anyio.to_thread.run_sync(tokens.revoke_token, store, ROOT, "ci")
                await anyio.sleep_forever()

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as listening:
                listening.start_soon(webs[0].state.deps.feed.listen)
                client = Client(webs[0], token)
                await client.request(
                    address.format(running.id), on_message=read_nothing_more
                )
                listening.cancel_scope.cancel()

    anyio.run(main)

    assert not complete


def test_a_response_that_was_made_while_its_access_was_revoked_is_not_sent(
    store: Store, webs: tuple[Starlette, Starlette]
) -> None:
    token = tokens.create_token(store, ROOT, "ci", SCOPES)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "headers": headers, "app": webs[0], "path": "/"}
    request = Request(scope)
    request.state.actor = auth.by_token(store, token)
    sent: list[Message] = []

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        response = until_revoked(request, StreamingResponse(iter([b"content"])))
        tokens.revoke_token(store, ROOT, "ci")
        with pytest.raises(NotLoggedIn):
            await response(scope, receive, send)

    anyio.run(main)

    assert [] == sent


def test_an_expired_access_is_checked_until_postgresql_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock of PostgreSQL may be behind that of the web process."""
    monkeypatch.setattr(access_watch, "CHECK_ANYWAY", PATIENCE * 2)
    monkeypatch.setattr(access_watch, "CHECK_AGAIN", 0.01)
    checks = iter([True, True, False])

    async def main() -> None:
        access, revoked = AccessWatch(), asyncio.Event()

        async def on_revoked() -> None:
            revoked.set()

        task = asyncio.create_task(access.run())
        expired = datetime.now(UTC) - HOUR
        async with asyncio.timeout(PATIENCE):
            with access.watch(lambda: next(checks), on_revoked, expired) as watcher:
                await revoked.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert watcher.revoked

    asyncio.run(main())

    assert [] == list(checks)


def test_streams_with_one_token_are_checked_once() -> None:
    """A thousand streams of a few users must not take a thousand queries."""
    checks = 0

    def allowed() -> bool:
        nonlocal checks
        checks += 1
        return False

    async def main() -> None:
        access, revoked, ended = AccessWatch(), 0, asyncio.Event()

        async def on_revoked() -> None:
            nonlocal revoked
            revoked += 1
            if revoked == 100:
                ended.set()

        task = asyncio.create_task(access.run())
        with ExitStack() as open_streams:
            for _ in range(100):
                open_streams.enter_context(access.watch(allowed, on_revoked))
            access.changed()
            async with asyncio.timeout(PATIENCE):
                await ended.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())

    assert 1 == checks
