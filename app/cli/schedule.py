"""`fastdeploy schedule`: when the worker launches services."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from app import bootstrap
from app.cli.context import current_actor, git_access, load_settings, open_store
from app.cli.output import AsJson, console, print_json, print_table
from app.domain.deployment import Origin
from app.domain.schedule import parse_time
from app.errors import Invalid
from app.queue import make_queue
from app.store.store import Store
from app.usecases import schedule_changes, schedules
from app.usecases.schedule_sources import ScheduleSources
from app.usecases.schedules import ScheduleView
from app.web.schedule_bodies import schedule_body

app = typer.Typer(help="Manage, pause and run schedules.", no_args_is_help=True)
_File = Annotated[
    str,
    typer.Argument(
        help="JSON or YAML file with the keys of a schedule; - for standard input."
    ),
]
_Service = Annotated[str, typer.Argument(help="Name of the service.")]
_Name = Annotated[str, typer.Argument(help="Name of its schedule.")]


@app.command(name="list")
def list_schedules(
    text: Annotated[
        str, typer.Argument(help="Part of the name of a service or schedule.")
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the schedules with their next instant and last outcome."""
    with open_store() as store:
        views = _list_all(store, text)
    if as_json:
        print_json([schedule_body(view) for view in views])
        return
    print_table(
        ("service", "schedule", "rule", "next", "last", "deployment"),
        (_cells(view) for view in views),
    )


@app.command()
def show(service: _Service, name: _Name, *, as_json: AsJson = False) -> None:
    """Show a schedule with its next instants."""
    with open_store() as store:
        view = schedules.find_named(store, service, name)
    if as_json:
        print_json(schedule_body(view))
        return
    schedule = view.stored.schedule
    head = ("service", "schedule", "rule", "next", "last", "deployment")
    print_table(("", ""), zip(head, _cells(view), strict=True))
    for instant in view.coming:
        reason = view.frozen.get(instant)
        _say(f"{schedule.local(instant)}{f'  {reason}' if reason else ''}")
    for calendar in view.calendars:
        if calendar.problem:
            assert calendar.failing_since is not None
            since = schedule.local(calendar.failing_since)
            _say(f"since {since} a calendar can't be read: {calendar.problem}")


@app.command()
def create(service: _Service, file: _File) -> None:
    """Create a schedule of a service.

    The file has the keys that a schedule has in config.json, for example
    {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}.
    """
    content = _read(file)
    settings = load_settings()
    with open_store(settings) as store:
        number = schedule_changes.create(
            store,
            current_actor(),
            service,
            content,
            bootstrap.make_secret_box(settings),
            ScheduleSources(settings, git_access(store, settings).of),
        )
        view = schedules.find(store, number)
    _say(f"schedule {view.stored.schedule.name} of {service} is created")


@app.command()
def change(service: _Service, name: _Name, file: _File) -> None:
    """Replace a schedule that somebody created; the file has its new content."""
    content = {"name": name} | _read(file)
    settings = load_settings()
    secret_box = bootstrap.make_secret_box(settings)
    with open_store(settings) as store:
        number = schedules.find_named(store, service, name).stored.id
        sources = ScheduleSources(settings, git_access(store, settings).of)
        schedule_changes.replace(
            store, current_actor(), number, content, secret_box, sources
        )
    _say(f"schedule {name} of {service} is changed")


@app.command()
def remove(service: _Service, name: _Name) -> None:
    """Remove a schedule that somebody created; its deployments are kept."""
    with open_store() as store:
        number = schedules.find_named(store, service, name).stored.id
        schedule_changes.remove(store, current_actor(), number)
    _say(f"schedule {name} of {service} is removed")


@app.command()
def pause(
    service: _Service,
    name: _Name,
    until: Annotated[
        str,
        typer.Option(
            help="Time such as 2026-12-24T22:00, in the time zone of the schedule; "
            "by default, until it is resumed."
        ),
    ] = "",
) -> None:
    """Launch nothing for a while; missed instants aren't made up for."""
    with open_store() as store:
        view = schedules.find_named(store, service, name)
        try:
            zone = view.stored.schedule.timezone
            ends = parse_time(until, zone) if until else None
        except ValueError as error:
            raise Invalid(f"--until {error}") from None
        schedules.pause(store, current_actor(), view.stored.id, ends)
    _say(f"schedule {name} of {service} is paused")


@app.command()
def resume(service: _Service, name: _Name) -> None:
    """End the pause of a schedule."""
    with open_store() as store:
        view = schedules.find_named(store, service, name)
        schedules.resume(store, current_actor(), view.stored.id)
    _say(f"schedule {name} of {service} is resumed")


@app.command()
def run(service: _Service, name: _Name) -> None:
    """Launch now what a schedule launches."""
    settings = load_settings()
    with open_store(settings) as store:
        number = schedules.run_now(
            store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            current_actor(),
            schedules.find_named(store, service, name).stored.id,
            origin=Origin.CLI,
            run_as=settings.run_as,
            sources=ScheduleSources(settings, git_access(store, settings).of),
        )
    _say(f"deployment {number} of {service} is queued")


def _list_all(store: Store, text: str) -> list[ScheduleView]:
    views: list[ScheduleView] = []
    number, more = 1, True
    while more:
        found, more = schedules.list_page(store, text=text, number=number)
        views += found
        number += 1
    return views


def _read(file: str) -> dict[str, Any]:
    """Return the content of a file. Raises Invalid."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Invalid(f"{file} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise Invalid(f"{file} must contain an object with the keys of a schedule")
    return content


def _cells(view: ScheduleView) -> tuple[object, ...]:
    stored = view.stored
    upcoming = stored.schedule.local(stored.next_at) if stored.next_at else "none"
    if view.next_frozen:
        upcoming += f" ({view.next_frozen})"
    return (
        stored.service_name,
        stored.schedule.name,
        stored.schedule.in_words,
        "paused" if view.paused else upcoming,
        stored.problem or stored.last_status or "never launched",
        stored.last_deployment or "",
    )


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False)
