"""The bodies of the API about the installation."""

from app.setting_rows import SettingRow
from app.usecases.project_views import ProjectSummary
from app.web.project_bodies import EnvironmentBody, environment_body
from app.web.schemas import Body


class SettingBody(Body):
    """A setting of the web process."""

    variable: str
    """The variable that sets it, such as `FASTDEPLOY_PORT`."""
    value: str
    """`hidden` for a secret that is set."""
    default: bool
    """Whether it has its default."""
    description: str


class EnvironmentOfProjectBody(EnvironmentBody):
    """What all services of a project have in common in an environment."""

    project: str


class ChoicesBody(Body):
    """What the options `limit`, `tags` and `skip_tags` of a launch may name."""

    hosts: list[str]
    groups: list[str]
    tags: list[str]


class RemovedNodeBody(Body):
    """A node that was removed."""

    name: str
    failed_deployments: int
    """The number of its started deployments, which have failed now."""


def setting_body(row: SettingRow) -> SettingBody:
    """Return the body of a setting."""
    return SettingBody(
        variable=row.variable,
        value=row.value,
        default=row.usual,
        description=row.description,
    )


def environment_bodies(project: ProjectSummary) -> list[EnvironmentOfProjectBody]:
    """Return the bodies of the environments of a project."""
    return [
        EnvironmentOfProjectBody(project=project.name, **dict(environment_body(each)))
        for each in project.environments
    ]
