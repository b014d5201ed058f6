"""A node: a host whose worker runs deployments."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product

#: Seconds without a heartbeat after which a node counts as away.
AWAY_AFTER = 30


#: The longest name of a node, in characters. A host name has at most 253.
MAX_NAME = 253
#: Bytes of a queue's name. Procrastinate notifies on `procrastinate_queue_v1#QUEUE`,
#: and PostgreSQL rejects a channel whose name is longer than 63 bytes.
_MAX_QUEUE = 40


def queue_of(node: str) -> str:
    """Return the queue of deployments that this node will start."""
    return _fitting(earlier_queue_of(node), "node-")


def begun_queue_of(node: str) -> str:
    """Return the queue of deployments that this node has started.

    Their runs are on this node, so no other node can continue them.
    """
    return _fitting(earlier_begun_queue_of(node), "begun-")


def earlier_queue_of(node: str) -> str:
    """Return the queue of `queue_of` in releases that didn't shorten queue names."""
    return f"node {node}"


def earlier_begun_queue_of(node: str) -> str:
    """Return the queue of `begun_queue_of` in releases without shortened names."""
    return f"begun on {node}"


def _fitting(queue: str, prefix: str) -> str:
    """Return the queue's name, or a hash of it if it is too long.

    A short name stays unchanged, so it matches the name in queued jobs and in workers
    of an earlier release. The prefix of a hash has no space, so it can't collide with
    a short name.
    """
    if len(queue.encode()) <= _MAX_QUEUE:
        return queue
    digest = hashlib.sha256(queue.encode()).hexdigest()
    return prefix + digest[: _MAX_QUEUE - len(prefix)]


class NodeState(StrEnum):
    """The state of a node; its runs continue in every state."""

    #: Starts deployments.
    READY = "ready"
    #: Finishes started deployments and starts no new ones.
    DRAINING = "draining"
    #: Its worker was stopped.
    STOPPED = "stopped"
    #: Has sent no heartbeat for longer than AWAY_AFTER.
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class NodeInstance:
    """One start of a node's worker.

    `identity` is stored in the worker's folder, so a copy of the folder has the same.
    `instance` is new with each start. `place` is the same for two starts from one
    folder on one machine since its last boot. As the worker locks its folder, the
    earlier one of these has ended.
    """

    identity: str
    instance: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the others see it; its times are aware.

    `running` counts its started deployments that have not ended, `waiting` those in
    its queue, and `services` the valid services that are registered on it.
    """

    name: str
    version: str
    concurrency: int
    state: NodeState
    started_at: datetime
    heartbeat_at: datetime
    running: int
    waiting: int
    services: int
    #: The ids of its secret keys, the one that encrypts first; empty if unknown.
    key_ids: tuple[str, ...] = ()

    @property
    def encrypts(self) -> bool:
        """Whether its worker is running, and its secret keys are known."""
        return bool(self.key_ids) and self.state in {
            NodeState.READY,
            NodeState.DRAINING,
        }

    @property
    def room(self) -> int:
        """Number of deployments that it could start immediately."""
        free = max(self.concurrency - self.running, 0)
        return free if self.state is NodeState.READY else 0

    @property
    def load(self) -> float:
        """Running and waiting deployments divided by the concurrency; 1.0 is full."""
        return (self.running + self.waiting) / self.concurrency


def with_other_keys(nodes: Iterable[Node]) -> list[str]:
    """Return the nodes of which one can't decrypt what another one encrypts.

    Nodes that are stopped or away don't count, nor those whose keys aren't known. While
    a key is rotated, nodes that know both keys are not a problem.
    """
    present = [each for each in nodes if each.encrypts]
    found = set()
    for one, other in product(present, repeat=2):
        if one.key_ids[0] not in other.key_ids:
            found |= {one.name, other.name}
    return sorted(found)


def judge_state(
    *, silent: bool, stopped_at: datetime | None, draining: bool
) -> NodeState:
    """Return the state of a node; `silent` says that its last heartbeat is too old."""
    if stopped_at is not None:
        return NodeState.STOPPED
    if silent:
        return NodeState.AWAY
    return NodeState.DRAINING if draining else NodeState.READY
