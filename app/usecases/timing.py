"""Read where the time of a deployment went."""

from app.domain.timing import Profile, Timing, timing_of, usual_seconds
from app.store import timings
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View


def look(store: Store, deployment_id: int) -> Timing:
    """Return where the time of a deployment went; nothing before its end.

    Raises NotFound.
    """
    return of_view(store, deploy.view(store, deployment_id))


def of_view(store: Store, view: View) -> Timing:
    """Return the same for a view. An active deployment needs no query."""
    deployment = view.deployment
    if not deployment.ended:
        return Timing()
    profile: Profile | None = None
    usual: dict[tuple[str, str], float] = {}
    if deployment.service.playbook is not None:
        with store.begin() as db:
            profile = timings.find(db, deployment.id)
            # A partial deployment takes another time than the complete ones.
            if profile is not None and not deployment.partial:
                usual = usual_seconds(timings.earlier(db, deployment))
    return timing_of(deployment, view.steps, view.usual, profile, usual)
