"""`fastdeploy up`, `web` and `worker`: the processes of FastDeploy."""

from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import load_settings
from app.serve import serve
from app.settings import read_settings
from app.up import up as up_everything


def up(
    port: Annotated[int | None, typer.Option(help="Port of the web interface.")] = None,
) -> None:
    """Start PostgreSQL, web and worker on this machine.

    Ctrl-C, SIGTERM and SIGHUP stop all of them; the exit code is then 0. A second `up`
    in the same folder is refused with the number of the running process.
    """
    # Not load_settings(): `up` also stops an embedded PostgreSQL that already runs.
    up_everything(read_settings() if port is None else read_settings(port=port))


def web() -> None:
    """Serve the web interface and the API."""
    serve(load_settings())


def worker(
    *,
    drain: Annotated[
        bool,
        typer.Option(help="Start no deployment; exit when the running ones end."),
    ] = False,
) -> None:
    """Run deployments on this host."""
    bootstrap.make_worker(load_settings()).run(drain=drain)
