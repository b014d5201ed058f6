"""`fastdeploy project`: repositories whose playbooks are services."""

from pathlib import Path
from typing import Annotated

import typer

from app import bootstrap, config_files, project_folder
from app.cli import validation
from app.cli.context import (
    current_actor,
    git_access,
    load_settings,
    open_store,
)
from app.cli.output import AsJson, console, print_fields, print_json, print_table
from app.cli.validation import SyntaxCheck
from app.domain import project_file
from app.domain.service import Service
from app.errors import Conflict, Invalid
from app.runner.git_credential import Access
from app.settings import Settings
from app.usecases import (
    project_proposals,
    project_removal,
    project_views,
    projects,
    services,
)
from app.usecases.project_proposals import Proposal
from app.usecases.project_views import ProjectSummary
from app.web.project_bodies import project_body
from app.web.terminal import plain

#: The maximum number of paths to list of each kind.
_LISTED = 10

app = typer.Typer(help="Add, list and remove projects.", no_args_is_help=True)


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(help="A folder, or the URL of a git repository.")
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
            help="The credential that fetches it: git-ssh:NAME or git-token:NAME."
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Make the playbooks of a repository services, in each of its environments.

    A folder is deployed as it is, with uncommitted changes. Of a git URL, each
    deployment runs a commit. Shows what was found and would be created, and asks before
    anything is written.
    """
    settings = load_settings()
    if settings.run_as:
        raise Conflict(project_proposals.refusal(settings.run_as))
    if Path(source).is_dir() and credential:
        raise Invalid("--credential goes with the URL of a git repository")
    if Path(source).is_dir() and not ref:
        _add(settings, project_proposals.propose(Path(source), name), yes=yes)
        return
    url = str(Path(source).absolute()) if Path(source).is_dir() else source
    access = Access(max_mebibytes=settings.repository_mebibytes)
    if credential:
        with open_store(settings) as store:
            git = git_access(store, settings)
            access = project_proposals.access_of(git, credential)
    with project_proposals.propose_repository(
        url, settings.var, name, ref, access
    ) as proposal:
        _add(settings, proposal, yes=yes)


@app.command(name="list")
def list_projects(*, as_json: AsJson = False) -> None:
    """List the projects with their environments and services."""
    settings = load_settings()
    with open_store(settings) as store:
        listed = project_views.list_projects(store, settings.services)
    if as_json:
        print_json([project_body(each) for each in listed])
        return
    print_table(
        ("name", "services", "environments", "source", "problem"),
        (
            (
                each.name,
                each.count,
                ", ".join(environment.name for environment in each.environments),
                each.source,
                each.problem or _invalid(each),
            )
            for each in listed
        ),
    )


@app.command()
def show(name: str, *, as_json: AsJson = False) -> None:
    """Show a project with its environments and services."""
    settings = load_settings()
    with open_store(settings) as store:
        project = project_views.find(store, settings.services, name)
    if as_json:
        print_json(project_body(project))
        return
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
    name: str,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove a project; the history of its services and the repository are kept.

    Refused while a deployment of the project is queued or running.
    """
    settings = load_settings()
    with open_store(settings) as store:
        project = project_views.find(store, settings.services, name)
        if not yes:
            count = len(project.services)
            typer.confirm(
                f"Remove project {name} and archive its services ({count})?", abort=True
            )
        archived = project_removal.remove(store, settings, name, current_actor())
    console.print(f"project {name} is removed", markup=False)
    for service in archived:
        console.print(f"service {service} is archived", markup=False)


@app.command()
def validate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-", help="A fastdeploy.yml in its folder, or - for stdin."
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
    folder = Path(file).absolute().parent
    try:
        text = (
            validation.read_input(project_file.MAX_BYTES)
            if file == "-"
            else config_files.read_file(Path(file))
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


def _invalid(project: ProjectSummary) -> str:
    count = len(project.invalid)
    return f"{count} invalid" if count else ""


def _add(settings: Settings, proposal: Proposal, *, yes: bool) -> None:
    _print(proposal)
    if not yes:
        typer.confirm("Add this project?", abort=True)
    with open_store(settings) as store:
        actor = current_actor()
        file = projects.add(store, settings.services, proposal, actor)
        synced = services.sync_services(
            store, settings.services, settings.var, settings.node, actor,
            reach=git_access(store, settings).of,
            box=lambda: bootstrap.make_secret_box(settings),
        )  # fmt: skip
    console.print(f"\nproject {proposal.name} is added; {file.name} describes it")
    for warning in synced.warnings.values():
        console.print(warning, markup=False)
    console.print(f"deploy with: fastdeploy deploy {next(iter(proposal.services))}")


def _print(proposal: Proposal) -> None:
    content = proposal.content
    for what, paths in (
        ("playbooks", content.playbooks),
        ("inventories", content.inventories),
        ("roles", content.roles),
        ("requirements files", content.requirements),
        ("vaulted files", content.vaulted),
    ):
        if paths:
            more = " …" if len(paths) > _LISTED else ""
            names = plain(", ".join(paths[:_LISTED]))
            console.print(f"{len(paths)} {what}: {names}{more}", markup=False)
    for problem in content.problems:
        console.print(plain(problem), markup=False)
    if not proposal.described:
        console.print("\nfastdeploy.yml would be:\n", markup=False)
        console.print(plain(proposal.description), markup=False, highlight=False)
    print_table(
        ("service", "playbook", "inventory"),
        (
            (name, service.playbook or service.deploy_script, service.inventory or "")
            if isinstance(service, Service)
            else (name, service, "")
            for name, service in proposal.services.items()
        ),
    )
