"""`fastdeploy channel`: where notifications are sent."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from app import bootstrap
from app.cli.context import current_actor, load_settings, open_store
from app.cli.launch_input import one_line, read_text
from app.cli.output import AsJson, console, moment, print_json, print_table
from app.usecases import channels
from app.usecases.channels import Change
from app.web.notification_bodies import channel_body, notification_body

app = typer.Typer(help="Manage the channels of notifications.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="Name of the channel.")]


@app.command(name="list")
def list_channels(*, as_json: AsJson = False) -> None:
    """List the channels, without their URLs."""
    with open_store() as store:
        views = channels.list_all(store, current_actor())
    if as_json:
        print_json([channel_body(view) for view in views])
        return
    print_table(
        ("channel", "kind", "state", "services", "changed", "by"),
        (
            (
                view.channel.name,
                view.channel.scheme,
                "paused" if view.channel.paused_at else "active",
                ", ".join(view.used_by),
                moment(view.channel.changed_at),
                view.channel.changed_by,
            )
            for view in views
        ),
    )


@app.command()
def messages(
    name: Annotated[str, typer.Argument(help="Only those of this channel.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the latest messages, newest first."""
    with open_store() as store:
        found = channels.messages(store, current_actor(), name or None)
    if as_json:
        print_json([notification_body(each) for each in found])
        return
    print_table(
        ("message", "channel", "event", "deployment", "state", "attempts", "error"),
        (
            (
                each.id,
                each.channel,
                each.event,
                each.deployment_id or "",
                each.state,
                each.attempts,
                each.error,
            )
            for each in found
        ),
    )


@app.command()
def add(
    name: _Name,
    file: Annotated[
        Path | None, typer.Option(help="File with the URL; - for standard input.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the secret of a webhook.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    *,
    replace: Annotated[bool, typer.Option(help="Replace an existing one.")] = False,
) -> None:
    """Add a channel: its URL comes from a file, standard input or a prompt."""
    if file is None and sys.stdin.isatty():
        url = getpass.getpass("URL: ")
    else:
        url = read_text(file or Path("-"))
    secret = one_line(read_text(secret_file)) if secret_file else ""
    settings = load_settings()
    with open_store(settings) as store:
        channels.put(
            store,
            bootstrap.make_secret_box(settings),
            current_actor(),
            name,
            Change(url.strip(), secret, description),
            replace=replace,
        )
    _say(f"channel {name} is stored; test it with `fastdeploy channel test {name}`")


@app.command()
def test(name: _Name) -> None:
    """Write a test message, which a worker sends."""
    with open_store() as store:
        channels.test(store, current_actor(), name)
    _say(f"a worker sends it; see `fastdeploy channel messages {name}`")


@app.command()
def pause(name: _Name) -> None:
    """Send nothing; messages are skipped until the channel is resumed."""
    with open_store() as store:
        channels.pause(store, current_actor(), name)
    _say(f"channel {name} is paused")


@app.command()
def resume(name: _Name) -> None:
    """End the pause of a channel."""
    with open_store() as store:
        channels.resume(store, current_actor(), name)
    _say(f"channel {name} is resumed")


@app.command()
def send(
    number: Annotated[int, typer.Argument(min=1, help="Number of the message.")],
) -> None:
    """Send a message again that failed or was skipped."""
    with open_store() as store:
        found = channels.send_again(store, current_actor(), number)
    _say(f"a worker sends message {number} to {found.channel} again")


@app.command()
def remove(
    name: _Name,
    *,
    force: Annotated[bool, typer.Option(help="Although services name it.")] = False,
) -> None:
    """Remove a channel."""
    with open_store() as store:
        channels.remove(store, current_actor(), name, force=force)
    _say(f"channel {name} is removed")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False)
