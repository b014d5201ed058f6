"""The routes of the API for retries and owed handlers."""

from app.domain.access import Permission
from app.web import api_parameters, retries, schemas
from app.web.guard import api_route
from app.web.operation import Operation
from app.web.retry_bodies import DismissRequest, RetryChoiceBody
from app.web.routing import AppRoute


def retry_routes(deployment: str) -> list[AppRoute]:
    """Return the routes below the path of a deployment."""
    return [
        api_route("GET", f"{deployment}/retries", retries.api_choices, Permission.VIEW,
            Operation(
                "deployments", "Get what each retry of a deployment would do.",
                list[RetryChoiceBody],
        )),
        api_route("POST", f"{deployment}/retry", retries.api_retry, Permission.CHECK,
            _launch("Retry an ended deployment with the same variables.")),
        api_route("POST", f"{deployment}/retry-failed", retries.api_retry_failed,
            Permission.CHECK, _launch(
                "Retry a deployment on the hosts that failed or were unreachable.",
        )),
        api_route("POST", f"{deployment}/continue", retries.api_resume,
            Permission.CHECK, _launch(
                "Continue a deployment on the hosts that it didn't finish.",
                "The handlers that it owes these hosts run first.",
        )),
        api_route("POST", f"{deployment}/owed-handlers/dismiss", retries.api_dismiss,
            Permission.DEPLOY, Operation(
                "deployments", "Settle an owed handler without running it.",
                schemas.DeploymentDetailBody, body=DismissRequest,
        )),
    ]  # fmt: skip


def _launch(summary: str, description: str = "") -> Operation:
    return Operation(
        "deployments", summary, schemas.DeploymentDetailBody, status=201,
        parameters=(api_parameters.IDEMPOTENCY_KEY, api_parameters.CONFIRM),
        errors=(409,),
        description=description,
    )  # fmt: skip
