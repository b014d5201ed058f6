"""The bodies of the API that compare deployments, and those about commits."""

from collections.abc import Iterable

from app.domain.comparison import Pair
from app.domain.events import StepState
from app.domain.steps import Step
from app.runner.git_mirror import Commit
from app.usecases.comparison import ComparisonSide
from app.usecases.revisions import Difference
from app.web.schemas import Body


class PairBody(Body):
    """A value of both deployments; null where one doesn't have it."""

    name: str
    a: str | None
    b: str | None


class StepTimeBody(Body):
    """A step of one of the deployments."""

    state: StepState
    seconds: float | None


class StepPairBody(Body):
    """A step of both deployments; null where one doesn't have it."""

    name: str
    a: StepTimeBody | None
    b: StepTimeBody | None


class TaskChangeBody(Body):
    """The hosts that a task changed in both deployments, or in one of them only."""

    task: str
    both: list[str]
    only_a: list[str]
    only_b: list[str]


class ComparisonBody(Body):
    """Two deployments of a service, compared."""

    a: int
    b: int
    variables: list[PairBody]
    options: list[PairBody]
    config: list[PairBody]
    """The keys of config.json whose values differed at launch."""
    steps: list[StepPairBody]
    changes: list[TaskChangeBody]
    cut: bool
    """Whether a deployment has more changed results than are compared (2,000)."""


class CommitBody(Body):
    """A commit of the project's repository."""

    commit: str
    author: str
    date: str
    """When it was committed, in ISO 8601."""
    subject: str
    """The first paragraph of its message."""


class CommitsBody(Body):
    """The commits between a deployment and the last successful one before it."""

    deployment: int
    commit: str
    earlier: int | None
    """The last successful deployment before; null if there is none with a commit."""
    earlier_commit: str
    added: list[CommitBody]
    """The commits that came in, newest first; the first 100."""
    removed: list[CommitBody]
    """The commits that were removed, such as by a rollback; the first 100."""
    stat: str
    """The output of `git diff --stat`."""


def comparison_body(found: ComparisonSide) -> ComparisonBody:
    """Return the body of a comparison."""
    compared = found.comparison
    return ComparisonBody(
        a=found.a.deployment.id,
        b=found.b.deployment.id,
        variables=_pairs(compared.variables),
        options=_pairs(compared.options),
        config=_pairs(compared.config),
        steps=[
            StepPairBody(name=pair.name, a=_step(pair.a), b=_step(pair.b))
            for pair in compared.steps
        ],
        changes=[
            TaskChangeBody(
                task=change.task,
                both=list(change.both),
                only_a=list(change.a),
                only_b=list(change.b),
            )
            for change in compared.changes
        ],
        cut=found.a.cut or found.b.cut,
    )


def commits_body(
    deployment: tuple[int, str],
    earlier: tuple[int | None, str],
    difference: Difference | None,
) -> CommitsBody:
    """Return the body of the commits of a deployment; both are an id and a commit."""
    return CommitsBody(
        deployment=deployment[0],
        commit=deployment[1],
        earlier=earlier[0],
        earlier_commit=earlier[1],
        added=_commits(difference.added) if difference else [],
        removed=_commits(difference.removed) if difference else [],
        stat=difference.stat if difference else "",
    )


def _pairs(pairs: Iterable[Pair]) -> list[PairBody]:
    return [PairBody(name=pair.name, a=pair.a, b=pair.b) for pair in pairs]


def _step(step: Step | None) -> StepTimeBody | None:
    if step is None:
        return None
    return StepTimeBody(state=step.state, seconds=step.seconds)


def _commits(commits: Iterable[Commit]) -> list[CommitBody]:
    return [
        CommitBody(
            commit=one.commit, author=one.author, date=one.date, subject=one.subject
        )
        for one in commits
    ]
