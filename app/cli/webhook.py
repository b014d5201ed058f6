"""`fastdeploy webhook`: launch services when a repository is pushed to."""

from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.api import id_segment, segment
from app.cli.context import connect
from app.cli.output import AsJson, moment, print_fields, print_json, print_table, say
from app.domain.revision import short
from app.domain.webhook import Provider
from app.web.webhook_bodies import DeliveryBody, WebhookBody

app = typer.Typer(help="Manage webhooks and their deliveries.", no_args_is_help=True)
_Name = Annotated[
    str,
    typer.Argument(help="Name of the webhook.", autocompletion=completion.webhooks),
]


@app.command(name="list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """List the webhooks, without their secrets."""
    with connect() as api:
        found = api.pages("/webhooks")
    if as_json:
        print_json(found)
        return
    print_table(
        ("webhook", "provider", "project", "state", "created"),
        (
            (
                each.name,
                each.provider,
                each.project,
                "paused" if each.paused_at else "active",
                moment(each.created_at),
            )
            for each in map(_parse, found)
        ),
    )


@app.command()
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show a webhook, without its secrets."""
    with connect() as api:
        body = api.get(_path(name))
    if as_json:
        print_json(body)
        return
    one = _parse(body)
    print_fields(
        (
            ("webhook", one.name),
            ("path", one.path),
            ("provider", one.provider),
            ("project", one.project),
            ("status by", one.status_credential),
            ("API", one.api_url),
            ("rotating", moment(one.rotated_at)),
            ("paused", one.paused_at and f"{moment(one.paused_at)} by {one.paused_by}"),
            ("created", f"{moment(one.created_at)} by {one.created_by}"),
            ("refused", moment(one.refused_at)),
            ("because", one.refused_reason),
        )
    )


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the webhook.")],
    provider: Annotated[Provider, typer.Option(help="Who sends.")],
    project: Annotated[
        str,
        typer.Option(help="The git project.", autocompletion=completion.projects),
    ],
    status_credential: Annotated[
        str,
        typer.Option(
            help="git-token:NAME with which the commit status is set.",
            autocompletion=completion.credentials,
        ),
    ] = "",
    api_url: Annotated[
        str, typer.Option(help="Base URL of the provider's API, if it is unusual.")
    ] = "",
) -> None:
    """Create a webhook and print its secret; it is not shown again."""
    wanted = {
        "name": name,
        "provider": provider,
        "project": project,
        "status_credential": status_credential,
        "api_url": api_url,
    }
    with connect() as api:
        print(api.post("/webhooks", wanted)["secret"])


@app.command()
def rotate(
    name: _Name,
    *,
    finish: Annotated[
        bool, typer.Option(help="Make the earlier secret invalid.")
    ] = False,
) -> None:
    """Print a second secret; both are valid until `--finish`."""
    with connect() as api:
        if finish:
            api.post(f"{_path(name)}/finish-rotation")
            say(f"webhook {name} has one valid secret")
            return
        print(api.post(f"{_path(name)}/rotate")["secret"])


@app.command()
def pause(name: _Name) -> None:
    """Launch nothing until the webhook is resumed."""
    with connect() as api:
        api.post(f"{_path(name)}/pause")
    say(f"webhook {name} is paused")


@app.command()
def resume(name: _Name) -> None:
    """End the pause of a webhook."""
    with connect() as api:
        api.post(f"{_path(name)}/resume")
    say(f"webhook {name} is resumed")


@app.command()
def remove(name: _Name) -> None:
    """Remove a webhook with its deliveries; its deployments are kept."""
    with connect() as api:
        api.delete(_path(name))
    say(f"webhook {name} is removed")


@app.command()
def deliveries(
    name: _Name,
    before: Annotated[
        int | None, typer.Option(help="Only deliveries with a lower id.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the newest 50 deliveries of a webhook."""
    with connect() as api:
        found, _ = api.page(f"{_path(name)}/deliveries", {"before": before})
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "received", "event", "ref", "state", "deployments", "answer"),
        (_cells(DeliveryBody.model_validate(each, extra="ignore")) for each in found),
    )


@app.command()
def redeliver(
    name: _Name,
    delivery: Annotated[int, typer.Argument(help="Id in the list of deliveries.")],
) -> None:
    """Handle a delivery again, which launches once more."""
    number = id_segment("delivery", delivery)
    with connect() as api:
        api.post(f"{_path(name)}/deliveries/{number}/redeliver")
    say(f"delivery {delivery} of {name} is queued")


def _path(name: str) -> str:
    return f"/webhooks/{segment('webhook', name)}"


def _parse(body: Any) -> WebhookBody:
    return WebhookBody.model_validate(body, extra="ignore")


def _cells(one: DeliveryBody) -> tuple[object, ...]:
    return (
        one.id,
        moment(one.received_at),
        one.event,
        ", ".join(f"{short(push.ref)} {push.commit[:10]}" for push in one.pushes),
        one.state,
        ", ".join(map(str, one.deployments)),
        one.answer,
    )
