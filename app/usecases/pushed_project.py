"""A git project after a push: its rules, what was pushed, and the service to launch."""

from dataclasses import dataclass
from pathlib import Path

from app import project_folder
from app.domain.push import Push, PushRule
from app.domain.revision import Revision, short
from app.domain.service import Service
from app.errors import Conflict
from app.project_folder import Reach
from app.runner import git_command, git_refs, project_source
from app.runner.errors import RunnerError
from app.runner.git_mirror import Mirror
from app.runner.project_source import ProjectSource
from app.services_folder import read_one
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class PushedProject:
    """A project whose repository was fetched after a push."""

    name: str
    services_folder: Path
    data: Path
    source: ProjectSource
    mirror: Mirror
    #: The services at the branch that a sync shows, or the error in each.
    services: dict[str, Service | str]

    @property
    def repository(self) -> str:
        """The URL of the repository."""
        assert self.source.git is not None
        return self.source.git.url

    def commit_of(self, push: Push) -> str:
        """Return the pushed commit, also of an annotated tag.

        Raises Conflict if the branch or tag doesn't contain it any more.
        """
        try:
            commit = self.mirror.resolve(push.commit).commit
            found = git_refs.names(self.mirror.git_dir, "--contains", commit)
        except RunnerError as error:
            raise Conflict(str(error).removesuffix(".")) from None
        if push.ref not in found:
            raise Conflict(
                f"{short(push.ref)} doesn't contain commit {commit[:12]} any more: it "
                "was removed, or moved by a force-push"
            )
        return commit

    def changes(self, push: Push, rule: PushRule) -> bool:
        """Return whether a push changes a path of a rule.

        It does if that is unknown: for a new branch or tag, and after a force-push.
        """
        if not rule.paths:
            return True
        if not push.before or not self.mirror.has(push.before):
            return True
        patterns = [f":(glob){pattern}" for pattern in rule.paths]
        done = git_command.run(
            ["diff", "--quiet", "--no-ext-diff", "--no-textconv", "--no-renames",
             push.before, push.commit, "--", *patterns],
            self.mirror.git_dir,
        )  # fmt: skip
        return done.returncode != 0

    def revision(self, name: str, commit: str, ref: str) -> Revision:
        """Return a service as a commit defines it.

        Raises Conflict if the commit may not be deployed there, or the service is
        invalid.
        """
        try:
            project_source.require_allowed(self.source, self.data, name, commit)
            service = read_one(self.services_folder, self.data, name, commit, ref)
        except RunnerError as error:
            raise Conflict(str(error).removesuffix(".")) from None
        if isinstance(service, str):
            raise Conflict(f"it can't be deployed at {commit[:10]}: {service}")
        return Revision(service, commit, ref)


class FetchFailed(Conflict):
    """The repository can't be fetched at the moment."""


def is_here(settings: Settings, name: str) -> bool:
    """Return whether the services folder of this host has a project."""
    return project_source.is_project(settings.services / name)


def fetch(settings: Settings, reach: Reach, name: str) -> PushedProject:
    """Fetch the repository of a project, and read its rules.

    The rules are those of the branch that a sync shows: what is pushed to another one
    can't decide what it launches.

    Raises:
        FetchFailed: The repository can't be fetched.
        Conflict: The project isn't a git repository.
    """
    folder = settings.services / name
    try:
        source = project_source.read(folder)
    except RunnerError as error:
        raise Conflict(str(error).removesuffix(".")) from None
    if source.git is None:
        raise Conflict(f"the project {name} is a folder, not a git repository")
    if problem := project_folder.fetch(folder, settings.data, reach):
        raise FetchFailed(problem.removesuffix("."))
    defined = project_folder.define(folder, settings.data)
    return PushedProject(
        name,
        settings.services,
        settings.data,
        source,
        source.mirror(settings.data),
        defined.services,
    )
