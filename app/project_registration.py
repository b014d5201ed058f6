"""Read how a project is registered, and where its content is."""

import re
from pathlib import Path

from pydantic import ValidationError

from app.domain.registration import Registration
from app.domain.service_name import PART
from app.domain.source import Source
from app.errors import Invalid
from app.runner import project_source
from app.runner.project_source import ProjectSource


def read_source(folder: Path) -> ProjectSource:
    """Return how a project is registered.

    Raises:
        Invalid: The name of the folder is invalid.
        RunnerError: project.json is invalid.
    """
    if not re.fullmatch(PART, folder.name):
        raise Invalid("the folder's name must be lower case letters, digits, - and _")
    return project_source.read(folder)


def registration_of(source: ProjectSource) -> Registration | None:
    """Return how root has registered the runs of a project.

    Raises:
        Invalid: The registration in project.json is invalid.
    """
    if source.rights is None:
        return None
    try:
        return Registration.model_validate(source.rights)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise Invalid(
            f'"registration.{where}" in {source.registration / project_source.FILE} is '
            "invalid: register the project again"
        ) from None


def locate_content(
    source: ProjectSource, data: Path, commit: str, ref: str
) -> tuple[Path, Source]:
    """Return the folder with the content of a project, and how it is recorded."""
    if source.folder is not None:
        return source.folder, Source(folder=str(source.folder))
    assert source.git is not None, "a source is one of the two"
    if not commit:
        mirror = source.mirror(data)
        shown = mirror.resolve(source.ref or mirror.default_ref())
        commit, ref = shown.commit, shown.ref
    return source.root(data, commit, ref), Source(
        git=source.git.url, commit=commit, credential=source.credential
    )
