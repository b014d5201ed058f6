"""`fastdeploy deployment`, with the shortcuts `fastdeploy deploy` and `logs`."""

from pathlib import Path
from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.deployment_output import print_deployment
from app.cli.launch_input import (
    asked_credentials,
    json_object,
    key_files,
    key_values,
    options_from,
)
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_json,
    print_table,
)
from app.domain import variables
from app.domain.deployment import Deployment, Origin, Status
from app.domain.service import Service
from app.errors import FastDeployError
from app.follow import print_log, watch
from app.queue import make_queue
from app.store.history import Filter
from app.store.store import Store
from app.usecases import artifacts as run_artifacts
from app.usecases import deploy as deployments
from app.usecases import (
    history,
    results,
    retention,
    revisions,
    run_credentials,
    services,
)
from app.usecases.cancel import cancel as cancel_deployment
from app.web import schemas
from app.web.response_bodies import deployment_body, deployment_detail_body

app = typer.Typer(help="List, show and control deployments.", no_args_is_help=True)


def deploy(
    name: Annotated[str, typer.Argument(help="The service.")],
    extra: Annotated[
        list[str] | None,
        typer.Option("-e", "--extra-var", help="A variable, key=value; repeatable."),
    ] = None,
    extra_file: Annotated[
        list[str] | None,
        typer.Option(help="A variable from a file, key=FILE or key=-; repeatable."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="JSON object of variables, kept out of argv; - for stdin."),
    ] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(
            help="A credential that is asked: kind:name=@FILE, or =- for standard "
            "input; without it, a prompt. Repeatable."
        ),
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("-C", "--check", help="Report changes, make none.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("-D", "--diff", help="Show the differences in files.")
    ] = False,
    limit: Annotated[
        str | None, typer.Option("-l", "--limit", help="Hosts, as a host pattern.")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("-t", "--tags", help="Tasks to run, by tag; a,b or repeated."),
    ] = None,
    skip_tags: Annotated[
        list[str] | None,
        typer.Option(help="Tasks to leave out, by tag; a,b or repeated."),
    ] = None,
    start_at_task: Annotated[
        str | None, typer.Option(help="Task to start at, by name.")
    ] = None,
    forks: Annotated[
        int | None,
        typer.Option("-f", "--forks", help="Hosts to work on at the same time."),
    ] = None,
    verbose: Annotated[
        int,
        typer.Option("-v", "--verbose", count=True, help="More output; -vvv: more."),
    ] = 0,
    ref: Annotated[
        str,
        typer.Option(help="Branch, tag or commit of the project's repository."),
    ] = "",
    priority: Annotated[
        int, typer.Option(help="-100 to 100; higher priorities start first.")
    ] = 0,
    follow: Annotated[bool, typer.Option(help="Print the log until it ends.")] = False,
) -> None:
    """Launch a deployment of a service.

    The options of ansible-playbook are those that the service allows.

    With --follow, exits with 0 if the deployment succeeds and with 1 otherwise.
    """
    settings = load_settings()
    with open_store(settings) as store:
        revision = revisions.choose(settings, name, ref)
        service = revision.service if revision else _find_service(store, name)
        pairs = key_values(extra or []) | key_files(extra_file or [])
        given = variables.from_text(service, pairs) if service else {}
        number = deployments.launch(
            store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=current_actor(),
            origin=Origin.CLI,
            service_name=name,
            given=given | json_object(secret_file),
            options=options_from(
                check=check or None,
                diff=diff or None,
                limit=limit,
                tags=tags,
                skip_tags=skip_tags,
                start_at_task=start_at_task,
                forks=forks,
                verbosity=verbose or None,
            ),
            revision=revision,
            credentials=asked_credentials(
                run_credentials.asked_of(store, service) if service else [],
                credential or [],
            ),
            run_as=settings.run_as,
            priority=priority,
        )
        if not follow:
            console.print(f"deployment {number} of {name} is queued")
            return
        ended = watch(settings, store, number, console)
    _exit_with(ended)


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
    _exit_with(ended)


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
def show(deployment_id: int, *, as_json: AsJson = False) -> None:
    """Show a deployment, its variables and its steps."""
    with open_store() as store:
        view = deployments.view(store, deployment_id)
        summary = results.summary_of(store, deployment_id)
    if as_json:
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
def retry(deployment_id: int) -> None:
    """Relaunch an ended deployment with the same variables, options and priority."""
    settings = load_settings()
    with open_store(settings) as store:
        revisions.require_available(store, settings, deployment_id)
        number = deployments.retry(
            store,
            make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=current_actor(),
            origin=Origin.CLI,
            deployment_id=deployment_id,
        )
    console.print(f"deployment {number} is queued, a retry of {deployment_id}")


@app.command()
def artifacts(deployment_id: int, *, as_json: AsJson = False) -> None:
    """List the ansible-runner artifacts of a deployment below their folder."""
    settings = load_settings()
    with open_store(settings) as store:
        deployment = deployments.find(store, deployment_id)
        files = run_artifacts.listing(store, settings, deployment)
    if as_json:
        print_json([schemas.ArtifactBody(path=path, size=size) for path, size in files])
        return
    print(run_artifacts.artifacts_of(settings, deployment_id))
    for path, size in files:
        print(f"{size:>10}  {path}")


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


def _exit_with(ended: Deployment) -> None:
    raise typer.Exit(0 if ended.status is Status.SUCCESSFUL else 1)


def _find_service(store: Store, name: str) -> Service | None:
    try:
        return services.find_service(store, name).service
    except FastDeployError:
        # The use case raises a better error, with the names of the known services.
        return None
