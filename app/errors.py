"""Every error that FastDeploy raises on purpose.

FastDeployError
├── BadSetting            a FASTDEPLOY_* variable that can't be used
├── Unavailable           a dependency, such as PostgreSQL, is unavailable
│   └── Busy                  … because of too many requests at once
├── NoRoom                FastDeploy's disk is full
├── Invalid               the request is invalid
│   ├── InvalidFields         … because of certain fields
│   │   └── InvalidVariables      … which are launch variables
│   └── KeyReused             … because of the idempotency key of another request
├── NotFound              no such service, deployment, user, token or file
├── Conflict              the request conflicts with the present state
│   └── NodeTaken             another worker uses the name of this node
├── PreconditionFailed    the resource isn't what the client has seen
├── NotLoggedIn           no user is logged in, or the session or token has expired
├── ProviderFailed        an OpenID provider failed
├── NotAllowed            the user or token lacks the permission
│   └── SecondFactorRequired  … until they have set up a second factor
├── TooManyAttempts       logging in is paused
│   └── TooManyRequests       a limit of requests is exceeded
├── OutgoingRefused       a request to a URL that a user gave isn't allowed
├── OutgoingFailed        a request to such a URL got no answer
└── LaunchFailed          a run could not be started

The message is the sentence that the user reads: it explains what is wrong and what to
do. `app/web/errors.py` alone knows the HTTP status of each; the commands in `app/cli`
print the message and exit.
"""

from collections.abc import Mapping
from datetime import datetime


class FastDeployError(Exception):
    """An error that the user can act on; it is shown without a traceback."""


class BadSetting(FastDeployError):
    """A setting is invalid."""


class Unavailable(FastDeployError):
    """A dependency of FastDeploy, such as PostgreSQL, is unavailable."""


class Busy(Unavailable):
    """FastDeploy has too many requests at the moment; retry a little later."""


class NoRoom(FastDeployError):
    """FastDeploy's disk is full."""


class Invalid(FastDeployError):
    """The request is invalid."""


class InvalidFields(Invalid):
    """Fields of the request are invalid; `problems` has the error of each, by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(
            "; ".join(
                f"{name}: {problem}" if name else problem
                for name, problem in self.problems.items()
            )
        )


class InvalidVariables(InvalidFields):
    """Launch variables don't match the service's schema."""


class KeyReused(Invalid):
    """The idempotency key belongs to another request, which created `deployment_id`."""

    def __init__(self, deployment_id: int) -> None:
        super().__init__(
            f"this idempotency key belongs to deployment {deployment_id}, which was "
            "launched by another request; use a new key for each request, and the same "
            "key only to repeat a request without a change"
        )
        self.deployment_id = deployment_id


class NotFound(FastDeployError):
    """The requested object doesn't exist."""


class NothingToReport(NotFound):
    """There is nothing to notify of any more."""


class Conflict(FastDeployError):
    """The request conflicts with the present state."""


class PreconditionFailed(FastDeployError):
    """The resource isn't what the client has seen, so it wasn't changed."""


class Superseded(Conflict):
    """A later deployment, `deployment_id`, was successful or continues this one."""

    def __init__(self, message: str, deployment_id: int) -> None:
        super().__init__(message)
        self.deployment_id = deployment_id


class NodeTaken(Conflict):
    """Another worker uses the name of this node; it last reported at `heartbeat_at`."""

    def __init__(self, message: str, heartbeat_at: datetime) -> None:
        super().__init__(message)
        self.heartbeat_at = heartbeat_at


class NotLoggedIn(FastDeployError):
    """The request needs a login, or its session or token has expired."""


class SecondFactorNeeded(NotLoggedIn):
    """The password was right; the login continues with a code, and `secret`."""

    def __init__(self, secret: str) -> None:
        super().__init__("give the code of your second factor")
        self.secret = secret


class ProviderFailed(FastDeployError):
    """An OpenID provider doesn't answer, or what it answers isn't valid."""


class NotAllowed(FastDeployError):
    """The user or token lacks the permission."""


class SecondFactorRequired(NotAllowed):
    """The role of the user needs a second factor, and none is set up."""

    def __init__(self) -> None:
        super().__init__(
            "your role needs a second factor: set up an app or a passkey on the page "
            "/account/second-factor first"
        )


class TooManyAttempts(FastDeployError):
    """Logging in is paused for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequests(TooManyAttempts):
    """A limit of requests is exceeded; `headers` of the response say which, if any."""

    def __init__(
        self, message: str, retry_after: int, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, retry_after)
        self.headers = headers or {}


class OutgoingRefused(FastDeployError):
    """A URL that a user gave is invalid or leads to an address that isn't allowed."""


class OutgoingFailed(FastDeployError):
    """A request to a URL that a user gave got no complete answer; it can be retried."""


class LaunchFailed(FastDeployError):
    """A run could not be started; the message becomes the deployment's reason."""
