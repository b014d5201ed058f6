"""Require that the launches of some services are confirmed."""

from app.domain.service import Service
from app.errors import Invalid
from app.store.deployments import NewDeployment


class ConfirmationNeeded(Invalid):
    """A launch that is valid has to be confirmed first; `wanted` is what it would do.

    `secrets` are the names of its secret variables.
    """

    def __init__(self, wanted: NewDeployment, secrets: frozenset[str]) -> None:
        super().__init__(
            f"a launch of {wanted.service.name} has to be confirmed: check what it "
            'does, and set "confirm" to true'
        )
        self.wanted = wanted
        self.secrets = secrets


def require(
    present: Service | None,
    wanted: NewDeployment,
    secrets: frozenset[str],
    *,
    confirmed: bool,
) -> None:
    """Raise ConfirmationNeeded if a launch has to be confirmed and isn't.

    The registered service decides as well, so that a commit from before the key was
    set can't be launched without.
    """
    asks = wanted.service.confirm or (present is not None and present.confirm)
    if asks and not confirmed:
        raise ConfirmationNeeded(wanted, secrets)
