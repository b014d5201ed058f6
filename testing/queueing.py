"""Deployments that wait for each other."""

from collections.abc import Sequence
from itertools import pairwise

import psycopg

from app.domain.deployment import Deployment, Status
from app.settings import Settings
from testing.installation import Installation
from testing.runs import start_script
from testing.scripts import ALONE


def start_alone(made: Installation, name: str, **config: object) -> int:
    """Launch a run that fails beside another one of its service, until released."""
    return start_script(made, name, ALONE, **config)


def successful(made: Installation, numbers: Sequence[int]) -> list[Deployment]:
    """Wait until the deployments have ended, and check that all were successful."""
    ended = [made.ended(number) for number in numbers]
    assert [(number, Status.SUCCESSFUL) for number in numbers] == [
        (found.id, found.status) for found in ended
    ]
    return ended


def assert_one_after_another(ended: Sequence[Deployment]) -> None:
    """Check that each deployment started after the previous one had finished."""
    for before, after in pairwise(ended):
        assert before.finished_at is not None
        assert after.started_at is not None
        assert before.finished_at <= after.started_at


def jobs(settings: Settings) -> list[tuple[int, str]]:
    """Return the deployments that have a job, and the queue of each job."""
    with psycopg.connect(settings.database) as connection:
        return connection.execute(
            "SELECT (args->>'deployment_id')::int, queue_name FROM procrastinate_jobs"
        ).fetchall()
