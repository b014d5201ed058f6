"""`fastdeploy up`, `web` and `worker`: the processes of FastDeploy.

Each command imports the parts of its own process only, to save time and memory.
"""

from typing import Annotated

import typer

from app.cli import server
from app.cli.context import load_settings
from app.settings import read_settings


def up(
    port: Annotated[int | None, typer.Option(help="Port of the web interface.")] = None,
) -> None:
    """Start PostgreSQL, web and worker on this machine.

    Ctrl-C, SIGTERM and SIGHUP stop all of them; the exit code is then 0. A second `up`
    in the same folder is refused with the number of the running process.

    Services are read from the folder `services` (FASTDEPLOY_SERVICES), which is created
    if it is missing.

    Everything that FastDeploy stores is in the folder `var` (FASTDEPLOY_VAR): the
    database, the key that encrypts secrets, the output of runs, copies of repositories
    and what they require. Services outside of projects may keep facts and mitogen in
    ~/.local/share/fastdeploy.

    To remove everything, stop FastDeploy and delete both folders. If root starts it,
    the embedded PostgreSQL runs as the user `pgserver`, which is created at the first
    start; `userdel pgserver` removes it.

    To update, stop FastDeploy, install the new version and start it again; it migrates
    the database. Copy `var` before that, to be able to return to the previous version.
    """
    server.require_local(given=True)
    from app.up import up as up_everything  # noqa: PLC0415

    # Not load_settings(): `up` also stops an embedded PostgreSQL that already runs.
    up_everything(read_settings() if port is None else read_settings(port=port))


def web() -> None:
    """Serve the web interface and the API."""
    server.require_local(given=True)
    from app.serve import serve  # noqa: PLC0415

    serve(load_settings())


def worker(
    *,
    drain: Annotated[
        bool,
        typer.Option(help="Start no deployment; exit when the running ones end."),
    ] = False,
) -> None:
    """Run deployments on this host."""
    server.require_local(given=True)
    from app.bootstrap.worker import make_worker  # noqa: PLC0415

    make_worker(load_settings()).run(drain=drain)
