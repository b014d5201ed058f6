"""Choose the commit of a git project that a deployment runs, and list the choices."""

from dataclasses import dataclass

from app.domain.deployment import Deployment
from app.domain.revision import Revision
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import Conflict, Invalid, NotFound
from app.project_folder import Reach
from app.runner import project_source
from app.runner.errors import RunnerError
from app.runner.git_mirror import Commit, Mirror
from app.runner.git_refs import COMMIT, Ref
from app.runner.project_source import FETCH_SECONDS, ProjectSource
from app.services_folder import read_one
from app.settings import Settings
from app.store import deployments, earlier_deployments
from app.store.store import Store

#: The maximum number of branches and tags to offer.
MAX_REFS = 200
#: The maximum number of commits to list between two deployments.
MAX_COMMITS = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed in a repository from one commit to another."""

    older: str
    newer: str
    #: The commits that came in, newest first. Both lists have at most MAX_COMMITS.
    added: list[Commit]
    #: The commits that were removed: of a rollback, or after a force-push.
    removed: list[Commit]
    #: The output of `git diff --stat`.
    stat: str


def choose(
    settings: Settings, reach: Reach, service_name: str, ref: str = ""
) -> Revision | None:
    """Resolve what a launch of a service runs; None if it isn't of a git project.

    The repository is fetched, unless `ref` is a whole commit that is known already.

    Args:
        settings: The settings.
        reach: Returns with what the repository is fetched.
        service_name: The name of the service.
        ref: A branch, a tag or a commit; empty: the default branch of the project.

    Raises:
        Invalid: `ref` is set for a service that has no repository.
        Conflict: The repository can't be fetched, there is no such commit, it may not
            be deployed, or it doesn't define the service validly.
    """
    parts = split(service_name)
    git = parts and parts.project and _source(settings, service_name).git
    if not git:
        if ref:
            raise Invalid(
                f"{service_name} is not in a git repository, so it has no ref to choose"
            )
        return None
    try:
        return _resolve(settings, reach, service_name, ref)
    except RunnerError as error:
        raise Conflict(str(error).removesuffix(".")) from None


def require_available(
    store: Store, settings: Settings, reach: Reach, deployment_id: int
) -> None:
    """Check that the commit of a deployment can be deployed again.

    Nothing is checked if it has none, or doesn't exist. The repository is only fetched
    if the commit is unknown.

    Raises:
        Conflict: The commit isn't in the repository any more, or may not be deployed.
    """
    with store.begin() as db:
        deployment = deployments.find(db, deployment_id)
    recorded = deployment and deployment.service.project
    if not deployment or not recorded or not recorded.commit:
        return
    name, data = deployment.service_name, settings.data
    try:
        source = _source(settings, name)
        if source.git is None or source.git.url != recorded.git:
            return  # The retry itself refuses another repository.
        mirror = source.mirror(data)
        if not mirror.has(recorded.commit):
            mirror.fetch(FETCH_SECONDS, reach(source))
        mirror.require_allowed(recorded.commit, deployment.ref)
        project_source.require_allowed(source, data, name, recorded.commit)
    except RunnerError as error:
        why = str(error).removesuffix(".")
        raise Conflict(
            f"deployment {deployment.id} can't be retried at its commit: {why}"
        ) from None


def refs(settings: Settings, service: Service) -> list[Ref]:
    """Return the branches and tags that a service may be deployed at, newest first.

    They are those of the last fetch; none if the service isn't of a git project.
    """
    if not _has_repository(service):
        return []
    try:
        return _mirror(settings, service.name, service.refs).refs()[:MAX_REFS]
    except RunnerError:
        return []


def refs_of_project(settings: Settings, name: str, prefix: str = "") -> list[Ref]:
    """Return the branches and tags of a project that begin with `prefix`, newest first.

    They are those of the last fetch, and at most MAX_REFS; none if the project isn't a
    git repository.

    Raises:
        NotFound: There is no such project.
        Conflict: Its project.json is invalid, or the repository was never fetched.
    """
    parts = split(name)
    folder = settings.services / name
    if parts is None or parts.project or not project_source.is_project(folder):
        raise NotFound(f"there is no project {name!r}")
    try:
        source = project_source.read(folder)
        if source.git is None:
            return []
        known = source.mirror(settings.data).refs()
    except RunnerError as error:
        raise Conflict(str(error).removesuffix(".")) from None
    found = [ref for ref in known if ref.short.startswith(prefix)
             or ref.name.startswith(prefix)]  # fmt: skip
    return found[:MAX_REFS]


def difference(
    settings: Settings, service: Service, older: str, newer: str
) -> Difference:
    """Return what changed from one commit to another.

    Raises:
        Conflict: A commit isn't in the repository any more.
    """
    try:
        mirror = _mirror(settings, service.name)
        commits = mirror.log(older, newer, MAX_COMMITS)
        return Difference(
            older,
            newer,
            [commit for commit in commits if not commit.removed],
            [commit for commit in commits if commit.removed],
            mirror.stat(older, newer),
        )
    except RunnerError as error:
        raise Conflict(str(error).removesuffix(".")) from None


def since_last_successful(
    store: Store, settings: Settings, deployment_id: int
) -> tuple[Deployment, Deployment | None, Difference | None]:
    """Return a deployment, the last successful one before it, and what came in.

    The last two are None if none succeeded before at a commit.

    Raises:
        NotFound: There is no such deployment.
        Conflict: It has no commit, or a commit isn't in the repository any more.
    """
    with store.begin() as db:
        deployment = deployments.find(db, deployment_id)
        if deployment is None:
            raise NotFound(f"there is no deployment {deployment_id}")
        before = earlier_deployments.last_successful(
            db, service_id=deployment.service_id, before=deployment_id
        )
        earlier = deployments.find(db, before) if before is not None else None
    if not (deployment.commit and _has_repository(deployment.service)):
        raise Conflict(f"deployment {deployment_id} is not of a git repository")
    if earlier is None or not earlier.commit:
        return deployment, None, None
    came_in = difference(
        settings, deployment.service, earlier.commit, deployment.commit
    )
    return deployment, earlier, came_in


def _resolve(settings: Settings, reach: Reach, name: str, ref: str) -> Revision:
    source = _source(settings, name)
    mirror = source.mirror(settings.data)
    if not (COMMIT.fullmatch(ref) and mirror.has(ref)):
        mirror.fetch(FETCH_SECONDS, reach(source))
    resolved = mirror.resolve(ref or source.ref or mirror.default_ref())
    data = settings.data
    project_source.require_allowed(source, data, name, resolved.commit)
    service = read_one(settings.services, data, name, resolved.commit, resolved.ref)
    if isinstance(service, str):
        what = ref or resolved.commit[:10]
        raise Conflict(f"{name} can't be deployed at {what}: {service}")
    return Revision(service, resolved.commit, resolved.ref)


def _has_repository(service: Service) -> bool:
    return service.project is not None and bool(service.project.git)


def _source(settings: Settings, name: str) -> ProjectSource:
    parts = split(name)
    assert parts is not None, "stored services have valid names"
    return project_source.read(settings.services / parts.folder)


def _mirror(settings: Settings, name: str, refs: tuple[str, ...] = ()) -> Mirror:
    source = _source(settings, name)
    if source.git is None:
        raise RunnerError(f"{source.name} is not registered as a git repository now.")
    mirror = source.mirror(settings.data)
    return mirror.limited_to(refs) if refs else mirror
