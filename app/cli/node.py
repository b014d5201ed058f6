"""`fastdeploy node`: the hosts that run deployments."""

import typer

from app.cli.context import current_actor, load_settings, open_store
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.queue import make_queue
from app.usecases import nodes
from app.web.response_bodies import node_body

app = typer.Typer(help="List and remove nodes.", no_args_is_help=True)


@app.command(name="list")
def list_nodes(*, as_json: AsJson = False) -> None:
    """List the nodes with their state, load and last heartbeat."""
    with open_store() as store:
        listed = nodes.list_nodes(store)
    if as_json:
        print_json([node_body(node) for node in listed])
        return
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
    settings = load_settings()
    with open_store(settings) as store:
        queue = make_queue(settings)
        ended = nodes.forget(store, queue, current_actor(), name)
    console.print(
        f"node {name} is removed; deployments that ended as failed: {ended}",
        markup=False,
    )
