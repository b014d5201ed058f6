"""`fastdeploy team`: teams of users."""

import typer

from app.cli.context import current_actor, open_store
from app.cli.output import AsJson, console, print_json, print_table
from app.usecases import teams

app = typer.Typer(help="Manage teams of users.", no_args_is_help=True)


@app.command()
def create(name: str) -> None:
    """Create a team."""
    with open_store() as store:
        teams.create(store, current_actor(), name)
    console.print(f"team {name} is created", markup=False, highlight=False)


@app.command(name="list")
def list_teams(*, as_json: AsJson = False) -> None:
    """List the teams with their members."""
    with open_store() as store:
        found = teams.list_teams(store, current_actor())
    if as_json:
        print_json(found)
        return
    rows = ((team.name, ", ".join(team.members)) for team in found)
    print_table(("name", "members"), rows)


@app.command()
def add(name: str, user: str) -> None:
    """Add a user to a team."""
    with open_store() as store:
        teams.add_member(store, current_actor(), name, user)
    console.print(f"{user} is in team {name}", markup=False, highlight=False)


@app.command()
def remove(name: str, user: str) -> None:
    """Remove a user from a team."""
    with open_store() as store:
        teams.remove_member(store, current_actor(), name, user)
    console.print(f"{user} is no longer in team {name}", markup=False, highlight=False)


@app.command()
def delete(name: str) -> None:
    """Delete a team with its grants."""
    with open_store() as store:
        teams.remove(store, current_actor(), name)
    console.print(f"team {name} is deleted", markup=False, highlight=False)
