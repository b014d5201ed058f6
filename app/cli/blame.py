"""`fastdeploy blame`: who wrote each line of a file on a host."""

from collections.abc import Iterator
from typing import Annotated

import typer

from app.cli.context import open_store
from app.cli.output import AsJson, console, moment, print_json
from app.domain.file_history import VersionKind
from app.errors import Invalid
from app.usecases import file_history, hosts
from app.usecases.file_history import BlamedLine, FileView
from app.web.host_file_bodies import line_body
from app.web.terminal import plain


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
    with open_store() as store:
        host = hosts.find(store, name, project).host
        view = file_history.look(store, host, f"/{rest}")
    if as_json:
        print_json([line_body(line) for line in view.lines])
        return
    for line in _lines(view):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)


def _lines(view: FileView) -> Iterator[str]:
    if not view.lines:
        yield f"{view.path} has no known lines: it was removed, is empty or unknown"
        return
    origins = [_origin(line) for line in view.lines]
    width = max(map(len, origins))
    digits = len(str(len(view.lines)))
    for origin, line in zip(origins, view.lines, strict=True):
        yield f"{origin:<{width}}  {line.number:>{digits}}  {line.text}"


def _origin(line: BlamedLine) -> str:
    version = line.version
    before = "before " if line.or_before else ""
    if version.kind is VersionKind.OUTSIDE:
        before = "outside, before "
    parts = (
        f"{before}#{version.deployment}", version.actor, version.commit[:8],
        moment(version.at),
    )  # fmt: skip
    return " ".join(filter(None, parts))
