"""How `fastdeploy deployment show` prints a deployment."""

from app.cli.output import moment, print_fields, print_table
from app.domain.owed_handlers import OwedHandler
from app.domain.retry import RetryScope
from app.web.schemas import DeploymentDetailBody


def print_deployment(deployment: DeploymentDetailBody) -> None:
    """Print a deployment with its variables and its steps."""
    print_fields(
        (
            ("deployment", deployment.id),
            ("service", deployment.service),
            ("status", deployment.status),
            ("reason", deployment.reason),
            ("actor", f"{deployment.actor} ({deployment.origin})"),
            ("approval", _approval(deployment)),
            ("node", deployment.node),
            ("created", moment(deployment.created_at)),
            ("started", moment(deployment.started_at)),
            ("finished", moment(deployment.finished_at)),
            (_again(deployment), deployment.retry_of),
            ("hosts", ", ".join(deployment.hosts or ())),
            ("commit", deployment.commit),
            ("ref", deployment.ref),
            ("uncommitted changes", deployment.changes),
            ("options", " ".join(deployment.options.arguments)),
            ("speed", deployment.speed),
            *(("variable", f"{k}={v}") for k, v in deployment.variables.items()),
            *(("warning", warning.message) for warning in deployment.warnings),
            *(("owed handler", owed) for owed in _owed(deployment)),
        )
    )
    if deployment.steps:
        print_table(
            ("step", "state", "message"),
            ((step.name, step.state, step.message) for step in deployment.steps),
        )


def _owed(deployment: DeploymentDetailBody) -> list[str]:
    return [
        str(OwedHandler(deployment.id, each.host, each.handler, each.task, each.event))
        for each in deployment.owed_handlers
    ]


def _approval(deployment: DeploymentDetailBody) -> str:
    approval = deployment.approval
    if approval is None:
        return ""
    if approval.decision is None:
        return f"needed until {moment(approval.expires_at)}"
    by = f" by {approval.decided_by}" if approval.decided_by else ""
    comment = f": {approval.comment}" if approval.comment else ""
    return f"{approval.decision}{by}{comment}"


def _again(deployment: DeploymentDetailBody) -> str:
    continues = deployment.retry_scope is RetryScope.CONTINUE
    return "continues" if continues else "retry of"
