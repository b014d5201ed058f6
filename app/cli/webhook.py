"""`fastdeploy webhook`: launch services when a repository is pushed to."""

from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.output import (
    AsJson,
    console,
    moment,
    print_fields,
    print_json,
    print_table,
)
from app.domain.revision import short
from app.domain.webhook import Provider
from app.store.store import Store
from app.store.webhook_deliveries import Delivery
from app.usecases import webhook_deliveries, webhooks
from app.usecases.webhooks import Wanted
from app.web.webhook_bodies import delivery_body, path_of, webhook_body

app = typer.Typer(help="Manage webhooks and their deliveries.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="Name of the webhook.")]


@app.command(name="list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """List the webhooks, without their secrets."""
    with open_store() as store:
        listed = webhooks.list_all(store, current_actor())
    if as_json:
        print_json([webhook_body(each) for each in listed])
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
            for each in listed
        ),
    )


@app.command()
def show(name: _Name, *, as_json: AsJson = False) -> None:
    """Show a webhook, without its secrets."""
    with open_store() as store:
        one = webhooks.find_named(store, current_actor(), name)
    if as_json:
        print_json(webhook_body(one))
        return
    print_fields(
        (
            ("webhook", one.name),
            ("path", path_of(one)),
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
    name: _Name,
    provider: Annotated[Provider, typer.Option(help="Who sends.")],
    project: Annotated[str, typer.Option(help="The git project.")],
    status_credential: Annotated[
        str,
        typer.Option(help="git-token:NAME with which the commit status is set."),
    ] = "",
    api_url: Annotated[
        str, typer.Option(help="Base URL of the provider's API, if it is unusual.")
    ] = "",
) -> None:
    """Create a webhook and print its secret; it is not shown again."""
    settings = load_settings()
    wanted = Wanted(name, provider, project, status_credential, api_url)
    with open_store(settings) as store:
        secret_box = bootstrap.make_secret_box(settings)
        _, secret = webhooks.create(
            store, settings, secret_box, current_actor(), wanted
        )
    print(secret)


@app.command()
def rotate(
    name: _Name,
    *,
    finish: Annotated[
        bool, typer.Option(help="Make the earlier secret invalid.")
    ] = False,
) -> None:
    """Print a second secret; both are valid until `--finish`."""
    settings = load_settings()
    with open_store(settings) as store:
        number = _id(store, name)
        secret_box = bootstrap.make_secret_box(settings)
        if finish:
            webhooks.finish_rotation(store, secret_box, current_actor(), number)
            _say(f"webhook {name} has one valid secret")
            return
        print(webhooks.rotate(store, secret_box, current_actor(), number))


@app.command()
def pause(name: _Name) -> None:
    """Launch nothing until the webhook is resumed."""
    with open_store() as store:
        webhooks.pause(store, current_actor(), _id(store, name))
    _say(f"webhook {name} is paused")


@app.command()
def resume(name: _Name) -> None:
    """End the pause of a webhook."""
    with open_store() as store:
        webhooks.resume(store, current_actor(), _id(store, name))
    _say(f"webhook {name} is resumed")


@app.command()
def remove(name: _Name) -> None:
    """Remove a webhook with its deliveries; its deployments are kept."""
    with open_store() as store:
        webhooks.remove(store, current_actor(), _id(store, name))
    _say(f"webhook {name} is removed")


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
    with open_store() as store:
        number = _id(store, name)
        listed, _ = webhook_deliveries.list_page(store, current_actor(), number, before)
    if as_json:
        print_json([delivery_body(each) for each in listed])
        return
    print_table(
        ("id", "received", "event", "ref", "state", "deployments", "answer"),
        map(_cells, listed),
    )


@app.command()
def redeliver(
    name: _Name,
    delivery: Annotated[int, typer.Argument(help="Id in the list of deliveries.")],
) -> None:
    """Handle a delivery again, which launches once more."""
    with open_store() as store:
        number = _id(store, name)
        webhook_deliveries.redeliver(store, current_actor(), number, delivery)
    _say(f"delivery {delivery} of {name} is queued")


def _cells(one: Delivery) -> tuple[object, ...]:
    return (
        one.id,
        moment(one.received_at),
        one.event,
        ", ".join(f"{short(push.ref)} {push.commit[:10]}" for push in one.pushes),
        one.state,
        ", ".join(map(str, one.deployments)),
        one.answer,
    )


def _id(store: Store, name: str) -> int:
    return webhooks.find_named(store, current_actor(), name).id


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False)
