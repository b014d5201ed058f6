"""`fastdeploy service`: the services, and checks of them and of this host."""

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from app.cli import completion, validation
from app.cli.context import connect
from app.cli.output import AsJson, console, print_fields, print_json, print_table
from app.cli.validation import SyntaxCheck, report
from app.domain.service import Service
from app.web.doctor_bodies import ReportBody
from app.web.schemas import ServiceBody, SyncBody
from app.web.terminal import plain

app = typer.Typer(help="List, sync and check services.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(autocompletion=completion.services)]
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@app.command(name="list")
def list_services(*, as_json: AsJson = False) -> None:
    """List the services with their latest deployment."""
    with connect() as api:
        found = api.pages("/services")
    if as_json:
        print_json(found)
        return
    listed = [ServiceBody.model_validate(each, extra="ignore") for each in found]
    print_table(
        ("name", "state", "kind", "last deployment", "description"),
        (
            (
                service.name,
                _state(service),
                service.kind,
                _last_deployment(service),
                service.description,
            )
            for service in listed
        ),
    )


@app.command()
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show a service, its launch variables and its latest deployment."""
    with connect() as api:
        body = api.get(f"/services/{quote(name)}")
    if as_json:
        print_json(body)
        return
    service = ServiceBody.model_validate(body, extra="ignore")
    print_fields(
        (
            ("name", service.name),
            ("state", _state(service)),
            ("kind", service.kind),
            ("description", service.description),
            ("error", service.error),
            ("warning", _warning(service)),
            ("deployment", _last_deployment(service)),
        )
    )
    properties = service.variables.get("properties", {})
    print_fields(("variable", variable) for variable in properties)


@app.command()
def sync() -> None:
    """Sync the services with the services folder of this node, or of the server.

    The other nodes sync their own folders within seconds.

    Exits with 1 if a service is invalid; the other services are synced all the same.
    """
    with connect() as api:
        synced = SyncBody.model_validate(api.post("/services/sync"), extra="ignore")
    for name in synced.valid:
        console.print(f"[green]ok[/]        {name}")
    for name, error in synced.invalid.items():
        console.print("[red]invalid[/]   ", end="")
        console.print(plain(f"{name}: {error}"), markup=False)
    for name in synced.archived:
        console.print("[yellow]archived[/]  ", end="")
        console.print(plain(name), markup=False)
    for warning in synced.warnings.values():
        console.print("[yellow]warning[/]   ", end="")
        console.print(plain(warning), markup=False)
    if synced.invalid:
        raise typer.Exit(1)


@app.command(name="doctor")
def check(
    name: Annotated[
        str | None,
        typer.Argument(
            help="The service; all of them by default.",
            autocompletion=completion.services,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check this host and its services and suggest fixes.

    Through a server, it checks the host of the web process. Exits with 1 if a check
    fails; warnings don't count.
    """
    with connect() as api:
        body = api.get("/doctor" if name is None else f"/services/{quote(name)}/doctor")
    found = ReportBody.model_validate(body, extra="ignore")
    if as_json:
        print_json(body)
    else:
        _print_report(found)
    if not found.healthy:
        raise typer.Exit(1)


@app.command()
def validate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="A config.json, its folder, or - for stdin."
        ),
    ],
    *,
    syntax_check: SyntaxCheck = True,
    as_json: AsJson = False,
) -> None:
    """Validate a config.json and the files that it names, without the database.

    Ansible loads the playbook, as after a sync. Exits with 1 if anything is wrong. With
    -, only the config.json is validated, and the folder may have another name than the
    service.
    """
    from app import services_folder  # noqa: PLC0415 - the other commands do without it
    from app.config_files import MAX_CONFIG  # noqa: PLC0415

    if file == "-":
        config = services_folder.parse_config(validation.read_input(MAX_CONFIG))
        report([config] if isinstance(config, str) else [], as_json=as_json)
        return
    path = Path(file).absolute()
    if path.is_dir():
        path /= "config.json"
    config = services_folder.read_config_file(path)
    if syntax_check and isinstance(config, Service):
        config = services_folder.check_content(path.parent, config)
    if isinstance(config, str):
        report([config], as_json=as_json)
        return
    place = ["--service", str(path.parent)]
    unloadable = validation.find_unloadable([config], place, path.parent)
    report(unloadable if syntax_check else [], as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of config.json."""
    print(json.dumps(Service.model_json_schema(), indent=2))


def _print_report(report: ReportBody) -> None:
    console.print(f"checks on {report.host}", markup=False)
    for finding in report.findings:
        console.print(f"[{_COLOURS[finding.level]}]{finding.level:<8}[/] ", end="")
        message = f"{finding.subject}: {finding.message}"
        console.print(message, markup=False, soft_wrap=True)
        if finding.fix:
            # One line, however long: it is there to be copied.
            print(f"         fix: {finding.fix}")


def _state(service: ServiceBody) -> str:
    if service.archived:
        return "archived"
    return "invalid" if service.error else "ok"


def _warning(service: ServiceBody) -> str:
    return f"Ansible can't load it: {plain(service.warning)}" if service.warning else ""


def _last_deployment(service: ServiceBody) -> str:
    if service.last_deployment is None:
        return ""
    return f"{service.last_deployment} {service.last_status}"
