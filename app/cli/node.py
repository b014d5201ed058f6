"""`fastdeploy node`: the hosts that run deployments."""

import typer

from app.cli.context import connect, current_actor, load_settings, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.web.schemas import NodeBody

app = typer.Typer(help="List and remove nodes.", no_args_is_help=True)


@app.command(name="list")
def list_nodes(*, as_json: AsJson = False) -> None:
    """List the nodes with their state, load and last heartbeat."""
    with connect() as api:
        found = api.pages("/nodes")
    if as_json:
        print_json(found)
        return
    listed = [NodeBody.model_validate(each, extra="ignore") for each in found]
    print_table(
        ("name", "state", "running", "waiting", "services", "heartbeat", "version"),
        (
            (
                node.name,
                node.state,
                f"{node.running} of {node.concurrency}",
                node.waiting,
                node.services,
                moment(node.heartbeat_at),
                node.version,
            )
            for node in listed
        ),
    )


@app.command()
def forget(name: str) -> None:
    """Remove a node that won't come back; its running deployments fail."""
    from app.queue import make_queue  # noqa: PLC0415 - a client does without them
    from app.usecases import nodes  # noqa: PLC0415

    settings = load_settings()
    with open_store(settings) as store:
        queue = make_queue(settings)
        ended = nodes.forget(store, queue, current_actor(), name)
    console.print(
        f"node {name} is removed; deployments that ended as failed: {ended}",
        markup=False,
    )
