"""`fastdeploy schedule`: when the worker launches services."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import Api
from app.cli.context import connect
from app.cli.output import AsJson, console, print_json, print_table, state_of
from app.domain.schedule import local_time, parse_time
from app.errors import Invalid, NotFound
from app.runner import json_yaml
from app.web.schedule_bodies import ScheduleBody

app = typer.Typer(help="Manage, pause and run schedules.", no_args_is_help=True)
_File = Annotated[
    str,
    typer.Argument(
        help="JSON or YAML file with the keys of a schedule; - for standard input."
    ),
]
_Service = Annotated[
    str,
    typer.Argument(help="Name of the service.", autocompletion=completion.services),
]
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
    with connect() as api:
        found = api.pages("/schedules", text=text)
    if as_json:
        print_json(found)
        return
    print_table(
        ("service", "schedule", "rule", "next", "last", "deployment"),
        (_cells(_parse(each)) for each in found),
    )


@app.command()
def show(service: _Service, name: _Name, *, as_json: AsJson = False) -> None:
    """Show a schedule with its next instants."""
    with connect() as api:
        body = api.get(_path(api, service, name))
    if as_json:
        print_json(body)
        return
    schedule = _parse(body)
    head = ("service", "schedule", "rule", "next", "last", "deployment")
    print_table(("", ""), zip(head, _cells(schedule), strict=True))
    for instant in schedule.coming:
        reason = f"  {instant.frozen}" if instant.frozen else ""
        _say(f"{_local(schedule, instant.at)}{reason}")
    for calendar in schedule.calendar_problems:
        since = _local(schedule, calendar.since)
        _say(f"since {since} a calendar can't be read: {calendar.problem}")


@app.command()
def create(service: _Service, file: _File) -> None:
    """Create a schedule of a service.

    The file has the keys that a schedule has in config.json, for example
    {"name": "nightly", "cron": "0 3 * * *", "timezone": "Europe/Berlin"}.
    """
    content = _read(file)
    with connect() as api:
        created = api.post("/schedules", {**content, "service": service})
    _say(f"schedule {created['name']} of {service} is created")


@app.command()
def change(service: _Service, name: _Name, file: _File) -> None:
    """Replace a schedule that somebody created; the file has its new content."""
    content = {"name": name} | _read(file)
    with connect() as api:
        api.put(_path(api, service, name), content)
    _say(f"schedule {name} of {service} is changed")


@app.command()
def remove(service: _Service, name: _Name) -> None:
    """Remove a schedule that somebody created; its deployments are kept."""
    with connect() as api:
        api.delete(_path(api, service, name))
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
    with connect() as api:
        schedule = _find(api, service, name)
        try:
            # Checked here, so that the error names the option.
            parse_time(until or "2000-01-01", schedule.timezone)
        except ValueError as error:
            raise Invalid(f"--until {error}") from None
        api.post(f"/schedules/{schedule.id}/pause", {"until": until})
    _say(f"schedule {name} of {service} is paused")


@app.command()
def resume(service: _Service, name: _Name) -> None:
    """End the pause of a schedule."""
    with connect() as api:
        api.post(f"{_path(api, service, name)}/resume")
    _say(f"schedule {name} of {service} is resumed")


@app.command()
def run(service: _Service, name: _Name) -> None:
    """Launch now what a schedule launches."""
    with connect() as api:
        launched = api.launch(f"{_path(api, service, name)}/run")
    _say(f"deployment {launched['id']} of {service} {state_of(launched)}")


def _path(api: Api, service: str, name: str) -> str:
    """Return the path of a schedule in the API. Raises NotFound."""
    return f"/schedules/{_find(api, service, name).id}"


def _find(api: Api, service: str, name: str) -> ScheduleBody:
    for each in api.pages("/schedules", text=name):
        if (each["service"], each["name"]) == (service, name):
            return _parse(each)
    raise NotFound(f"service {service!r} has no schedule {name!r}")


def _parse(body: Any) -> ScheduleBody:
    return ScheduleBody.model_validate(body, extra="ignore")


def _read(file: str) -> dict[str, Any]:
    """Return the content of a file. Raises Invalid."""
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        content = json_yaml.load(text)
    except OSError as error:
        raise Invalid(f"{file} can't be read: {error.strerror}") from None
    except json_yaml.InvalidYaml as error:
        place = f"{file}, line {error.line}" if error.line else file
        raise Invalid(f"{place}: {error}") from None
    if not isinstance(content, dict):
        raise Invalid(f"{file} must contain an object with the keys of a schedule")
    return content


def _cells(schedule: ScheduleBody) -> tuple[object, ...]:
    upcoming = _local(schedule, schedule.next_at) if schedule.next_at else "none"
    if schedule.next_frozen:
        upcoming += f" ({schedule.next_frozen})"
    return (
        schedule.service,
        schedule.name,
        schedule.in_words,
        "paused" if schedule.paused else upcoming,
        schedule.problem or schedule.last_status or "never launched",
        schedule.last_deployment or "",
    )


def _local(schedule: ScheduleBody, at: datetime) -> str:
    return local_time(at, schedule.timezone)


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False)
