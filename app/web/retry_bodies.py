"""The bodies of the API about retries and owed handlers."""

from pydantic import BaseModel, ConfigDict, Field

from app.domain.retry import RetryScope
from app.usecases.retry_plans import Choice
from app.web.schemas import Body


class RetryChoiceBody(Body):
    """What a retry of a deployment would do."""

    scope: RetryScope
    """`continue`: the hosts that it didn't finish, owed handlers first; `failed`: the
    hosts that failed or were unreachable; `all`: all its hosts."""
    message: str
    """What it would do, or why it can't be done, as a sentence."""
    possible: bool
    hosts: list[str] | None
    """The hosts that it is limited to; null without a limit."""
    owed_handlers: dict[str, list[str]]
    """The handlers that it runs first, by host."""


class DismissRequest(BaseModel):
    """An owed handler that needn't run."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(max_length=500)
    handler: str = Field(max_length=500)
    """Its name, as in `owed_handlers` of the deployment."""


def retry_choice_body(choice: Choice) -> RetryChoiceBody:
    """Return the body of a choice."""
    plan = choice.plan
    hosts = plan.hosts if plan else None
    return RetryChoiceBody(
        scope=choice.scope,
        message=str(plan) if plan else choice.problem,
        possible=plan is not None,
        hosts=None if hosts is None else list(hosts),
        owed_handlers={h: list(n) for h, n in plan.owed.items()} if plan else {},
    )
