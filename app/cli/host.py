"""`fastdeploy host`: the hosts of inventories and runs, and what changed on them."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

import typer

from app.cli import completion, host_diff
from app.cli.context import connect
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_fields,
    print_json,
    print_table,
)
from app.domain.host import NOT_REACHED, STATUSES
from app.domain.owed_handlers import OwedHandler
from app.errors import Invalid
from app.web import host_fact_texts
from app.web.filters import parse_time
from app.web.host_bodies import HostBody, HostDetailBody, TimelineEntryBody
from app.web.host_file_bodies import FileBody
from app.web.terminal import plain

app = typer.Typer(help="List hosts and what changed on them.", no_args_is_help=True)
app.command(name="diff")(host_diff.diff)
_Project = Annotated[
    str,
    typer.Option(
        "--project",
        help="The project, or the service outside of one.",
        autocompletion=completion.projects,
    ),
]


@app.command(name="list")
def list_hosts(
    project: _Project = "",
    service: Annotated[
        str,
        typer.Option(
            help="Only hosts of this service.", autocompletion=completion.services
        ),
    ] = "",
    environment: Annotated[
        str,
        typer.Option(
            help="Only hosts of services in this environment.",
            autocompletion=completion.environments,
        ),
    ] = "",
    group: Annotated[
        str, typer.Option(help="Only hosts in this group of the inventory.")
    ] = "",
    status: Annotated[
        str, typer.Option(help="Only hosts whose last deployment ended so.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="Only hosts with this text in their name or facts.")
    ] = "",
    page: Annotated[int, typer.Option(min=1, help="The number of the page.")] = 1,
    *,
    edited_outside: Annotated[
        bool,
        typer.Option(
            "--edited-outside", help="Only hosts with files edited outside FastDeploy."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the hosts with the last deployment and the versions on each."""
    if status and status not in STATUSES:
        raise Invalid(f"the status must be one of {', '.join(STATUSES)}")
    query = {
        "project": project,
        "service": service,
        "environment": environment,
        "group": group,
        "status": status,
        "text": text,
        "outside": "true" if edited_outside else "",
        "page": page,
    }
    with connect() as api:
        found, following = api.page("/hosts", query)
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "project", "status", "last deployment", "time", "versions", "system"),
        (_row(HostBody.model_validate(each, extra="ignore")) for each in found),
    )
    if following is not None:
        _print(f"more hosts match; --page {following['page']} has the next")


@app.command()
def show(
    name: Annotated[str, typer.Argument(autocompletion=completion.hosts)],
    project: _Project = "",
    service: Annotated[str, typer.Option(help="Only changes by this service.")] = "",
    since: Annotated[
        str,
        typer.Option(
            help="Only changes at this time or later, in UTC: 2026-05-05T14:00, 14:00, "
            "yesterday, '2 days ago'."
        ),
    ] = "",
    until: Annotated[str, typer.Option(help="Only changes before this time.")] = "",
    text: Annotated[str, typer.Option(help="Only changes with this text.")] = "",
    before: Annotated[
        int | None, typer.Option(help="Only deployments with a lower id.")
    ] = None,
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Print the diffs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a host, its services and facts, and what changed on it."""
    path = f"/hosts/{quote(name)}"
    query = {
        "project": project,
        "service": service,
        "since": _time("since", since),
        "until": _time("until", until),
        "text": text,
        "before": before,
    }
    with connect() as api:
        body = api.get(path, project=project)
        # The project may have been found by the name alone.
        query["project"] = body["project"]
        changes, following = api.page(f"{path}/timeline", query)
    if as_json:
        print_json({**body, "timeline": changes})
        return
    _print_host(HostDetailBody.model_validate(body, extra="ignore"))
    for each in changes:
        _print_entry(TimelineEntryBody.model_validate(each, extra="ignore"), diff=diff)
    if following is not None:
        _print(f"older: --before {following['before']}")


def _time(option: str, text: str) -> str:
    """Return the time that a text means now. Raises Invalid."""
    try:
        return parse_time(text).isoformat() if text else ""
    except Invalid as error:
        raise Invalid(f"--{option} {error}") from None


@app.command(name="files")
def list_files(
    name: Annotated[str, typer.Argument(autocompletion=completion.hosts)],
    project: _Project = "",
    text: Annotated[
        str, typer.Option(help="Only files with this text in their path.")
    ] = "",
    page: Annotated[int, typer.Option(min=1, help="The number of the page.")] = 1,
    *,
    as_json: AsJson = False,
) -> None:
    """List the files that deployments have changed on a host."""
    query = {"project": project, "text": text, "page": page}
    with connect() as api:
        found, following = api.page(f"/hosts/{quote(name)}/files", query)
    if as_json:
        print_json(found)
        return
    files = (FileBody.model_validate(each, extra="ignore") for each in found)
    print_table(
        ("file", "versions", "last version", "edited outside, found"),
        (
            (each.path, each.versions, moment(each.last_at), moment(each.outside))
            for each in files
        ),
    )
    if following is not None:
        _print(f"more files match; --page {following['page']} has the next")


def _row(host: HostBody) -> Iterator[object]:
    yield host.name
    yield host.project
    yield host.status or NOT_REACHED
    yield f"{host.last_service} #{host.last_deployment}" if host.last_deployment else ""
    yield moment(host.last_at)
    yield ", ".join(
        f"{each.service} {each.version}" for each in host.services if each.version
    )
    yield host.facts.get("os", "")


def _print_host(host: HostDetailBody) -> None:
    print_fields(
        [
            ("host", host.name),
            ("project", host.project),
            ("status", host.status or NOT_REACHED),
            ("time", moment(host.last_at)),
            ("groups", ", ".join(host.groups)),
        ]
    )
    print_table(
        ("service", "version", "status", "deployment", "time"),
        (
            (
                each.service,
                each.version,
                each.status or "",
                each.deployment or "",
                moment(each.at),
            )
            for each in host.services
        ),
    )
    print_table(("fact", "value"), host_fact_texts.rows(host.facts, host.facts_at))
    for each in host.owed_handlers:
        owed = OwedHandler(each.deployment, host.name, each.handler, each.task, None)
        console.print(str(owed), markup=False, highlight=False)


def _print_entry(entry: TimelineEntryBody, *, diff: bool) -> None:
    _print(
        f"#{entry.deployment} {entry.service} {entry.status} "
        f"{moment(entry.last_at)} by {entry.actor}"
    )
    for edit in entry.outside:
        _print(
            f"  {edit.path} was edited outside FastDeploy between "
            f"{moment(edit.since)} and {moment(edit.until)}"
        )
    for change in entry.changes:
        _print(f"  {moment(change.at)} {change.task}")
        for each in change.diffs if diff else ():
            for line in each.lines:
                _print(f"    {line}")
    if entry.more_changes:
        _print(f"  more: fastdeploy logs {entry.deployment}")


def _print(line: str) -> None:
    console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
