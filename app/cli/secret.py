"""`fastdeploy secret`: the key that encrypts secrets in the database."""

from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.output import console
from app.usecases import secret_rotation

app = typer.Typer(help="Manage the key that encrypts secrets.", no_args_is_help=True)


# With this, one command is a subcommand too.
app.callback()(lambda: None)


@app.command()
def rotate(
    *,
    finish: Annotated[
        bool, typer.Option(help="Remove the earlier keys, a minute later.")
    ] = False,
) -> None:
    """Make a new key and encrypt every secret with it, while FastDeploy serves.

    The earlier key stays readable until it is removed with --finish. A rotation that
    was interrupted is continued.
    """
    settings = load_settings()
    act = secret_rotation.finish if finish else secret_rotation.rotate
    with open_store(settings) as store:
        secret_box = bootstrap.make_secret_box(settings)
        done = act(store, settings, secret_box, current_actor())
    made = "a new key encrypts; " if done.new_key else ""
    left = "`fastdeploy secret rotate --finish` removes them"
    console.print(
        f"{made}encrypted again: {done.credentials} credentials, {done.deployments} "
        f"deployments, {done.channels} channels, {done.webhooks} webhooks, "
        f"{done.schedules} schedules, {done.second_factors} second factors; "
        f"earlier keys: {done.older_keys}" + (f" ({left})" if done.older_keys else ""),
        markup=False,
        highlight=False,
    )
