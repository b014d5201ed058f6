"""`fastdeploy deployment`, with the shortcuts `fastdeploy list`, `show` and `logs`."""

import sys
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

import typer

from app.cli import completion
from app.cli.api import Api, id_segment
from app.cli.confirmation import Yes, confirmed
from app.cli.context import connect, load_settings, open_store
from app.cli.deployment_output import print_deployment
from app.cli.deployment_timing import print_timing
from app.cli.follow import print_log, watch
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_json,
    print_queued,
    print_table,
    state_of,
)
from app.domain.deployment import Status
from app.domain.export_format import Format
from app.errors import Invalid
from app.web.schemas import ArtifactBody, DeploymentBody, DeploymentDetailBody
from app.web.terminal import plain
from app.web.timing_bodies import TimingBody

#: The exit code of a program that SIGINT ended, as shells report it.
_INTERRUPTED = 130

Comment = Annotated[
    str, typer.Option(help="A line for the record, shown with the deployment.")
]

app = typer.Typer(help="List, show and control deployments.", no_args_is_help=True)


@app.command()
def logs(
    deployment_id: int,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Continue until it ends.")
    ] = False,
) -> None:
    """Print the steps and output of a deployment.

    With --follow, exits with 0 if the deployment succeeds and with 1 otherwise. It
    waits for an approval too.
    """
    _path(deployment_id)
    with connect() as api:
        if not follow:
            print_log(api, deployment_id, console)
            return
        ended = watch(api, deployment_id, console)
    exit_with(ended)


@app.command(name="list")
def list_deployments(
    service: Annotated[
        str | None,
        typer.Option(
            help="Only deployments of this service.",
            autocompletion=completion.services,
        ),
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only deployments with this status.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="At most this many.")
    ] = 20,
    *,
    edited_outside: Annotated[
        bool,
        typer.Option(
            "--edited-outside",
            help="Only those that found a file edited outside FastDeploy.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List deployments, newest first."""
    with connect() as api:
        if service is not None:
            # It raises NotFound for a mistyped name.
            api.get(f"/services/{quote(service)}")
        outside = "true" if edited_outside else None
        found = api.pages(
            "/deployments", limit, service=service, status=status, outside=outside
        )
    if as_json:
        print_json(found)
        return
    listed = [DeploymentBody.model_validate(each, extra="ignore") for each in found]
    print_table(
        ("id", "service", "status", "actor", "created", "finished", "reason"),
        (
            (
                deployment.id,
                deployment.service,
                deployment.status,
                deployment.actor,
                moment(deployment.created_at),
                moment(deployment.finished_at),
                deployment.reason,
            )
            for deployment in listed
        ),
    )


@app.command()
def show(
    deployment_id: int,
    *,
    timing: Annotated[
        bool, typer.Option("--timing", help="Show where the time went.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a deployment, its variables and its steps, or where its time went."""
    path = _path(deployment_id, "/timing" if timing else "")
    with connect() as api:
        body = api.get(path)
    if as_json:
        print_json(body)
    elif timing:
        print_timing(TimingBody.model_validate(body, extra="ignore"))
    else:
        print_deployment(DeploymentDetailBody.model_validate(body, extra="ignore"))


@app.command()
def cancel(deployment_id: int) -> None:
    """Cancel a deployment; the worker stops a running one with all its processes."""
    with connect() as api:
        body = api.post(_path(deployment_id, "/cancel"))
    state = "is canceled" if body["finished_at"] else "is being canceled"
    console.print(f"deployment {deployment_id} {state}")


@app.command()
def approve(deployment_id: int, comment: Comment = "") -> None:
    """Approve a deployment that somebody else has launched: it is queued."""
    with connect() as api:
        api.post(_path(deployment_id, "/approve"), {"comment": comment})
        print_queued(api, deployment_id, "is approved and queued")


@app.command()
def reject(deployment_id: int, comment: Comment = "") -> None:
    """Reject a deployment that waits for an approval: it is canceled."""
    with connect() as api:
        api.post(_path(deployment_id, "/reject"), {"comment": comment})
    console.print(f"deployment {deployment_id} is rejected and canceled")


@app.command()
def retry(
    deployment_id: int,
    *,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="Only on the hosts that failed or were unreachable."
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Relaunch an ended deployment with the same variables, options and priority."""
    about = f"a retry of {deployment_id}"
    path = _path(deployment_id, "/retry-failed" if failed else "/retry")
    _relaunch(path, about, yes=yes)


@app.command(name="continue")
def resume(deployment_id: int, *, yes: Yes = False) -> None:
    """Continue a deployment on the hosts that it didn't finish, owed handlers first."""
    about = f"it continues {deployment_id}"
    _relaunch(_path(deployment_id, "/continue"), about, yes=yes)


@app.command()
def dismiss(
    deployment_id: int,
    host: str,
    handler: Annotated[str, typer.Argument(help="Its name, as `show` prints it.")],
) -> None:
    """Settle a handler that a deployment owes a host, without running it."""
    path = _path(deployment_id, "/owed-handlers/dismiss")
    with connect() as api:
        api.post(path, {"host": host, "handler": handler})
    console.print(f"{host} no longer owes: {handler}", markup=False, highlight=False)


@app.command()
def artifacts(
    deployment_id: int,
    *,
    path: Annotated[
        bool, typer.Option("--path", help="Print the path of the folder alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the ansible-runner artifacts of a deployment below their folder."""
    with connect() as api:
        files = api.get(_path(deployment_id, "/artifacts"))
        folder = api.artifacts_folder(deployment_id)
        place = folder or f"{api.url}/deployments/{deployment_id}/artifacts"
    if path and folder is None:
        raise Invalid(f"the folder is on FastDeploy's host; {place} shows the files")
    if as_json:
        print_json(files)
        return
    print(place)
    for file in [] if path else files:
        listed = ArtifactBody.model_validate(file, extra="ignore")
        print(f"{listed.size:>10}  {plain(listed.path)}")


@app.command()
def export(
    deployment_id: int,
    wanted: Annotated[
        Format,
        typer.Option(
            "--format",
            help="navigator: for `ansible-navigator replay`; ara: as ARA's API.",
        ),
    ] = Format.NAVIGATOR,
) -> None:
    """Print the record of an ended deployment in the format of another tool.

    It is JSON with the plays, tasks and results; secrets are masked.
    """
    path = _path(deployment_id, "/export")
    with connect() as api:
        for piece in api.download(path, format=wanted):
            sys.stdout.buffer.write(piece)
    print()


@app.command()
def prune() -> None:
    """Delete output, artifacts and audit entries beyond FASTDEPLOY_KEEP_…."""
    from app.usecases import retention  # noqa: PLC0415 - a client does without it

    settings = load_settings()
    with open_store(settings) as store:
        done = retention.prune(store, settings)
    console.print(
        f"deployments whose output was deleted: {done.deployments} "
        f"({done.size} bytes); deleted audit entries: {done.noted}"
    )


def _path(deployment_id: int, below: str = "") -> str:
    """Return the path of a deployment in the API, or of what is below it.

    Raises NotFound for a number that is not an id.
    """
    return f"/deployments/{id_segment('deployment', deployment_id)}{below}"


def _relaunch(path: str, about: str, *, yes: bool) -> None:
    with connect() as api:
        launched = confirmed(partial(_launch, api, path), yes=yes)
        print_queued(api, launched["id"], f"{state_of(launched)}, {about}")


def _launch(api: Api, path: str, *, confirm: bool) -> Any:
    return api.launch(path, confirm="true" if confirm else "false")


def exit_with(ended: DeploymentBody) -> None:
    """Exit with 0 if the deployment succeeded, with 130 if it is still active."""
    if ended.finished_at is None:
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(0 if ended.status is Status.SUCCESSFUL else 1)
