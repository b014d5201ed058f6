"""`fastdeploy deployment`, with the shortcuts `fastdeploy list`, `show` and `logs`."""

import sys
from functools import partial
from typing import Annotated

import typer

from app import bootstrap
from app.cli.confirmation import Yes, confirmed
from app.cli.context import (
    current_actor,
    git_access,
    load_settings,
    open_store,
)
from app.cli.deployment_output import print_deployment
from app.cli.deployment_timing import print_timing
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_json,
    print_queued,
    print_table,
)
from app.domain.deployment import Deployment, Origin, Status
from app.domain.retry import RetryScope
from app.follow import print_log, watch
from app.queue import make_queue
from app.store.history import Filter
from app.usecases import artifacts as run_artifacts
from app.usecases import deploy as deployments
from app.usecases import (
    exports,
    history,
    results,
    retention,
    retries,
    revisions,
    services,
)
from app.usecases import timing as timings
from app.usecases.cancel import cancel as cancel_deployment
from app.usecases.exports import Format
from app.web import schemas
from app.web.response_bodies import deployment_body, deployment_detail_body
from app.web.timing_bodies import timing_body

#: The exit code of a program that SIGINT ended, as shells report it.
_INTERRUPTED = 130

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

    With --follow, exits with 0 if the deployment succeeds and with 1 otherwise.
    """
    settings = load_settings()
    with open_store(settings) as store:
        if not follow:
            print_log(store, deployment_id, console)
            return
        ended = watch(settings, store, deployment_id, console)
    exit_with(ended)


@app.command(name="list")
def list_deployments(
    service: Annotated[
        str | None, typer.Option(help="Only deployments of this service.")
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only deployments with this status.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="At most this many.")
    ] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List deployments, newest first."""
    with open_store() as store:
        if service is not None:
            services.find_service(store, service)
        wanted = Filter(service=service, status=status)
        views = history.views(store, wanted, limit=limit).items
    if as_json:
        print_json([deployment_body(view) for view in views])
        return
    print_table(
        ("id", "service", "status", "actor", "created", "finished", "reason"),
        (
            (
                deployment.id,
                deployment.service_name,
                deployment.status,
                deployment.actor,
                moment(deployment.created_at),
                moment(deployment.finished_at),
                deployment.reason,
            )
            for deployment in (view.deployment for view in views)
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
    with open_store() as store:
        view = deployments.view(store, deployment_id)
        summary = results.summary_of(store, deployment_id)
        spent = timings.of_view(store, view)
    if timing and as_json:
        print_json(timing_body(spent))
    elif timing:
        print_timing(spent)
    elif as_json:
        print_json(deployment_detail_body(view, summary))
    else:
        print_deployment(view, summary)


@app.command()
def cancel(deployment_id: int) -> None:
    """Cancel a deployment; the worker stops a running one with all its processes."""
    settings = load_settings()
    with open_store(settings) as store:
        queue = make_queue(settings)
        cancel_deployment(store, queue, current_actor(), deployment_id)
        deployment = deployments.find(store, deployment_id)
    state = "is canceled" if deployment.ended else "is being canceled"
    console.print(f"deployment {deployment_id} {state}")


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
    scope = RetryScope.FAILED if failed else RetryScope.ALL
    about = f"is queued, a retry of {deployment_id}"
    _relaunch(deployment_id, scope, about, yes=yes)


@app.command(name="continue")
def resume(deployment_id: int, *, yes: Yes = False) -> None:
    """Continue a deployment on the hosts that it didn't finish, owed handlers first."""
    about = f"is queued, it continues {deployment_id}"
    _relaunch(deployment_id, RetryScope.CONTINUE, about, yes=yes)


@app.command()
def dismiss(
    deployment_id: int,
    host: str,
    handler: Annotated[str, typer.Argument(help="Its name, as `show` prints it.")],
) -> None:
    """Settle a handler that a deployment owes a host, without running it."""
    with open_store() as store:
        retries.dismiss_handler(store, current_actor(), deployment_id, host, handler)
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
    settings = load_settings()
    with open_store(settings) as store:
        deployment = deployments.find(store, deployment_id)
        files = run_artifacts.listing(store, settings, deployment)
    if as_json:
        print_json([schemas.ArtifactBody(path=name, size=size) for name, size in files])
        return
    print(run_artifacts.artifacts_of(settings, deployment_id))
    if not path:
        for name, size in files:
            print(f"{size:>10}  {name}")


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
    with open_store() as store:
        _, content = exports.export(store, deployment_id, wanted)
        for piece in content:
            sys.stdout.buffer.write(piece)
    print()


@app.command()
def prune() -> None:
    """Delete output, artifacts and audit entries beyond FASTDEPLOY_KEEP_…."""
    settings = load_settings()
    with open_store(settings) as store:
        done = retention.prune(store, settings)
    console.print(
        f"deployments whose output was deleted: {done.deployments} "
        f"({done.size} bytes); deleted audit entries: {done.noted}"
    )


def _relaunch(deployment_id: int, scope: RetryScope, about: str, *, yes: bool) -> None:
    settings = load_settings()
    with open_store(settings) as store:
        revisions.require_available(
            store, settings, git_access(store, settings).of, deployment_id
        )
        launch = partial(
            retries.retry,
            store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=current_actor(),
            origin=Origin.CLI,
            deployment_id=deployment_id,
            scope=scope,
        )
        number = confirmed(store, settings, launch, yes=yes)
    print_queued(settings, number, about)


def exit_with(ended: Deployment) -> None:
    """Exit with 0 if the deployment succeeded, with 130 if it is still active."""
    if not ended.ended:
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(0 if ended.status is Status.SUCCESSFUL else 1)
