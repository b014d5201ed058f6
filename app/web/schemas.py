"""What the API takes and gives, as pydantic models; the OpenAPI description too."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.domain.node import Node
from app.store.events import Event
from app.usecases.catalogue import Listed
from app.usecases.deploy import View
from app.usecases.doctor import Report


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


class StepBody(BaseModel):
    """A step of a deployment; times are ISO 8601 in UTC."""

    position: int
    name: str
    state: str
    message: str
    declared: bool
    started_at: datetime | None
    finished_at: datetime | None


class DeploymentBody(BaseModel):
    """A deployment. `exit_code` is 128 + N where signal N ended the run."""

    id: int
    service: str
    status: str
    reason: str
    actor: str
    origin: str
    variables: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    node: str | None
    last_event: int
    priority: int
    retry_of: int | None
    cancel_requested_by: str | None
    unreachable: bool
    progress: float
    remaining_seconds: float | None
    waits_for: int
    missing_nodes: tuple[str, ...]
    steps: list[StepBody]


class ServiceBody(BaseModel):
    """A service of the catalogue."""

    name: str
    description: str
    kind: str
    error: str
    archived: bool
    variables: dict[str, Any]
    last_deployment: int | None
    last_status: str | None


class NodeBody(BaseModel):
    """A node. `load` is the share of its places that is taken or spoken for."""

    name: str
    state: str
    version: str
    concurrency: int
    running: int
    waiting: int
    load: float
    services: int
    started_at: datetime
    heartbeat_at: datetime


class SyncBody(BaseModel):
    """What a sync found."""

    good: list[str]
    broken: dict[str, str]
    archived: list[str]


class FindingBody(BaseModel):
    """One thing that was looked at; `level` is ok, warning or problem."""

    level: str
    about: str
    sentence: str
    mend: str


class ReportBody(BaseModel):
    """What the doctor found on the host of the web process."""

    host: str
    sick: bool
    findings: list[FindingBody]


class ProblemBody(BaseModel):
    """An error: a sentence, and what is wrong with which variable."""

    error: str
    problems: dict[str, str] = {}


def deployment(view: View) -> DeploymentBody:
    """A deployment as the API shows it."""
    of = view.deployment
    return DeploymentBody(
        id=of.id,
        service=of.service_name,
        status=of.status,
        reason=of.reason,
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
        waits_for=view.ahead,
        missing_nodes=view.missing_nodes,
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


def service(listed: Listed) -> ServiceBody:
    """A service as the API shows it."""
    entry = listed.entry
    spec = entry.service
    return ServiceBody(
        name=entry.name,
        description=spec.description if spec else "",
        kind="" if spec is None else "playbook" if spec.playbook else "script",
        error=entry.error,
        archived=entry.archived_at is not None,
        variables=spec.variables if spec else {},
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
        sick=of.sick,
        findings=[
            FindingBody(
                level=found.level,
                about=found.about,
                sentence=found.sentence,
                mend=found.mend,
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
