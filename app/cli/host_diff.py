"""`fastdeploy host diff`: two hosts, or one host at two times, side by side."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import Api
from app.cli.context import connect
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.domain.host_comparison import FileDifference
from app.domain.time_text import EXPECTED
from app.errors import Invalid, NotFound
from app.web import host_fact_texts
from app.web.filters import parse_time
from app.web.host_comparison_bodies import (
    ComparedFileBody,
    ComparedHostBody,
    HostComparisonBody,
    ServiceVersionBody,
)
from app.web.terminal import plain

_SENTENCES = {
    FileDifference.DIFFERS: "differs",
    FileDifference.ONLY_A: "only on the first",
    FileDifference.ONLY_B: "only on the second",
    FileDifference.UNKNOWN: "can't be compared",
}
_Host = Annotated[
    str,
    typer.Argument(
        metavar="HOST[@TIME]",
        help="A host as it is now, or before a time in UTC: 2026-05-05T14:00, 14:00, "
        "yesterday, 2d.",
        autocompletion=completion.hosts,
    ),
]
_Project = Annotated[
    str,
    typer.Option(
        "--project",
        help="The project of both hosts, or the service outside of one.",
        autocompletion=completion.projects,
    ),
]


def diff(
    a: _Host,
    b: _Host,
    project: _Project = "",
    other_project: Annotated[
        str, typer.Option(help="The project of the second host, if it is another one.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Compare two hosts, or one host at two times: facts, versions and files."""
    sides = (_side("a", a, project), _side("b", b, other_project or project))
    with connect() as api, _explaining_times(a, b):
        body = _all_pages(api, {**sides[0], **sides[1]})
    if as_json:
        print_json(body)
        return
    _print(HostComparisonBody.model_validate(body, extra="ignore"))


def _side(side: str, given: str, project: str) -> dict[str, str]:
    """Return the query of a side: a host, and the time behind its last @ if any."""
    name, time = _split(given)
    return {side: name, f"{side}_project": project, f"{side}_at": time}


def _split(given: str) -> tuple[str, str]:
    """Return a host and a time. The name of a host may contain an @, too."""
    name, at, text = given.rpartition("@")
    if at:
        with suppress(Invalid):
            # The pages are of the same time, whenever they are requested.
            return name, parse_time(text).isoformat()
    return given, ""


@contextmanager
def _explaining_times(*given: str) -> Iterator[None]:
    """Add to the error for an unknown host how a time behind an @ is written."""
    try:
        yield
    except NotFound as error:
        if any("@" in each and not _split(each)[1] for each in given):
            raise NotFound(f"{error}; what follows the @ {EXPECTED}") from None
        raise


def _all_pages(api: Api, query: dict[str, str]) -> dict[str, Any]:
    """Return the body with the files of all pages."""
    body: dict[str, Any] = api.get("/compare-hosts", **query)
    files, after = body["files"], body["after"]
    while after is not None:
        page = api.get("/compare-hosts", **query, after=after)
        files, after = files + page["files"], page["after"]
    return {**body, "files": files, "after": None}


def _print(found: HostComparisonBody) -> None:
    heads = _head(found.a), _head(found.b)
    facts = [{each.name: side for each in found.facts
              if (side := getattr(each, name)) is not None}
             for name in ("a", "b")]  # fmt: skip
    names = [each.name for each in found.facts]
    print_table(("fact", *heads), host_fact_texts.compared_rows(names, *facts))
    print_table(
        ("service", *heads),
        ((each.service, _version(each.a), _version(each.b)) for each in found.services),
    )
    for file in found.files:
        for line in _file_lines(file):
            console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
    if not found.files:
        console.print("no file differs that deployments have changed")


def _head(host: ComparedHostBody) -> str:
    return f"{host.name} before {moment(host.at)}" if host.at else f"{host.name} now"


def _version(found: ServiceVersionBody | None) -> str:
    return f"{found.version} #{found.deployment}".strip() if found else ""


def _file_lines(file: ComparedFileBody) -> Iterator[str]:
    about = " in masked secrets alone" if file.secrets_alone else ""
    yield f"{file.path} {_SENTENCES[file.difference]}{about}"
    for line in file.diff:
        yield f"  {line}"
    if file.more:
        yield f"  and {file.more} more lines"
