"""A node: a host whose worker carries out deployments."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Seconds without a heartbeat after which a node counts as away.
AWAY_AFTER = 30


def queue_of(node: str) -> str:
    """The queue of deployments that this node is to begin."""
    return f"node {node}"


def begun_queue_of(node: str) -> str:
    """The queue of deployments that this node has begun: its runs are there alone."""
    return f"begun on {node}"


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
