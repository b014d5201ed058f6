"""The queues of a node fit into PostgreSQL's channels, and no two nodes share one."""

import pytest

from app.domain.node import begun_queue_of, queue_of

#: PostgreSQL takes channel names of up to 63 bytes; this is Procrastinate's prefix.
CHANNEL = "procrastinate_queue_v1#"
LONG = "ip-10-0-12-34.eu-central-1.compute.internal"


@pytest.mark.parametrize(
    "name", ["a", "x" * 35, "x" * 36, LONG, "x" * 253, "ö" * 30, "日本" * 120]
)
def test_the_channel_of_a_queue_is_one_that_postgresql_takes(name: str) -> None:
    for queue in (queue_of(name), begun_queue_of(name)):
        assert len((CHANNEL + queue).encode()) <= 63


def test_a_short_name_keeps_the_queues_that_earlier_releases_gave_it() -> None:
    assert ("node web1", "begun on web1") == (queue_of("web1"), begun_queue_of("web1"))


def test_two_nodes_never_share_a_queue() -> None:
    names = ["a", LONG, f"{LONG}.", f"{LONG[:-1]}L", "x" * 100, "x" * 101]
    # Neither may a node be called like another one's queue.
    names += [queue_of(LONG), queue_of(LONG).removeprefix("node-")]

    queues = [q for name in names for q in (queue_of(name), begun_queue_of(name))]

    assert len(queues) == len(set(queues))
