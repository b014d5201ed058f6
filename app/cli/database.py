"""`fastdeploy db`: the schema of the database."""

import typer

from app.cli.context import open_store
from app.cli.output import console
from app.store.migrate import migrate as migrate_store

app = typer.Typer(help="Manage the database.", no_args_is_help=True)


@app.command()
def migrate() -> None:
    """Migrate the database to the schema of this version."""
    with open_store() as store:
        applied = migrate_store(store)
    console.print(f"applied: {', '.join(applied)}" if applied else "nothing to do")
