"""`fastdeploy blame`: who wrote each line of a file on a host."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

import typer

from app.cli.context import connect
from app.cli.output import AsJson, console, moment, print_json
from app.domain.file_history import VersionKind
from app.errors import Invalid, NotFound
from app.web.host_file_bodies import FileDetailBody, FileLineBody
from app.web.terminal import plain

_NO_TIME = (
    "blame takes no time: fastdeploy host diff HOST@TIME HOST compares a host's files "
    "at two times"
)


def blame(
    file: Annotated[str, typer.Argument(help="A host and an absolute path.",
                                        metavar="HOST:/PATH")],
    project: Annotated[
        str,
        typer.Option("--project", help="The project, or the service outside of one."),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show who wrote each line of a file on a host."""
    name, colon, rest = file.partition(":/")
    if not name or not colon or not rest:
        raise Invalid(f"{file!r} must be HOST:/PATH, such as web1:/etc/motd")
    with connect() as api:
        path = f"/hosts/{quote(name)}/files/{quote(rest)}"
        try:
            body = api.get(path, project=project)
        except NotFound as error:
            if "@" not in file:
                raise
            raise NotFound(f"{error}; {_NO_TIME}") from None
    if as_json:
        print_json(body["lines"])
        return
    for line in _lines(FileDetailBody.model_validate(body, extra="ignore")):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)


def _lines(file: FileDetailBody) -> Iterator[str]:
    if not file.lines:
        yield f"{file.path} has no known lines: it was removed, is empty or unknown"
        return
    origins = [_origin(line) for line in file.lines]
    width = max(map(len, origins))
    digits = len(str(len(file.lines)))
    for origin, line in zip(origins, file.lines, strict=True):
        yield f"{origin:<{width}}  {line.line:>{digits}}  {line.text}"


def _origin(line: FileLineBody) -> str:
    before = "before " if line.or_before else ""
    if line.kind is VersionKind.OUTSIDE:
        before = "outside, before "
    parts = (
        f"{before}#{line.deployment}", line.actor, line.commit[:8], moment(line.at),
    )  # fmt: skip
    return " ".join(filter(None, parts))
