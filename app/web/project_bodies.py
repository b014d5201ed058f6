"""The request and response bodies of the API for projects."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.service import Service
from app.domain.service_name import ServiceName, split
from app.web.schemas import Body

if TYPE_CHECKING:
    # A client of a server does without them.
    from app.usecases.project_proposals import Proposal
    from app.usecases.project_views import EnvironmentSummary, ProjectSummary


class AddRequest(BaseModel):
    """The body of POST /api/v1/projects."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[
        str,
        Field(
            description="An absolute path on FastDeploy's host, or the URL of a git "
            "repository."
        ),
    ]
    name: Annotated[
        str,
        Field(
            description="The name of the project; by default the one in its "
            "fastdeploy.yml, or a name like that of its folder."
        ),
    ] = ""
    ref: Annotated[
        str,
        Field(
            max_length=255,
            description="The branch, tag or commit of a git repository whose services "
            "are shown; by default, its HEAD.",
        ),
    ] = ""
    credential: Annotated[
        str,
        Field(
            max_length=80,
            description="The credential with which a git repository is fetched, such "
            "as `git-token:infra`; by default, what git has for FastDeploy's user. "
            "It needs the permission to manage credentials.",
        ),
    ] = ""
    host_key: Annotated[
        str,
        Field(
            max_length=10_000,
            description="The key of the host of a git repository as a known_hosts "
            "line, to be accepted for the project.",
        ),
    ] = ""
    dry_run: Annotated[
        bool, Field(description="Whether to return what would be created only.")
    ] = False


class ProjectServiceBody(Body):
    """A service of a project in an environment."""

    name: str
    """The name of the service in the environment: `infra/site@staging`."""
    service: str
    environment: str
    """Empty if the project has none, or if the error hides them."""
    error: str
    """The error in the service; empty if it is valid."""
    warning: str
    """Why Ansible can't load its playbook; empty if it can, or if that is unknown."""


class ProposedServiceBody(ProjectServiceBody):
    """A service that adding a project creates."""

    playbook: str
    """The path of its playbook, or of its deploy script; empty with an error."""
    inventory: str
    """Empty if ansible.cfg names it, and with an error."""


class EnvironmentBody(Body):
    """What all services of a project have in common in an environment."""

    name: str
    inventory: str
    """Empty if the services have different ones."""
    limit: str
    """The limit of every run; empty if there is none, or services have others."""
    variables: list[str]
    """The names of the variables that are set in every run."""


class ProjectBody(Body):
    """A project."""

    name: str
    source: str
    """Where it comes from: the path of its folder. Empty if it was never valid."""
    credential: str
    """The credential with which its repository is fetched; empty without one."""
    description: str
    environments: list[EnvironmentBody]
    services: list[ProjectServiceBody]
    problem: str
    """The error in its fastdeploy.yml; empty if it is valid."""


class AddedBody(Body):
    """A project that was added, or would be, with what its repository contains.

    Paths are relative to the repository.
    """

    name: str
    source: str
    """The path of the repository."""
    added: bool
    """Whether it was added; false for a dry run."""
    described: bool
    """Whether the repository had a fastdeploy.yml."""
    description: str
    """The text of fastdeploy.yml."""
    services: list[ProposedServiceBody]
    playbooks: list[str]
    inventories: list[str]
    roles: list[str]
    requirements: list[str]
    vaulted: list[str]
    """Files that are encrypted by ansible-vault as a whole."""
    problems: list[str]
    """Sentences about content that was not inspected."""
    warnings: list[str]
    """Sentences about services that can't be launched yet; empty for a dry run."""


class RemovedBody(Body):
    """A project that was removed."""

    name: str
    archived: list[str]
    """The services that no node has any more; their history is kept."""


class RefBody(Body):
    """A branch or tag of a project's repository, as of the last fetch."""

    name: str
    """The full name: `refs/heads/main`."""
    short: str
    """The name without `refs/heads/` or `refs/tags/`."""
    commit: str
    date: str
    """When the commit or the annotated tag was made."""
    subject: str
    """The first paragraph of its message."""


def project_body(project: "ProjectSummary") -> ProjectBody:
    """Return the body of a project."""
    return ProjectBody(
        name=project.name,
        source=project.source,
        credential=project.credential,
        description=project.description,
        environments=[environment_body(each) for each in project.environments],
        services=[
            _service(each.name, each.error, each.warning) for each in project.services
        ],
        problem=project.problem,
    )


def environment_body(environment: "EnvironmentSummary") -> EnvironmentBody:
    """Return the body of an environment."""
    return EnvironmentBody(
        name=environment.name,
        inventory=environment.inventory,
        limit=environment.limit,
        variables=list(environment.variables),
    )


def added_body(
    proposal: "Proposal", *, added: bool, warnings: Iterable[str] = ()
) -> AddedBody:
    """Return the body of a project that was added, or would be."""
    content = proposal.content
    return AddedBody(
        name=proposal.name,
        source=proposal.source.get("git") or str(proposal.root),
        added=added,
        described=proposal.described,
        description=proposal.description,
        services=[_proposed(name, each) for name, each in proposal.services.items()],
        playbooks=content.playbooks,
        inventories=content.inventories,
        roles=content.roles,
        requirements=content.requirements,
        vaulted=content.vaulted,
        problems=content.problems,
        warnings=list(warnings),
    )


def _proposed(name: str, found: Service | str) -> ProposedServiceBody:
    """Return the body of a proposed service, or of the error in it."""
    if isinstance(found, str):
        about = dict(_service(split(name), found))
        return ProposedServiceBody(**about, playbook="", inventory="")
    return ProposedServiceBody(
        **dict(_service(split(name), "")),
        playbook=found.playbook or found.deploy_script or "",
        inventory=found.inventory or "",
    )


def _service(
    name: ServiceName | None, error: str, warning: str = ""
) -> ProjectServiceBody:
    # The description of a project allows no other names.
    assert name is not None
    return ProjectServiceBody(
        name=str(name),
        service=name.service,
        environment=name.environment,
        error=error,
        warning=warning,
    )
