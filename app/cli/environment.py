"""`fastdeploy environment`: the execution environments of this user's runs."""

import typer

from app.cli import server
from app.cli.context import load_settings
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.settings import Settings
from app.usecases import execution_environments

app = typer.Typer(
    help="List and remove the execution environments of projects.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_environments(*, as_json: AsJson = False) -> None:
    """List the execution environments, with the projects that need them."""
    settings = _settings()
    listed = execution_environments.list_environments(settings.data, settings.services)
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "projects": each.projects,
                    "size": each.size,
                    "used_at": each.used_at,
                    "ansible_core": each.ansible_core,
                    "python": each.python,
                }
                for each in listed
            ]
        )
        return
    print_table(
        ("name", "projects", "size", "last used", "ansible-core", "python"),
        (
            (
                each.name,
                ", ".join(each.projects),
                f"{each.size / 1e6:.0f} MB",
                moment(each.used_at),
                each.ansible_core or "not complete",
                each.python,
            )
            for each in listed
        ),
    )


@app.command()
def prune() -> None:
    """Remove the execution environments that no registered project needs."""
    settings = _settings()
    removed, used = execution_environments.prune(settings.data, settings.services)
    for name in removed:
        console.print(f"execution environment {name} is removed", markup=False)
    for name in used:
        console.print(f"execution environment {name} is used by a run", markup=False)


@app.command()
def remove(name: str) -> None:
    """Remove an execution environment; the next run that needs it builds it again."""
    removed = execution_environments.remove(_settings().data, name)
    console.print(f"execution environment {removed} is removed", markup=False)


def _settings() -> Settings:
    """Return the settings of this host. Raises Invalid if a server is chosen."""
    server.require_local()
    return load_settings()
