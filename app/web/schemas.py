"""The request and response bodies of the API; the OpenAPI document describes them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from app.domain import field_docstrings
from app.domain.approval import Decision
from app.domain.deployment import Origin, Status
from app.domain.events import EventKind, StepState
from app.domain.node import NodeState
from app.domain.options import NO_OPTIONS, OptionName, Options
from app.domain.retry import RetryScope
from app.domain.run_warning import WarningKind


class LaunchRequest(BaseModel):
    """The body of POST /api/v1/deployments."""

    model_config = ConfigDict(extra="forbid")

    service: Annotated[str, Field(description="Name of the service.")]
    variables: Annotated[
        dict[str, Any], Field(description="Launch variables, by the service's schema.")
    ] = {}
    options: Annotated[
        Options,
        Field(
            description="Options of ansible-playbook, of those that the service allows."
        ),
    ] = NO_OPTIONS
    credentials: Annotated[
        dict[str, dict[str, SecretStr]],
        Field(
            description="Those that are asked at each launch, such as "
            '`{"become:prod": {"password": "…"}}`.'
        ),
    ] = {}
    ref: Annotated[
        str,
        Field(
            max_length=255,
            description="A branch, tag or commit of the project's repository; empty: "
            "its default branch.",
        ),
    ] = ""
    priority: Annotated[
        int, Field(ge=-100, le=100, description="Higher ones come first.")
    ] = 0
    confirm: Annotated[
        bool,
        Field(
            strict=True,
            description="Confirms the launch of a service that asks for it; without "
            "it, such a launch is rejected (422).",
        ),
    ] = False


class Body(BaseModel):
    """A response body; the docstrings of its fields describe them in OpenAPI."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=field_docstrings.describe,
        # Most processes use a few of the bodies, or none.
        defer_build=True,
    )


class StepBody(Body):
    """A step of a deployment; times are ISO 8601 in UTC."""

    position: int
    name: str
    state: StepState
    message: str
    declared: bool
    """Whether config.json declares it; if not, only the run reported it."""
    started_at: datetime | None
    finished_at: datetime | None


class WarningBody(Body):
    """A failure that didn't change the outcome, or hosts that a play left out."""

    kind: WarningKind
    """Why it is a warning: the playbook cleared, rescued or ignored the failure of the
    hosts, or the play ended for them because another host had failed."""
    message: str
    """The warning as a sentence."""
    step: str
    """The step, or the play that ended for the hosts."""
    task: str
    result: Literal["failed", "unreachable", ""]
    hosts: list[str]
    """The first 100 hosts."""
    count: int
    """The number of hosts."""


class DeploymentBody(Body):
    """A deployment."""

    id: int
    service: str
    status: Status
    reason: str
    """The sentence that explains the outcome; empty if it was successful."""
    warnings: list[WarningBody]
    """Failures that didn't change the outcome; empty until it has ended."""
    actor: str
    origin: Origin
    variables: dict[str, Any]
    """The launch variables, without the secret ones."""
    options: Options
    commit: str
    """The commit of the project's repository; empty without one."""
    ref: str
    """The branch or tag that was chosen, as a full name; empty for a commit."""
    changes: str
    """A digest of uncommitted changes in the project's folder; empty without any."""
    partial: bool
    """Whether it is a check, or runs on part of the hosts or tasks only. It doesn't
    count for the running version, the durations and the outcomes of its service. But
    one that continues a complete deployment does: both count as one."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    """The exit code of the run; 128 + N after signal N."""
    node: str | None
    """The node that runs or ran it."""
    last_event: int
    """The number of its latest event."""
    priority: int
    retry_of: int | None
    """The deployment that it retries or continues."""
    retry_scope: RetryScope | None
    """`continue` if it continues that deployment, `failed` if it retries it on the
    hosts that failed; null if it isn't a retry."""
    hosts: tuple[str, ...] | None
    """The hosts that a retry is limited to; null without a limit."""
    cancel_requested_by: str | None
    unreachable: bool
    """Whether its node is away after it was started; `status` is the last known one."""
    progress: float
    """0 to 1, estimated from the usual durations of its steps."""
    remaining_seconds: float | None
    """An estimate; null without earlier runs."""
    late: bool
    """Whether it runs notably longer than the median of earlier runs."""
    queue_position: int
    """The number of deployments of the service that run before it."""
    unavailable_nodes: tuple[str, ...]
    """The nodes that could run it while it is queued; empty if one of them is ready."""
    steps: list[StepBody]


class OwedHandlerBody(Body):
    """A handler that a task notified on a host, and that has not run there since."""

    host: str
    handler: str
    task: str
    """The task whose change notified it."""
    event: int | None
    """The number of the task result; null when the events were deleted."""


class ApprovalBody(Body):
    """The approval that a deployment needs or needed."""

    expires_at: datetime
    """When the deployment is canceled if nobody has approved it."""
    decision: Decision | None
    """`expired` if nobody decided in time; null without a decision."""
    decided_by: str
    """Who approved or rejected it; empty if nobody did."""
    decided_at: datetime | None
    comment: str


class DeploymentDetailBody(DeploymentBody):
    """A deployment with what was chosen for its run, and what its playbook set."""

    speed: str
    """What FastDeploy chose to make the run faster, such as `pipelining, 25 forks`.

    Empty before it started, if it isn't a playbook, and when its output was deleted.
    """
    set_stats: dict[str, Any]
    """The values set by `set_stats`; empty until the playbook has ended."""
    owed_handlers: list[OwedHandlerBody]
    """The handlers that it owes its hosts; the first 200. Empty until it has ended."""
    approval: ApprovalBody | None
    """The approval that it needs or needed; null if it needs none."""


class ServiceBody(Body):
    """A service."""

    name: str
    description: str
    kind: Literal["playbook", "script", ""]
    """Empty if its config.json has never been valid."""
    error: str
    """The error in its config.json or fastdeploy.yml; empty if it is valid."""
    warning: str
    """Why Ansible can't load its playbook, with the file and the line; empty if it can,
    or if that is unknown."""
    archived: bool
    """Whether its folder was removed."""
    variables: dict[str, Any]
    """The JSON Schema of its launch variables."""
    options: list[OptionName]
    """The options of ansible-playbook that may be set at launch."""
    last_deployment: int | None
    last_status: Status | None


class NodeBody(Body):
    """A node."""

    name: str
    state: NodeState
    version: str
    concurrency: int
    """The number of deployments that it can run at a time."""
    running: int
    waiting: int
    load: float
    """Running and waiting deployments as a share of `concurrency`."""
    services: int
    started_at: datetime
    heartbeat_at: datetime


class SyncBody(Body):
    """The result of a sync."""

    valid: list[str]
    invalid: dict[str, str]
    """The errors, by service."""
    archived: list[str]
    """The services whose folder was removed."""
    warnings: dict[str, str]
    """Why a project wasn't read in its present state, or why a service can't be
    launched without a credential, by project or service."""


class ArtifactBody(Body):
    """A file among the artifacts of a deployment."""

    path: str
    """The path relative to the artifacts folder of the deployment."""
    size: int
    """The size in bytes."""


class ServerSentEventBody(BaseModel):
    """A server-sent event of the stream of a deployment."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    event: Literal["deployment", "events", "end"]
    """`end` is the last one."""
    data: str
    """JSON: a DeploymentBody of `deployment`, a list of EventBody of `events`."""
    id: str = ""
    """The number of the last event so far, to continue after it."""


class EventBody(Body):
    """An event of a deployment; the event stream sends lists of them."""

    number: int
    """1, 2, 3 … within the deployment."""
    at: datetime
    kind: EventKind
    name: str
    """The name of the event within its `kind`, or of a step."""
    step: int | None
    """The position of the step that it belongs to."""
    host: str
    task: str
    result: str
    """A task's result on its host, or a step's state."""
    text: str
    """The printed text, at most 16,384 characters."""
    cut: bool
    """Whether the text is truncated; the output has all of it."""
    open: bool
    """Whether the line continues in the next event."""
