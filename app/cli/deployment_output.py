"""How `fastdeploy deployment show` prints a deployment."""

from app.cli.output import moment, print_fields, print_table
from app.domain.deployment import Deployment
from app.domain.retry import RetryScope
from app.usecases.deploy import View
from app.usecases.results import Summary


def print_deployment(view: View, summary: Summary) -> None:
    """Print a deployment with its variables and its steps."""
    deployment = view.deployment
    print_fields(
        (
            ("deployment", deployment.id),
            ("service", deployment.service_name),
            ("status", deployment.status),
            ("reason", deployment.reason),
            ("actor", f"{deployment.actor} ({deployment.origin})"),
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
            ("speed", summary.speed),
            *(("variable", f"{k}={v}") for k, v in deployment.variables.items()),
            *(("warning", warning) for warning in deployment.warnings),
            *(("owed handler", owed) for owed in summary.owed),
        )
    )
    if view.steps:
        print_table(
            ("step", "state", "message"),
            ((step.name, step.state, step.message) for step in view.steps),
        )


def _again(deployment: Deployment) -> str:
    continues = deployment.retry_scope is RetryScope.CONTINUE
    return "continues" if continues else "retry of"
