"""Read a playbook service from the fastdeploy.yml of a project."""

from dataclasses import replace
from pathlib import Path

from . import execution_environment, project_file
from .definition import Definition, from_content
from .errors import FileProblem, RunnerError
from .yaml_nodes import parse


def read(folder: Path, file: Path, name: str, place: str = "") -> Definition:
    """Read a service of a project.

    Args:
        folder: The folder of the project.
        file: Its fastdeploy.yml, which may be elsewhere.
        name: The name of the service, `project/service@environment`.
        place: The folder, as a sentence names it; by default by its path.

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
    config, root = project_file.find(project, name), parse(text)
    resolved = folder.resolve()
    try:
        definition = from_content(
            config, resolved, project_file.where(project, root, name), place
        )
        requirements = execution_environment.read(project, resolved, place)
    except FileProblem as problem:
        key = project_file.where(project, root, name, problem.key)
        raise RunnerError(f"{key}: {problem}") from None
    return replace(definition, requirements=requirements)
