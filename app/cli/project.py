"""`fastdeploy project`: repositories whose playbooks are services."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import completion, server, validation
from app.cli.api import Api, segment
from app.cli.context import connect
from app.cli.output import AsJson, print_fields, print_json, print_table, say
from app.cli.validation import SyntaxCheck
from app.domain import project_file
from app.domain.service import Service
from app.errors import Invalid, InvalidFields
from app.runner.project_file import NAME as PROJECT_FILE
from app.web.project_bodies import AddedBody, ProjectBody

#: The maximum number of paths to list of each kind.
_LISTED = 10

_Name = Annotated[str, typer.Argument(autocompletion=completion.projects)]

app = typer.Typer(help="Add, list and remove projects.", no_args_is_help=True)


@app.command()
def add(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of FastDeploy's host, or the URL of a git repository."
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option(help="By default, a name like that of the folder.")
    ] = None,
    ref: Annotated[
        str,
        typer.Option(
            help="The branch or tag of a git repository; by default its HEAD."
        ),
    ] = "",
    credential: Annotated[
        str,
        typer.Option(
            help="The credential that fetches it: git-ssh:NAME or git-token:NAME.",
            autocompletion=completion.credentials,
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Make the playbooks of a repository services, in each of its environments.

    A folder is deployed as it is, with uncommitted changes. Of a git URL, each
    deployment runs a commit. Shows what was found and would be created, and asks before
    anything is written.
    """
    wanted = {
        "path": _path_of(source),
        "name": name or "",
        "ref": ref,
        "credential": credential,
    }
    with connect() as api:
        if not yes:
            _print(_propose(api, wanted | {"dry_run": True}))
            typer.confirm("Add this project?", abort=True)
        added = _propose(api, wanted)
    if yes:
        _print(added)
    say(f"\nproject {added.name} is added; {PROJECT_FILE} describes it")
    for warning in added.warnings:
        say(warning)
    say(_next_step(added))


@app.command(name="list")
def list_projects(*, as_json: AsJson = False) -> None:
    """List the projects with their environments and services."""
    with connect() as api:
        found = api.pages("/projects")
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "services", "environments", "source", "problem"),
        (
            (
                each.name,
                len({service.service for service in each.services}),
                ", ".join(environment.name for environment in each.environments),
                each.source,
                each.problem or _invalid(each),
            )
            for each in map(_parse, found)
        ),
    )


@app.command()
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show a project with its environments and services."""
    with connect() as api:
        body = api.get(_path(name))
    if as_json:
        print_json(body)
        return
    project = _parse(body)
    print_fields(
        (
            ("name", project.name),
            ("description", project.description),
            ("source", project.source),
            ("credential", project.credential),
            ("problem", project.problem),
        )
    )
    print_table(
        ("environment", "inventory", "limit", "variables"),
        (
            (each.name, each.inventory, each.limit, ", ".join(each.variables))
            for each in project.environments
        ),
    )
    print_table(
        ("service", "problem"), ((each.name, each.error) for each in project.services)
    )


@app.command()
def remove(
    name: _Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove a project; the history of its services and the repository are kept.

    Refused while a deployment of the project is queued or running.
    """
    with connect() as api:
        project = _parse(api.get(_path(name)))
        if not yes:
            count = len(project.services)
            typer.confirm(
                f"Remove project {name} and archive its services ({count})?", abort=True
            )
        removed = api.delete(_path(name))
    say(f"project {name} is removed")
    for service in removed["archived"]:
        say(f"service {service} is archived")


@app.command()
def validate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="A fastdeploy.yml, its folder, or - for stdin."
        ),
    ],
    *,
    name: Annotated[
        str | None, typer.Option(help="The name that the project must have.")
    ] = None,
    syntax_check: SyntaxCheck = True,
    as_json: AsJson = False,
) -> None:
    """Validate a fastdeploy.yml and the files that it names, without the database.

    Ansible loads each playbook, as after a sync. Exits with 1 if anything is wrong.
    With -, only the fastdeploy.yml is validated.
    """
    from app import config_files, project_folder  # noqa: PLC0415 - a client's don't

    path = Path(file).absolute()
    if path.is_dir():
        path /= PROJECT_FILE
    folder = path.parent
    try:
        text = (
            validation.read_input(project_file.MAX_BYTES)
            if file == "-"
            else config_files.read_file(path)
        )
        name = name or project_file.name_of(text)
        services = (
            project_folder.read_content(text, folder, name)
            if syntax_check and file != "-"
            else project_file.parse(text, name)
        )
    except Invalid as error:
        validation.report([str(error)], as_json=as_json)
        return
    problems = [each for each in services.values() if isinstance(each, str)]
    if syntax_check and file != "-":
        valid = [each for each in services.values() if isinstance(each, Service)]
        place = ["--content", str(folder)]
        problems += validation.find_unloadable(valid, place, folder)
    validation.report(problems, as_json=as_json)


def _invalid(project: ProjectBody) -> str:
    count = sum(1 for each in project.services if each.error)
    return f"{count} invalid" if count else ""


def _path(name: str) -> str:
    return f"/projects/{segment('project', name)}"


def _path_of(source: str) -> str:
    """Return the absolute path of a folder of this host, unless a server is chosen."""
    here = not server.chosen() and Path(source).is_dir()
    return str(Path(source).absolute()) if here else source


def _parse(body: Any) -> ProjectBody:
    return ProjectBody.model_validate(body, extra="ignore")


def _propose(api: Api, wanted: Mapping[str, object]) -> AddedBody:
    """Add a project, or return what that would create. Raises Invalid and Conflict."""
    try:
        return AddedBody.model_validate(api.post("/projects", wanted), extra="ignore")
    except InvalidFields as error:
        if error.problems.keys() != {"path"}:
            raise
        # Its field is the only argument, which needs no name.
        raise Invalid(error.problems["path"]) from None


def _next_step(added: AddedBody) -> str:
    """Say how to launch the first service that is valid."""
    for each in added.services:
        if not each.error:
            return f"deploy with: fastdeploy deploy {each.name}"
    return (
        f"none of its services is valid yet: correct {PROJECT_FILE}, then run "
        "fastdeploy service sync"
    )


def _print(found: AddedBody) -> None:
    for one, several, paths in (
        ("playbook", "playbooks", found.playbooks),
        ("inventory", "inventories", found.inventories),
        ("role", "roles", found.roles),
        ("requirements file", "requirements files", found.requirements),
        ("vaulted file", "vaulted files", found.vaulted),
    ):
        if paths:
            what = one if len(paths) == 1 else several
            more = " …" if len(paths) > _LISTED else ""
            say(f"{len(paths)} {what}: {', '.join(paths[:_LISTED])}{more}")
    for problem in found.problems:
        say(problem)
    if not found.described:
        say(f"\nfastdeploy.yml would be:\n\n{found.description}")
    print_table(
        ("service", "playbook", "inventory"),
        ((each.name, each.error or each.playbook, each.inventory)
         for each in found.services),
    )  # fmt: skip
