"""Every error that FastDeploy raises on purpose.

FastDeployError
├── BadSetting            a FASTDEPLOY_* variable that can't be used
├── Unavailable           something FastDeploy stands on doesn't answer
│   └── Busy                  … because FastDeploy itself asks too much of it
├── NoRoom                FastDeploy's disk is full
├── Invalid               what was asked for can't be done as it was asked
│   ├── InvalidFields         … because of fields that are named one by one
│   │   └── InvalidVariables      … which are launch variables
│   └── KeyReused             … with the idempotency key of another request
├── NotFound              no such service, deployment, user, token or file
├── Conflict              it was right once, but not in the present state
│   └── NodeTaken             another worker uses the name of this node
├── NotLoggedIn           nobody is logged in, or the session or token has ended
├── NotAllowed            somebody is, and may not do this
├── TooManyAttempts       logging in is paused
└── LaunchFailed          a run could not be started

The message is the sentence that a person reads: it says what is wrong and what
to do. `app/web/errors.py` alone knows the HTTP status of each; `app/cli.py` prints
it and exits.
"""

from collections.abc import Mapping
from datetime import datetime


class FastDeployError(Exception):
    """Something that a person can act on; shown without a traceback."""


class BadSetting(FastDeployError):
    """A setting can't be used as it is."""


class Unavailable(FastDeployError):
    """Something that FastDeploy stands on doesn't answer."""


class Busy(Unavailable):
    """FastDeploy has too much to do at the moment; the same works a little later."""


class NoRoom(FastDeployError):
    """FastDeploy's disk is full."""


class Invalid(FastDeployError):
    """What was asked for can't be done as it was asked."""


class InvalidFields(Invalid):
    """Something has fields that can't be as they are; `problems` by name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(
            "; ".join(
                f"{name}: {problem}" if name else problem
                for name, problem in self.problems.items()
            )
        )


class InvalidVariables(InvalidFields):
    """Launch variables that the service's schema refuses."""


class KeyReused(Invalid):
    """An idempotency key came with another request, which led to `deployment_id`."""

    def __init__(self, deployment_id: int) -> None:
        super().__init__(
            f"this idempotency key belongs to deployment {deployment_id}, which was "
            "asked for by another request; use a new key for each request"
        )
        self.deployment_id = deployment_id


class NotFound(FastDeployError):
    """There is nothing by that name."""


class Conflict(FastDeployError):
    """The present state does not allow it."""


class NodeTaken(Conflict):
    """Another worker uses the name of this node; it was heard at `heartbeat_at`."""

    def __init__(self, message: str, heartbeat_at: datetime) -> None:
        super().__init__(message)
        self.heartbeat_at = heartbeat_at


class NotLoggedIn(FastDeployError):
    """Log in first."""


class NotAllowed(FastDeployError):
    """This user or token may not do that."""


class TooManyAttempts(FastDeployError):
    """Logging in is paused for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LaunchFailed(FastDeployError):
    """A run could not be started; the message becomes the deployment's reason."""
