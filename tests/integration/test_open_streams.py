"""The limit of open streams, which web processes share."""

import anyio
import pytest
from sqlalchemy import text

from app.domain.access import Actor
from app.errors import TooManyRequests
from app.store.store import Store
from app.usecases import open_streams
from app.web.open_streams import OpenStreams

ADA, BOB = Actor("ada", frozenset()), Actor("bob", frozenset())


def rows(store: Store) -> list[tuple[str, bool]]:
    """Return the owner of each row, and whether it counts."""
    asked = "SELECT owner, held_until > now() FROM open_streams ORDER BY owner"
    with store.begin() as db:
        return [(owner, counts) for owner, counts in db.execute(text(asked))]


def let_expire(store: Store) -> None:
    """Let the lease of each row pass."""
    with store.begin() as db:
        db.execute(text("UPDATE open_streams SET held_until = now()"))


def test_processes_count_the_streams_of_an_actor_together(store: Store) -> None:
    one, two = OpenStreams(store, 1), OpenStreams(store, 1)

    async def main() -> None:
        async with one.hold(ADA):
            async with two.hold(BOB):
                pass
            with pytest.raises(TooManyRequests, match="close others") as refused:
                async with two.hold(ADA):
                    pass
            assert 5 == refused.value.retry_after
        async with two.hold(ADA):
            assert [(ADA.key_owner, True)] == rows(store)

    anyio.run(main)

    assert [] == rows(store)


def test_a_canceled_stream_counts_no_more(store: Store) -> None:
    streams = OpenStreams(store, 1)

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with streams.hold(ADA):
                scope.cancel()
                await anyio.sleep_forever()

    anyio.run(main)

    assert [] == rows(store)


def test_the_streams_of_a_process_that_reports_no_more_do_not_count(
    store: Store,
) -> None:
    open_streams.add(store, "ada", 1)
    with pytest.raises(TooManyRequests):
        open_streams.add(store, "ada", 1)
    let_expire(store)

    open_streams.add(store, "ada", 1)
    open_streams.prune(store)

    assert [("ada", True)] == rows(store)


def test_a_process_that_reports_its_streams_extends_and_restores_them(
    store: Store,
) -> None:
    kept, lost = (open_streams.add(store, name, 1) for name in ("ada", "bob"))
    let_expire(store)
    open_streams.remove(store, lost)

    open_streams.extend(store, {kept: "ada", lost: "bob"})

    assert [("ada", True), ("bob", True)] == rows(store)
