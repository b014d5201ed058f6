"""The live feed: every watcher gets every event, once and in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from app.domain.access import Permission, Role
from app.errors import NotFound, NotLoggedIn
from app.settings import Settings
from app.store import access_watch
from app.store import event_stream as feed_module
from app.store.store import Store
from app.supervise import wait_for
from app.usecases import auth, record, tokens, users
from app.usecases.event_stream import look
from app.web.event_stream import json_pieces
from testing.factories import PASSWORD, ROOT, make_user, print_lines, start_deployment
from testing.feed import (
    Numbers,
    cut_listeners,
    listening,
    run,
    watch,
)
from testing.waiting import PATIENCE


def test_the_stream_of_an_ended_deployment_starts_at_any_number(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)
    print_lines(store, running.id, *map(str, range(20)))
    record.finish(store, running.id, 0)
    end = running.last_event + 20 + 1

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            for after in range(end + 1):
                assert [*range(after + 1, end + 1)] == await watch(
                    feed, look_at, running.id, after
                )

    run(main())


def test_watchers_get_what_comes_while_they_watch(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some from the beginning, some late; each from a number of its own."""
    monkeypatch.setattr(feed_module, "LOOK_ANYWAY", PATIENCE * 2)
    running = start_deployment(store, settings)
    begin = running.last_event

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = Numbers(store)
            watchers = []
            for batch in range(30):
                watchers.append(
                    asyncio.create_task(
                        watch(feed, look_at, running.id, after=batch % (begin + 3))
                    )
                )
                await asyncio.to_thread(print_lines, store, running.id, "a", "b", "c")
            await asyncio.to_thread(record.finish, store, running.id, 0)
            found = await asyncio.gather(*watchers)

            end = begin + 30 * 3 + 1
            for number, numbers in enumerate(found):
                assert [*range(number % (begin + 3) + 1, end + 1)] == numbers

    run(main())


def test_streams_end_before_the_process_stops(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            stream = feed.follow(running.id, Numbers(store), 0)
            await anext(stream)
            waiting = asyncio.create_task(ended(stream))

            await feed.close()

            await waiting
            assert {} == feed._hubs  # noqa: SLF001 - nothing is left behind

    run(main())


def test_a_listener_whose_connection_is_cut_comes_back(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "RECONNECT", 0.02)
    monkeypatch.setattr(feed_module, "LOOK_ANYWAY", PATIENCE * 2)
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            watcher = asyncio.create_task(watch(feed, Numbers(store), running.id))
            for _ in range(3):
                await asyncio.to_thread(cut_listeners, settings)
                await asyncio.to_thread(print_lines, store, running.id, "after the cut")
            await asyncio.to_thread(record.finish, store, running.id, 0)

            assert [*range(1, running.last_event + 5)] == await watcher

    run(main())


def test_what_is_not_there_ends_the_watching(store: Store, settings: Settings) -> None:
    async def main() -> None:
        async with listening(settings) as feed:
            with pytest.raises(NotFound):
                await watch(feed, Numbers(store), 42)
            assert {} == feed._hubs  # noqa: SLF001 - nothing is left behind

    run(main())


def test_an_event_is_there_before_a_look_without_news_would_find_it(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notification wakes the hub: nobody waits for LOOK_ANYWAY."""
    monkeypatch.setattr(feed_module, "LOOK_ANYWAY", PATIENCE * 2)
    running = start_deployment(store, settings)

    async def main() -> None:
        async with listening(settings) as feed:
            pieces = feed.follow(running.id, json_pieces(store), 0)
            await anext(pieces)
            await asyncio.to_thread(print_lines, store, running.id, "news-canary")
            while b"news-canary" not in (await anext(pieces)).content:
                pass

    run(main())


def test_only_the_state_is_sent_if_there_are_no_newer_events(
    store: Store, settings: Settings
) -> None:
    running = start_deployment(store, settings)

    news = look(store, running.id, None)

    assert [] == news.events
    assert (running.last_event, running.last_event) == (news.after, news.last)
    assert not news.complete


async def ended(stream: AsyncIterator[object]) -> None:
    """Wait until it ends; it may have got a piece that was ready before."""
    async for _ in stream:
        pass


@pytest.mark.parametrize("how", ["revoked token", "logout", "disabled", "password"])
def test_a_quiet_stream_ends_when_its_watcher_loses_the_right(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The notification ends it; nobody waits for CHECK_ANYWAY."""
    monkeypatch.setattr(access_watch, "CHECK_ANYWAY", PATIENCE * 2)
    running = start_deployment(store, settings)
    make_user(store, role=Role.VIEWER)
    session = auth.log_in(store, "ada", PASSWORD, "192.0.2.1", timedelta(hours=1))
    token = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])

    def session_is_valid() -> bool:
        return auth.by_session(store, session) is not None

    def token_is_valid() -> bool:
        with suppress(NotLoggedIn):
            return auth.by_token(store, token).may(Permission.VIEW)
        return False

    def revoke() -> None:
        match how:
            case "revoked token":
                tokens.revoke_token(store, ROOT, "ci")
            case "logout":
                auth.log_out(store, session, "192.0.2.1")
            case "disabled":
                users.disable(store, ROOT, users.list_users(store, ROOT)[0].id)
            case "password":
                users.set_password(store, ROOT, "ada", f"another {PASSWORD}")

    async def main() -> None:
        async with listening(settings) as feed:
            look_at = json_pieces(store)
            allowed = token_is_valid if how == "revoked token" else session_is_valid
            stream = feed.follow(running.id, look_at, 0, allowed)
            other = feed.follow(running.id, look_at, 0)
            await anext(stream)
            await anext(other)

            await asyncio.to_thread(revoke)

            await ended(stream)
            await asyncio.to_thread(print_lines, store, running.id, "goes on")
            while b"goes on" not in (await anext(other)).content:
                pass

    run(main())


@pytest.mark.parametrize("turns", range(5))
def test_a_task_that_waits_is_canceled_at_the_moment_of_its_event(turns: int) -> None:
    """It went on for ever with Python 3.11, and the web process did not stop."""

    async def main() -> None:
        event = asyncio.Event()

        async def work() -> None:
            while True:
                await wait_for(event, PATIENCE)
                event.clear()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        event.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        task.cancel()
        assert {task} == done

    run(main())
