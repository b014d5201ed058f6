"""A node: a host whose worker carries out deployments."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Seconds without a heartbeat after which a node counts as away.
AWAY_AFTER = 30


#: The longest name of a node, in characters. A host name has at most 253.
MAX_NAME = 253
#: Bytes of a queue's name. Procrastinate notifies on `procrastinate_queue_v1#QUEUE`,
#: and PostgreSQL refuses a channel whose name is longer than 63 bytes.
_MAX_QUEUE = 40


def queue_of(node: str) -> str:
    """The queue of deployments that this node is to begin."""
    return _fitting(earlier_queue_of(node), "node-")


def begun_queue_of(node: str) -> str:
    """The queue of deployments that this node has begun: its runs are there alone."""
    return _fitting(earlier_begun_queue_of(node), "begun-")


def earlier_queue_of(node: str) -> str:
    """What `queue_of` was in releases that didn't shorten the name of a queue."""
    return f"node {node}"


def earlier_begun_queue_of(node: str) -> str:
    """What `begun_queue_of` was in releases that didn't shorten the name of a queue."""
    return f"begun on {node}"


def _fitting(queue: str, prefix: str) -> str:
    """The queue's name; one that is too long is replaced by a hash of it.

    A short name stays as it is, so that workers of an earlier release and jobs that
    wait agree with it. The prefix of a hash has no space, so it equals no short name.
    """
    if len(queue.encode()) <= _MAX_QUEUE:
        return queue
    digest = hashlib.sha256(queue.encode()).hexdigest()
    return prefix + digest[: _MAX_QUEUE - len(prefix)]


class NodeState(StrEnum):
    """What a node does; its runs go on in each of these."""

    #: Takes deployments.
    READY = "ready"
    #: Finishes what it has begun and begins nothing.
    DRAINING = "draining"
    #: Its worker was stopped.
    STOPPED = "stopped"
    #: Nothing was heard of it for longer than AWAY_AFTER.
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class NodeInstance:
    """One start of a node's worker.

    `identity` is stored in the worker's folder, so a copy of the folder has it too.
    `instance` is new with each start. `place` is the same for two starts from one
    folder, on one machine, since that was booted: the lock of the folder says that
    the earlier one has ended.
    """

    identity: str
    instance: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the others see it; its times are aware.

    `running` are the deployments that it has begun and not ended, `waiting` those in
    its queue, `services` those that are registered there and well.
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

    @property
    def room(self) -> int:
        """How many deployments it would begin at once, if it had them."""
        free = max(self.concurrency - self.running, 0)
        return free if self.state is NodeState.READY else 0

    @property
    def load(self) -> float:
        """The share of its places that is taken or spoken for; 1.0 is full."""
        return (self.running + self.waiting) / self.concurrency


def judge_state(
    *, silent: bool, stopped_at: datetime | None, draining: bool
) -> NodeState:
    """Tell what a node does; `silent` says that its last heartbeat is too old."""
    if stopped_at is not None:
        return NodeState.STOPPED
    if silent:
        return NodeState.AWAY
    return NodeState.DRAINING if draining else NodeState.READY
