"""What the overview lists: services with their condition, filters, order and groups."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Condition(StrEnum):
    """The status of a service in an environment, the most urgent ones first."""

    #: A deployment is in progress.
    RUNNING = "running"
    #: A worker starts a deployment.
    STARTING = "starting"
    #: The node of the deployment in progress is away.
    UNREACHABLE = "unreachable"
    #: A deployment waits for an approval.
    WAITING_FOR_APPROVAL = "waiting-for-approval"
    #: A deployment is queued.
    QUEUED = "queued"
    #: The latest deployment failed.
    FAILED = "failed"
    #: The latest deployment exceeded its timeout.
    TIMEOUT = "timeout"
    #: The definition has an error, so it can't be deployed.
    INVALID = "invalid"
    #: The latest deployment was canceled.
    CANCELED = "canceled"
    #: The latest deployment was successful.
    SUCCESSFUL = "successful"
    #: It was never deployed.
    NEVER = "never"


class Sort(StrEnum):
    """The order of the rows."""

    #: By name.
    NAME = "name"
    #: The latest deployment first.
    LATEST = "latest"
    #: The most urgent status first.
    STATUS = "status"


class Group(StrEnum):
    """What the rows of a group have in common."""

    #: The project.
    PROJECT = "project"
    #: The status.
    STATUS = "status"
    #: The first label.
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list, and in which order; an empty value lists all.

    Each word of `text` must occur in the name, the description or a label.
    """

    text: str = ""
    status: Condition | None = None
    project: str = ""
    label: str = ""
    environment: str = ""
    favourites: bool = False
    sort: Sort = Sort.NAME
    group: Group | None = None


#: Lists all services by name.
EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Place:
    """A service in one of its environments; `environment` may be empty.

    `error` is the error in its definition, `warning` says why Ansible can't load its
    playbook. `deployment` is the id of the active or latest deployment.
    """

    id: int
    name: str
    environment: str
    error: str
    warning: str
    condition: Condition
    deployment: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A row: a service with the environment in the most urgent condition, `lead`."""

    name: str
    project: str
    description: str
    labels: tuple[str, ...]
    favourite: bool
    lead: Place


@dataclass(frozen=True, slots=True)
class Latest:
    """The active or latest deployment of a service, as far as a row shows it."""

    id: int
    reason: str
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    partial: bool
    check: bool
    warnings: int
