"""`fastdeploy host`: the hosts of inventories and runs, and what changed on them."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.context import open_store
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_fields,
    print_json,
    print_table,
)
from app.errors import Invalid
from app.store.host_timeline import TimelineFilter
from app.store.hosts import STATUSES, Host, HostFilter
from app.usecases import file_history, host_timeline, hosts
from app.usecases.host_timeline import Timeline
from app.usecases.hosts import HostPage, HostView
from app.web import host_fact_texts
from app.web.filters import parse_time
from app.web.host_bodies import host_body, host_detail_body, timeline_bodies
from app.web.host_file_bodies import file_body
from app.web.terminal import plain

app = typer.Typer(help="List hosts and what changed on them.", no_args_is_help=True)
_Project = Annotated[
    str, typer.Option("--project", help="The project, or the service outside of one.")
]


@app.command(name="list")
def list_hosts(
    project: _Project = "",
    service: Annotated[str, typer.Option(help="Only hosts of this service.")] = "",
    environment: Annotated[
        str, typer.Option(help="Only hosts of services in this environment.")
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
    as_json: AsJson = False,
) -> None:
    """List the hosts with the last deployment and the versions on each."""
    if status and status not in STATUSES:
        raise Invalid(f"the status must be one of {', '.join(STATUSES)}")
    wanted = HostFilter(project, service, environment, group, status, text)
    with open_store() as store:
        found = hosts.page(store, wanted, page)
    if as_json:
        print_json([host_body(host) for host in found.hosts])
        return
    print_table(
        ("name", "project", "status", "last deployment", "time", "versions", "system"),
        map(_row, found.hosts),
    )
    _print_further(found)


@app.command()
def show(
    name: str,
    project: _Project = "",
    service: Annotated[str, typer.Option(help="Only changes by this service.")] = "",
    since: Annotated[
        str, typer.Option(help="Only changes at this time or later, in UTC.")
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
    wanted = TimelineFilter(
        service,
        parse_time(since) if since else None,
        parse_time(until) if until else None,
        text,
    )
    with open_store() as store:
        view = hosts.find(store, name, project)
        found = host_timeline.look(store, view.host, wanted, before)
    if as_json:
        changes = [each.model_dump(mode="json") for each in timeline_bodies(found)]
        body: dict[str, Any] = host_detail_body(view).model_dump(mode="json")
        print_json({**body, "timeline": changes})
        return
    _print_host(view)
    _print_timeline(found, diff=diff)


@app.command(name="files")
def list_files(
    name: str,
    project: _Project = "",
    text: Annotated[
        str, typer.Option(help="Only files with this text in their path.")
    ] = "",
    page: Annotated[int, typer.Option(min=1, help="The number of the page.")] = 1,
    *,
    as_json: AsJson = False,
) -> None:
    """List the files that deployments have changed on a host."""
    with open_store() as store:
        host = hosts.find(store, name, project).host
        found = file_history.page(store, host, text, page)
    if as_json:
        print_json([file_body(each) for each in found.files])
        return
    print_table(
        ("file", "versions", "last version", "edited outside, found"),
        (
            (each.path, each.versions, moment(each.last_at), moment(each.outside))
            for each in found.files
        ),
    )
    if found.number < found.last:
        _print(f"{found.matching} files match; --page {found.number + 1} has the next")


def _row(host: Host) -> Iterator[object]:
    yield host.name
    yield host.scope
    yield host.shown_status
    yield f"{host.last_service} #{host.last_deployment}" if host.last_deployment else ""
    yield moment(host.last_at)
    yield ", ".join(
        f"{each.service} {each.version}" for each in host.services if each.version
    )
    yield host.facts.get("os", "")


def _print_further(found: HostPage) -> None:
    if found.number < found.last:
        console.print(
            f"{found.matching} hosts match; --page {found.number + 1} has the next",
            markup=False,
        )


def _print_host(view: HostView) -> None:
    host = view.host
    print_fields(
        [
            ("host", host.name),
            ("project", host.scope),
            ("status", host.shown_status),
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
    for owed in view.owed:
        console.print(str(owed), markup=False, highlight=False)


def _print_timeline(found: Timeline, *, diff: bool) -> None:
    for entry in found.entries:
        visit = entry.visit
        _print(
            f"#{visit.deployment} {visit.service} {visit.status} "
            f"{moment(visit.last_at)} by {visit.actor}"
        )
        for edit in entry.edits:
            _print(
                f"  {edit.path} was edited outside FastDeploy between "
                f"{moment(edit.since)} and {moment(edit.until)}"
            )
        for change in entry.changes:
            _print(f"  {moment(change.at)} {change.task}")
            for each in change.diffs if diff else ():
                for line in each.lines:
                    _print(f"    {line.text}")
        if entry.more:
            _print(f"  more: fastdeploy logs {visit.deployment}")
    if found.before:
        _print(f"older: --before {found.before}")


def _print(line: str) -> None:
    console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
