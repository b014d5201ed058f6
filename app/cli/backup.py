"""`fastdeploy restore`: the last step of restoring a backup."""

from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.output import console
from app.queue import make_queue
from app.usecases import restore

app = typer.Typer(help="Finish restoring a backup.", no_args_is_help=True)


@app.command()
def finalize(
    node: Annotated[str, typer.Argument(help="The node that the backup is of.")],
) -> None:
    """Finalize a restored database before the worker starts.

    Deployments that were in progress at backup time get their real outcome, or
    `failed` if it is unknown.
    """
    settings = load_settings()
    with open_store(settings) as store:
        done = restore.settle(
            store,
            settings,
            bootstrap.make_secret_box(settings),
            make_queue(settings),
            current_actor(),
            was=node,
        )
    console.print(f"interrupted deployments that have ended: {done.ended}, "
                  f"left to the worker: {done.left}")  # fmt: skip
