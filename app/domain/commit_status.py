"""The status of a commit as a provider shows it: what is sent for a deployment."""

from enum import StrEnum

from app.domain.deployment import Status
from app.domain.webhook import Provider

_FINAL = {
    Provider.GITHUB: ("success", "failure", "error"),
    Provider.GITLAB: ("success", "failed", "canceled"),
    Provider.GITEA: ("success", "failure", "error"),
}
#: The maximum length of a description at the providers.
_MAX = 140


class Sent(StrEnum):
    """The last status that was sent."""

    #: None yet.
    NOTHING = ""
    #: The deployment is queued or running.
    PENDING = "pending"
    #: How the deployment ended.
    FINAL = "final"


def content(
    provider: Provider,
    *,
    number: int,
    status: Status,
    sending: Sent,
    context: str,
    page: str,
) -> dict[str, str]:
    """Return the JSON of a request that sets the status of a commit.

    Args:
        provider: One of those with a commit status.
        number: The deployment.
        status: Its status.
        sending: Whether it is the first or the final status.
        context: What distinguishes it from other statuses of the commit.
        page: The URL of the deployment; empty if unknown.
    """
    final = sending is Sent.FINAL
    state = _state(provider, status) if final else "pending"
    said = f"deployment {number} {status if final else 'is queued'}"
    body = {"state": state, "context": context, "description": said[:_MAX]}
    if provider is Provider.GITLAB:
        body["name"] = body.pop("context")
    return body | ({"target_url": page} if page else {})


def headers(provider: Provider, token: str) -> dict[str, str]:
    """Return the headers that authenticate a request."""
    match provider:
        case Provider.GITLAB:
            return {"PRIVATE-TOKEN": token}
        case Provider.GITEA:
            return {"Authorization": f"token {token}"}
        case _:
            return {
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
            }


def _state(provider: Provider, status: Status) -> str:
    success, failure, canceled = _FINAL[provider]
    match status:
        case Status.SUCCESSFUL:
            return success
        case Status.CANCELED:
            return canceled
        case _:
            return failure
