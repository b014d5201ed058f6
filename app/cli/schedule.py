"""`fastdeploy schedule`: when the worker launches services."""

from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.output import AsJson, console, print_json, print_table
from app.domain.deployment import Origin
from app.domain.schedule import parse_time
from app.errors import Invalid
from app.queue import make_queue
from app.store.store import Store
from app.usecases import schedules
from app.usecases.schedules import ScheduleView
from app.web.schedule_bodies import schedule_body

app = typer.Typer(help="List, pause and run schedules.", no_args_is_help=True)
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


def _cells(view: ScheduleView) -> tuple[object, ...]:
    stored = view.stored
    upcoming = stored.schedule.local(stored.next_at) if stored.next_at else "none"
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
