"""Read where the time of a deployment went."""

from app.domain.timing import TaskKey, Timing, timing_of, usual_seconds
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
    if deployment.service.playbook is None:
        return timing_of(deployment, view.steps, view.usual)
    usual: dict[TaskKey, float] = {}
    with store.begin() as db:
        profile = timings.find(db, deployment.id)
        # A partial deployment takes another time than the complete ones.
        if profile is not None and not deployment.partial:
            wanted = [task.key for task in profile.tasks]
            usual = usual_seconds(timings.earlier(db, deployment), wanted)
    return timing_of(deployment, view.steps, view.usual, profile, usual)
