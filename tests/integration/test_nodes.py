"""Nodes: which one gets a deployment, which counts as away, which may be removed."""

import pytest
from sqlalchemy import text

from app import bootstrap
from app.domain.access import Actor, Permission
from app.domain.deployment import Origin
from app.domain.node import NodeInstance, NodeState, begun_queue_of, queue_of
from app.errors import Conflict, NodeTaken, NotAllowed, NotFound
from app.queue import make_queue
from app.settings import Settings
from app.store import nodes as node_rows
from app.store import services
from app.store.services import FoundService
from app.store.store import Store
from app.usecases import deploy, nodes
from testing.factories import ROOT, make_service, request_deployment

#: A host name as a cloud gives it.
LONG = "ip-10-0-12-34.eu-central-1.compute.internal"


def beat(
    store: Store, name: str, concurrency: int = 8, *, draining: bool = False
) -> bool:
    """Let a node be heard."""
    return nodes.beat(
        store, name, me=NodeInstance(name), concurrency=concurrency, draining=draining
    )


def register(store: Store, *where: str, error: str = "") -> None:
    """Register the service `hello` on nodes."""
    with store.begin() as db:
        for node in where:
            services.put(db, [FoundService("hello", make_service(), error)], node=node)
        services.settle(db)


def silence(store: Store, name: str, seconds: int) -> None:
    """Let the last heartbeat of a node have been so long ago."""
    with store.begin() as db:
        db.execute(
            text(
                "UPDATE nodes SET heartbeat_at = now() - make_interval(secs => :s) "
                "WHERE name = :name"
            ),
            {"s": seconds, "name": name},
        )


def chosen(store: Store) -> str:
    with store.begin() as db:
        entry = services.find(db, "hello")
        assert entry is not None
        return nodes.choose(db, entry.id)


def launch(store: Store, settings: Settings, name: str) -> int:
    """Ask for a deployment of a service that is registered already."""
    return deploy.launch(
        store,
        make_queue(settings),
        bootstrap.make_secret_box(settings),
        actor=ROOT,
        origin=Origin.CLI,
        service_name=name,
        given={},
    )


def queues(store: Store) -> dict[int, str]:
    """The queue of each deployment's job."""
    query = "SELECT args->>'deployment_id', queue_name FROM procrastinate_jobs"
    with store.begin() as db:
        return {int(number): queue for number, queue in db.execute(text(query))}


def states(store: Store) -> dict[str, NodeState]:
    return {node.name: node.state for node in nodes.list_nodes(store)}


@pytest.mark.parametrize(
    ("seconds", "state"), [(25, NodeState.READY), (35, NodeState.AWAY)]
)
def test_a_node_is_away_after_thirty_silent_seconds(
    store: Store, seconds: int, state: NodeState
) -> None:
    beat(store, "a")

    silence(store, "a", seconds)

    assert {"a": state} == states(store)


def test_a_deployment_goes_to_a_node_that_is_ready(store: Store) -> None:
    register(store, "away", "draining", "ready", "stopped")
    for name in ("away", "ready", "stopped"):
        beat(store, name)
    beat(store, "draining", draining=True)
    silence(store, "away", 60)
    nodes.stop(store, "stopped", NodeInstance("stopped"))

    assert "ready" == chosen(store)


def test_a_deployment_goes_to_the_node_that_is_least_busy(
    store: Store, settings: Settings
) -> None:
    """By its share: one of eight places is less than one of two."""
    for name, concurrency in (("small", 2), ("large", 8)):
        beat(store, name, concurrency)
        with store.begin() as db:
            services.put(db, [FoundService(name, make_service(name=name))], node=name)
        launch(store, settings, name)
    register(store, "large", "small")

    assert "large" == chosen(store)


def test_a_service_that_is_broken_on_a_node_is_not_deployed_there(
    store: Store,
) -> None:
    register(store, "well")
    register(store, "broken", error="it is not JSON")
    beat(store, "broken")

    assert "well" == chosen(store)
    with store.begin() as db:
        entry = services.find(db, "hello")
    assert entry is not None
    assert "" == entry.error


def test_a_service_is_archived_when_the_last_node_has_lost_it(store: Store) -> None:
    register(store, "a", "b")

    gone = []
    for node in ("a", "b"):
        with store.begin() as db:
            services.unregister_all_but(db, set(), node=node)
            gone.append(services.settle(db))

    assert [[], ["hello"]] == gone


def test_a_heartbeat_takes_over_what_an_absent_node_was_to_begin(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)
    register(store, "a")
    assert {number: "node here"} == queues(store)

    beat(store, "a")

    assert {number: "node a"} == queues(store)


def test_nothing_is_taken_from_a_node_that_has_room(
    store: Store, settings: Settings
) -> None:
    beat(store, "here")
    register(store, "a")
    number = request_deployment(store, settings)

    beat(store, "a")

    assert {number: "node here"} == queues(store)


def test_a_node_without_the_service_takes_nothing_over(
    store: Store, settings: Settings
) -> None:
    number = request_deployment(store, settings)

    beat(store, "a")

    assert {number: "node here"} == queues(store)


def test_a_name_is_given_up_by_a_node_that_is_away_and_by_no_other(
    store: Store,
) -> None:
    beat(store, "a")
    with pytest.raises(Conflict, match="another node is called a"):
        nodes.beat(store, "a", me=NodeInstance("other"), concurrency=1)
    silence(store, "a", 60)

    nodes.beat(store, "a", me=NodeInstance("other"), concurrency=1)

    with pytest.raises(Conflict, match="FASTDEPLOY_NODE"):
        beat(store, "a")


def test_a_node_is_asked_for_a_sync_once(store: Store) -> None:
    beat(store, "a")
    with store.begin() as db:
        node_rows.ask_sync(db, but="here")

    assert [True, False] == [beat(store, "a"), beat(store, "a")]


def test_only_a_node_that_is_not_there_can_be_forgotten(
    store: Store, settings: Settings
) -> None:
    queue = make_queue(settings)
    beat(store, "a")
    deployer = Actor("ada", frozenset({Permission.DEPLOY}))

    with pytest.raises(NotAllowed):
        nodes.forget(store, queue, deployer, "a")
    with pytest.raises(NotFound):
        nodes.forget(store, queue, ROOT, "b")
    with pytest.raises(Conflict, match="node a is ready"):
        nodes.forget(store, queue, ROOT, "a")
    nodes.stop(store, "a", NodeInstance("a"))

    assert 0 == nodes.forget(store, queue, ROOT, "a")
    assert {} == states(store)


def test_a_node_with_a_long_name_gets_deployments(
    store: Store, settings: Settings
) -> None:
    register(store, LONG)
    beat(store, LONG)

    number = launch(store, settings, "hello")

    assert {number: queue_of(LONG)} == queues(store)
    assert [1] == [node.waiting for node in nodes.list_nodes(store)]


@pytest.mark.parametrize(
    ("before", "now"),
    [("node {}", queue_of(LONG)), ("begun on {}", begun_queue_of(LONG))],
)
def test_a_started_worker_finds_the_jobs_that_an_earlier_release_left_it(
    store: Store, settings: Settings, before: str, now: str
) -> None:
    register(store, "a")
    beat(store, "a")
    number = launch(store, settings, "hello")
    with store.begin() as db:
        db.execute(
            text("UPDATE procrastinate_jobs SET queue_name = :queue"),
            {"queue": before.format(LONG)},
        )

    nodes.beat(store, LONG, me=NodeInstance(LONG), concurrency=8, starting=True)

    assert {number: now} == queues(store)


# Copies of a node


def start(store: Store, identity: str, instance: str, place: str) -> None:
    me = NodeInstance(identity, instance, place)
    nodes.beat(store, "a", me=me, concurrency=1, starting=True)


def test_a_copy_of_a_nodes_folder_is_refused_while_the_node_is_heard(
    store: Store,
) -> None:
    start(store, "same", "original", "here")
    silence(store, "a", 25)

    with pytest.raises(NodeTaken, match="a copy of this one's folder"):
        start(store, "same", "copy", "there")

    silence(store, "a", 35)
    start(store, "same", "copy", "there")


def test_a_node_whose_worker_was_killed_starts_again_at_once(store: Store) -> None:
    start(store, "same", "killed", "here")

    start(store, "same", "next", "here")

    with pytest.raises(NodeTaken):
        nodes.beat(store, "a", me=NodeInstance("same", "killed", "here"), concurrency=1)


def test_a_node_that_lost_its_name_does_not_stop_the_one_that_has_it(
    store: Store,
) -> None:
    start(store, "same", "original", "here")
    silence(store, "a", 35)
    start(store, "same", "copy", "there")

    nodes.stop(store, "a", NodeInstance("same", "original", "here"))

    assert {"a": NodeState.READY} == states(store)
