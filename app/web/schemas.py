"""What the API takes and gives, as pydantic models; the OpenAPI description too."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.doctor.diagnosis import Report
from app.domain.deployment import Origin, Status
from app.domain.events import EventKind, StepState
from app.domain.finding import Level
from app.domain.node import Node, NodeState
from app.domain.run_warning import RunWarning, WarningKind
from app.store.events import Event
from app.usecases.deploy import View
from app.usecases.results import Summary
from app.usecases.services import ServiceSummary


class LaunchRequest(BaseModel):
    """POST /api/deployments."""

    model_config = ConfigDict(extra="forbid")

    service: Annotated[str, Field(description="Name of the service.")]
    variables: Annotated[
        dict[str, Any], Field(description="Launch variables, by the service's schema.")
    ] = {}
    priority: Annotated[
        int, Field(ge=-100, le=100, description="Higher ones come first.")
    ] = 0


class Body(BaseModel):
    """Something that the API gives; what stands below a field describes it."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class StepBody(Body):
    """A step of a deployment; times are ISO 8601 in UTC."""

    position: int
    name: str
    state: StepState
    message: str
    declared: bool
    """Whether config.json names it, or the run alone."""
    started_at: datetime | None
    finished_at: datetime | None


class WarningBody(Body):
    """What went wrong in a deployment without making it fail, or who was left out."""

    kind: WarningKind
    """Why it is a warning: the playbook cleared, rescued or ignored what failed on the
    hosts, or they did nothing further because another host had failed."""
    message: str
    """The warning in words."""
    step: str
    """The step, or the play of hosts that did nothing further."""
    task: str
    result: Literal["failed", "unreachable", ""]
    hosts: list[str]
    """The first 100 of the hosts."""
    count: int
    """How many hosts there are."""


class DeploymentBody(Body):
    """A deployment."""

    id: int
    service: str
    status: Status
    reason: str
    """Why it ended as it did, in a sentence; empty if it went well."""
    warnings: list[WarningBody]
    """What went wrong without making it fail; empty until it has ended."""
    actor: str
    origin: Origin
    variables: dict[str, Any]
    """Those that it was launched with, without the secrets."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    """The run's; 128 + N where signal N ended it."""
    node: str | None
    """The node that runs it, or ran it."""
    last_event: int
    """The number of its newest event."""
    priority: int
    retry_of: int | None
    """The deployment that it repeats."""
    cancel_requested_by: str | None
    unreachable: bool
    """It was begun on a node of which nothing is heard; `status` was known last."""
    progress: float
    """0 to 1, by the time that its steps usually take."""
    remaining_seconds: float | None
    """An estimate; null without earlier runs to make it from."""
    queue_position: int
    """How many deployments of the service come before it."""
    unavailable_nodes: tuple[str, ...]
    """The nodes that could run it, while none of them is ready."""
    steps: list[StepBody]


class DeploymentDetailBody(DeploymentBody):
    """A deployment with what its playbook has set for all hosts."""

    set_stats: dict[str, Any]
    """The values of `set_stats`; empty until the playbook has ended."""


class ServiceBody(Body):
    """A service of the catalogue."""

    name: str
    description: str
    kind: Literal["playbook", "script", ""]
    """Empty while its config.json has never been good."""
    error: str
    """What is wrong with its config.json."""
    archived: bool
    """Its folder is gone."""
    variables: dict[str, Any]
    """The JSON Schema of its launch variables."""
    last_deployment: int | None
    last_status: Status | None


class NodeBody(Body):
    """A node."""

    name: str
    state: NodeState
    version: str
    concurrency: int
    """How many deployments it runs at a time."""
    running: int
    waiting: int
    load: float
    """The share of its places that is taken or spoken for."""
    services: int
    started_at: datetime
    heartbeat_at: datetime


class SyncBody(Body):
    """What a sync found."""

    good: list[str]
    broken: dict[str, str]
    """What is wrong, by the service's name."""
    archived: list[str]
    """Those whose folder is gone."""


class FindingBody(Body):
    """One thing that the doctor has looked at."""

    level: Level
    subject: str
    message: str
    fix: str
    """The command that fixes it, typed as root; empty if there is none."""


class ReportBody(Body):
    """What the doctor found on the host of the web process."""

    host: str
    healthy: bool
    """Whether no check found a problem."""
    findings: list[FindingBody]


class ArtifactBody(Body):
    """A file that a run left behind."""

    path: str
    """Relative to the folder of the deployment's artifacts."""
    size: int
    """In bytes."""


class EventBody(Body):
    """An event of a deployment, as the stream sends it in lists."""

    number: int
    """1, 2, 3 … within the deployment."""
    at: datetime
    kind: EventKind
    name: str
    """What kind of news it is within `kind`, or the name of a step."""
    step: int | None
    """The position of the step it belongs to."""
    host: str
    task: str
    result: str
    """A task's result on its host, or a step's state."""
    text: str
    """What was printed, at most 16,384 characters of it."""
    cut: bool
    """There is more of the text; the output has all of it."""
    open: bool
    """The line goes on in the next event."""


class ProblemBody(Body):
    """An error."""

    error: str
    """What went wrong, in a sentence."""
    problems: dict[str, str] = {}
    """What is wrong with which variable or field."""


def deployment(view: View) -> DeploymentBody:
    """A deployment as the API shows it."""
    of = view.deployment
    return DeploymentBody(
        id=of.id,
        service=of.service_name,
        status=of.status,
        reason=of.reason,
        warnings=[_warning(one) for one in of.warnings],
        actor=of.actor,
        origin=of.origin,
        variables=of.variables,
        created_at=of.created_at,
        started_at=of.started_at,
        finished_at=of.finished_at,
        exit_code=of.exit_code,
        node=of.node,
        last_event=of.last_event,
        priority=of.priority,
        retry_of=of.retry_of,
        cancel_requested_by=of.cancel_requested_by,
        unreachable=of.unreachable,
        progress=round(view.progress.fraction, 3),
        remaining_seconds=view.progress.remaining,
        queue_position=view.ahead,
        unavailable_nodes=view.unavailable_nodes,
        steps=[
            StepBody(
                position=step.position,
                name=step.name,
                state=step.state,
                message=step.message,
                declared=step.declared,
                started_at=step.started_at,
                finished_at=step.finished_at,
            )
            for step in view.steps
        ],
    )


def detail(view: View, summary: Summary) -> DeploymentDetailBody:
    """A deployment as the API shows it alone."""
    return DeploymentDetailBody(
        **dict(deployment(view)), set_stats=dict(summary.totals)
    )


def _warning(of: RunWarning) -> WarningBody:
    return WarningBody(
        kind=of.kind,
        message=str(of),
        step=of.step,
        task=of.task,
        result=of.result,
        hosts=list(of.hosts),
        count=of.count,
    )


def service(listed: ServiceSummary) -> ServiceBody:
    """A service as the API shows it."""
    entry = listed.entry
    spec = entry.service
    return ServiceBody(
        name=entry.name,
        description=spec.description if spec else "",
        kind="" if spec is None else "playbook" if spec.playbook else "script",
        error=entry.error,
        archived=entry.archived_at is not None,
        variables=spec.shown_variables if spec else {},
        last_deployment=listed.latest.id if listed.latest else None,
        last_status=listed.latest.status if listed.latest else None,
    )


def node(of: Node) -> NodeBody:
    """A node as the API shows it."""
    return NodeBody(
        name=of.name,
        state=of.state,
        version=of.version,
        concurrency=of.concurrency,
        running=of.running,
        waiting=of.waiting,
        load=round(of.load, 3),
        services=of.services,
        started_at=of.started_at,
        heartbeat_at=of.heartbeat_at,
    )


def report(of: Report) -> ReportBody:
    """What the doctor found, as the API shows it."""
    return ReportBody(
        host=of.host,
        healthy=of.healthy,
        findings=[
            FindingBody(
                level=found.level,
                subject=found.subject,
                message=found.message,
                fix=found.fix,
            )
            for found in of.findings
        ],
    )


def event(of: Event) -> dict[str, object]:
    """An event as the API shows it; a plain dict, since there are so many."""
    return {
        "number": of.number,
        "at": of.at,
        "kind": of.kind,
        "name": of.name,
        "step": of.step,
        "host": of.host,
        "task": of.task,
        "result": of.result,
        "text": of.text,
        "cut": of.cut,
        "open": of.open,
    }
