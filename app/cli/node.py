"""`fastdeploy node`: the hosts that run deployments."""

from typing import Annotated

import typer

from app.cli import completion
from app.cli.api import segments
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_json, print_table, say
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
def forget(
    name: Annotated[str, typer.Argument(autocompletion=completion.nodes)],
) -> None:
    """Remove a node that won't come back; its running deployments fail."""
    with connect() as api:
        removed = api.delete(f"/nodes/{segments('node', name)}")
    ended = removed["failed_deployments"]
    say(f"node {name} is removed; deployments that ended as failed: {ended}")
