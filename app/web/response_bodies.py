"""Convert deployments, services, nodes, reports and events to response bodies."""

from app.doctor.diagnosis import Report
from app.domain.approval import Approval
from app.domain.node import Node
from app.domain.run_warning import RunWarning
from app.store.events import Event
from app.usecases.deploy import View
from app.usecases.results import Summary
from app.usecases.services import ServiceSummary
from app.web.approval_bodies import approval_body
from app.web.doctor_bodies import FindingBody, ReportBody
from app.web.schemas import (
    DeploymentBody,
    DeploymentDetailBody,
    NodeBody,
    OwedHandlerBody,
    ServiceBody,
    StepBody,
    WarningBody,
)


def deployment_body(view: View) -> DeploymentBody:
    """Return the body of a deployment."""
    deployment = view.deployment
    return DeploymentBody(
        id=deployment.id,
        service=deployment.service_name,
        status=deployment.status,
        reason=deployment.reason,
        warnings=[_warning(warning) for warning in deployment.warnings],
        actor=deployment.actor,
        origin=deployment.origin,
        variables=deployment.variables,
        options=deployment.options,
        commit=deployment.commit,
        ref=deployment.ref,
        changes=deployment.changes,
        partial=deployment.partial,
        created_at=deployment.created_at,
        started_at=deployment.started_at,
        finished_at=deployment.finished_at,
        exit_code=deployment.exit_code,
        node=deployment.node,
        last_event=deployment.last_event,
        priority=deployment.priority,
        retry_of=deployment.retry_of,
        retry_scope=deployment.retry_scope,
        hosts=deployment.hosts,
        cancel_requested_by=deployment.cancel_requested_by,
        unreachable=deployment.unreachable,
        progress=round(view.progress.fraction, 3),
        remaining_seconds=view.progress.remaining,
        late=view.late,
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


def deployment_detail_body(
    view: View, summary: Summary, approval: Approval | None
) -> DeploymentDetailBody:
    """Return the body of a deployment with its summary and its approval."""
    return DeploymentDetailBody(
        **dict(deployment_body(view)),
        speed=summary.speed,
        set_stats=dict(summary.totals),
        owed_handlers=[
            OwedHandlerBody(
                host=each.host, handler=each.handler, task=each.task, event=each.number
            )
            for each in summary.owed
        ],
        approval=approval_body(approval) if approval else None,
    )


def _warning(warning: RunWarning) -> WarningBody:
    return WarningBody(
        kind=warning.kind,
        message=str(warning),
        step=warning.step,
        task=warning.task,
        result=warning.result,
        hosts=list(warning.hosts),
        count=warning.count,
    )


def service_body(summary: ServiceSummary) -> ServiceBody:
    """Return the body of a service."""
    entry = summary.entry
    spec = entry.service
    return ServiceBody(
        name=entry.name,
        description=spec.description if spec else "",
        kind="" if spec is None else "playbook" if spec.playbook else "script",
        error=entry.error,
        warning=entry.warning,
        archived=entry.archived_at is not None,
        variables=spec.shown_variables if spec else {},
        options=list(spec.options) if spec else [],
        last_deployment=summary.latest.id if summary.latest else None,
        last_status=summary.latest.status if summary.latest else None,
    )


def node_body(node: Node) -> NodeBody:
    """Return the body of a node."""
    return NodeBody(
        name=node.name,
        state=node.state,
        version=node.version,
        concurrency=node.concurrency,
        running=node.running,
        waiting=node.waiting,
        load=round(node.load, 3),
        services=node.services,
        started_at=node.started_at,
        heartbeat_at=node.heartbeat_at,
    )


def report_body(report: Report) -> ReportBody:
    """Return the body of a report of the doctor."""
    return ReportBody(
        host=report.host,
        healthy=report.healthy,
        findings=[
            FindingBody(
                level=finding.level,
                subject=finding.subject,
                message=finding.message,
                fix=finding.fix,
            )
            for finding in report.findings
        ],
    )


def event_body(event: Event) -> dict[str, object]:
    """Return the body of an event as a dict: a model for each would be too slow."""
    return {
        "number": event.number,
        "at": event.at,
        "kind": event.kind,
        "name": event.name,
        "step": event.step,
        "host": event.host,
        "task": event.task,
        "result": event.result,
        "text": event.text,
        "cut": event.cut,
        "open": event.open,
    }
