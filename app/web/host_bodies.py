"""The response bodies of the API for hosts."""

from datetime import datetime
from typing import Any

from app.domain.deployment import Status
from app.domain.host import HostStatus
from app.store.hosts import Host, ServiceOnHost
from app.usecases.host_timeline import Entry, HostChange, Timeline
from app.usecases.hosts import HostView
from app.web.schemas import Body


class HostServiceBody(Body):
    """A service on a host; times are ISO 8601 in UTC."""

    service: str
    in_inventory: bool | None
    """Whether the inventory of its last run names the host; null if none ever did."""
    version: str
    """The version of the last deployment that was complete on this host."""
    version_deployment: int | None
    status: HostStatus | None
    """How its last deployment on the host ended; null if none has reached it."""
    at: datetime | None
    deployment: int | None
    last: dict[HostStatus, int]
    """The last deployment that ended with each status on the host."""


class HostBody(Body):
    """A host; times are ISO 8601 in UTC."""

    name: str
    project: str
    """The project whose inventory names it, or the service outside of projects."""
    groups: list[str]
    """Its groups in the inventory of the last run."""
    environments: list[str]
    in_inventory: bool | None
    """Whether an inventory names it, by the last run of each service; null if none ever
    did."""
    status: HostStatus | None
    """How the last deployment ended on it; null if none has reached it."""
    last_at: datetime | None
    last_deployment: int | None
    last_service: str
    facts: dict[str, Any]
    """The facts that are kept; empty if none were gathered."""
    facts_at: datetime | None
    services: list[HostServiceBody]


class FactChangeBody(Body):
    """The facts that a deployment found changed."""

    deployment: int
    at: datetime
    before: dict[str, Any]
    after: dict[str, Any]


class HostOwedHandlerBody(Body):
    """A handler that a deployment owes the host."""

    deployment: int
    handler: str
    task: str
    """The task whose change notified it."""


class HostDetailBody(HostBody):
    """A host with what deployments owe it, and how its facts changed, newest first."""

    owed_handlers: list[HostOwedHandlerBody]
    fact_changes: list[FactChangeBody]


class HostDiffBody(Body):
    """A diff of a changed result."""

    item: str
    """The item of the loop; empty without one."""
    lines: list[str]
    more: int
    """The number of lines that are left out."""


class HostChangeBody(Body):
    """A changed result of a task on a host."""

    event: int
    """The number of its event in the deployment."""
    at: datetime
    task: str
    diffs: list[HostDiffBody]


class OutsideEditBody(Body):
    """An edit of a file outside FastDeploy between two times."""

    path: str
    since: datetime
    until: datetime


class TimelineEntryBody(Body):
    """What a deployment did on a host."""

    deployment: int
    service: str
    actor: str
    deployment_status: Status
    status: HostStatus
    """How it ended on the host."""
    changed: int
    failed: int
    complete: bool
    """Whether the host runs the version of the deployment since then."""
    began_at: datetime
    last_at: datetime
    changes: list[HostChangeBody]
    """Those within the times of the request; empty if retention removed the output."""
    more_changes: bool
    """Whether changes are left out."""
    outside: list[OutsideEditBody]
    """The edits outside FastDeploy that the deployment found."""


def host_body(host: Host) -> HostBody:
    """Return the body of a host."""
    return HostBody(**_fields(host))


def host_detail_body(view: HostView) -> HostDetailBody:
    """Return the body of a host with its details."""
    return HostDetailBody(
        **_fields(view.host),
        owed_handlers=[
            HostOwedHandlerBody(
                deployment=each.deployment, handler=each.handler, task=each.task
            )
            for each in view.owed
        ],
        fact_changes=[
            FactChangeBody(
                deployment=each.deployment, at=each.at,
                before=dict(each.before), after=dict(each.after),
            )
            for each in view.fact_changes
        ],
    )  # fmt: skip


def timeline_bodies(found: Timeline) -> list[TimelineEntryBody]:
    """Return the bodies of a page of a timeline."""
    return [_entry(each) for each in found.entries]


def _fields(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "project": host.scope,
        "groups": list(host.groups),
        "environments": host.environments,
        "in_inventory": host.named,
        "status": host.status,
        "last_at": host.last_at,
        "last_deployment": host.last_deployment,
        "last_service": host.last_service,
        "facts": dict(host.facts),
        "facts_at": host.facts_at,
        "services": [_service(each) for each in host.services],
    }


def _service(each: ServiceOnHost) -> HostServiceBody:
    return HostServiceBody(
        service=each.service,
        in_inventory=each.named,
        version=each.version,
        version_deployment=each.version_deployment,
        status=each.status,
        at=each.at,
        deployment=each.deployment,
        last=dict(each.last),
    )


def _entry(entry: Entry) -> TimelineEntryBody:
    visit = entry.visit
    return TimelineEntryBody(
        deployment=visit.deployment,
        service=visit.service,
        actor=visit.actor,
        deployment_status=visit.outcome,
        status=visit.status,
        changed=visit.changed,
        failed=visit.failed,
        complete=visit.complete,
        began_at=visit.began_at,
        last_at=visit.last_at,
        changes=[_change(each) for each in entry.changes],
        more_changes=entry.more,
        outside=[
            OutsideEditBody(path=each.path, since=each.since, until=each.until)
            for each in entry.edits
        ],
    )


def _change(change: HostChange) -> HostChangeBody:
    return HostChangeBody(
        event=change.number,
        at=change.at,
        task=change.task,
        diffs=[
            HostDiffBody(
                item=diff.item, lines=[line.text for line in diff.lines], more=diff.more
            )
            for diff in change.diffs
        ],
    )
