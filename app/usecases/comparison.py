"""Compare two deployments of a service."""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.comparison import Comparison, compare
from app.domain.deployment import Deployment
from app.errors import Invalid, NotFound
from app.store import deployment_steps, deployments, earlier_deployments, results
from app.store.store import Store

#: Maximum number of changed results to compare; a run may have a million.
CHANGES = 2000


@dataclass(frozen=True, slots=True)
class Side:
    """One of two deployments; `cut` says that it has more than CHANGES changes."""

    deployment: Deployment
    cut: bool


@dataclass(frozen=True, slots=True)
class ComparisonSide:
    """Two deployments and their comparison."""

    a: Side
    b: Side
    comparison: Comparison


def look(store: Store, service_name: str, a: int | None, b: int) -> ComparisonSide:
    """Compare two deployments of a service; `a` defaults to the last successful one.

    Raises NotFound if the service doesn't have the deployment or none succeeded before
    `b`, and Invalid if both are the same.
    """
    with store.begin() as db:
        second = _find(db, service_name, b)
        if a is None:
            a = earlier_deployments.last_successful(
                db, service_id=second.service_id, before=b
            )
            if a is None:
                raise NotFound(f"no deployment of {service_name} succeeded before {b}")
        if a == b:
            raise Invalid("choose two different deployments to compare")
        first = _find(db, service_name, a)
        steps = deployment_steps.steps_of_each(db, [a, b])
        changed = [results.changed(db, number, CHANGES + 1) for number in (a, b)]
    return ComparisonSide(
        Side(first, len(changed[0]) > CHANGES),
        Side(second, len(changed[1]) > CHANGES),
        compare(
            first,
            second,
            (steps[a], steps[b]),
            (changed[0][:CHANGES], changed[1][:CHANGES]),
        ),
    )


def _find(db: Connection, service_name: str, number: int) -> Deployment:
    deployment = deployments.find(db, number)
    if deployment is None or deployment.service_name != service_name:
        raise NotFound(f"{service_name} has no deployment {number}")
    return deployment
