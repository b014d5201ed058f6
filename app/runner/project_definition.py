"""Read a playbook service from the fastdeploy.yml of a project."""

from dataclasses import replace
from pathlib import Path

from . import execution_environment, project_file
from .definition import Definition, from_content
from .errors import RunnerError
from .project_file import NAME as DESCRIPTION
from .yaml_nodes import line_of, parse


def read(folder: Path, file: Path, name: str) -> Definition:
    """Read a service of a project.

    Args:
        folder: The folder of the project.
        file: Its fastdeploy.yml, which may be elsewhere.
        name: The name of the service, `project/service@environment`.

    Raises:
        RunnerError: The file is invalid or unreadable, doesn't define this service in
            this environment as a playbook service, or names a file that is missing or
            outside the folder.
    """
    try:
        text = file.read_bytes()
        project = project_file.load(text)
    except OSError as error:
        raise RunnerError(
            f"Can't read {file} ({error.strerror}): check that it exists and that this "
            "user may read it."
        ) from None
    definition = from_content(
        project_file.find(project, name), folder.absolute(), _place_of(text, name)
    )
    requirements = execution_environment.read(project, definition.folder)
    return replace(definition, requirements=requirements)


def _place_of(text: bytes, name: str) -> str:
    """Return where a fastdeploy.yml defines a service, as a sentence names it."""
    key = name.partition("/")[2].partition("@")[0]
    return f"{DESCRIPTION}, line {line_of(parse(text), ('services', key))}"
