"""`fastdeploy channel`: where notifications are sent."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli import completion
from app.cli.api import id_segment, segment
from app.cli.context import connect
from app.cli.launch_input import one_line, read_text
from app.cli.output import AsJson, moment, print_json, print_table, say
from app.domain.channel import require_name
from app.web.notification_bodies import ChannelBody, NotificationBody

app = typer.Typer(help="Manage the channels of notifications.", no_args_is_help=True)
_Name = Annotated[
    str,
    typer.Argument(help="Name of the channel.", autocompletion=completion.channels),
]


@app.command(name="list")
def list_channels(*, as_json: AsJson = False) -> None:
    """List the channels, without their URLs."""
    with connect() as api:
        found = api.pages("/channels")
    if as_json:
        print_json(found)
        return
    channels = (ChannelBody.model_validate(each, extra="ignore") for each in found)
    print_table(
        ("channel", "kind", "state", "services", "changed", "by"),
        (
            (
                channel.name,
                channel.scheme,
                "paused" if channel.paused else "active",
                ", ".join(channel.services),
                moment(channel.changed_at),
                channel.changed_by,
            )
            for channel in channels
        ),
    )


@app.command()
def messages(
    name: Annotated[
        str,
        typer.Argument(
            help="Only those of this channel.", autocompletion=completion.channels
        ),
    ] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """List the latest messages, newest first."""
    with connect() as api:
        found = api.pages("/notifications", channel=name)
    if as_json:
        print_json(found)
        return
    listed = (NotificationBody.model_validate(each, extra="ignore") for each in found)
    print_table(
        ("message", "channel", "event", "deployment", "state", "attempts", "error"),
        (
            (
                each.id,
                each.channel,
                each.event,
                each.deployment or "",
                each.state,
                each.attempts,
                each.error,
            )
            for each in listed
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
    require_name(name)
    if file is None and sys.stdin.isatty():
        url = getpass.getpass("URL: ")
    else:
        url = read_text(file or Path("-"))
    wanted = {
        "url": url,
        "secret": one_line(read_text(secret_file)) if secret_file else "",
        "description": description,
        "replace": replace,
    }
    with connect() as api:
        api.put(_path(name), wanted)
    say(f"channel {name} is stored; test it with `fastdeploy channel test {name}`")


@app.command()
def test(name: _Name) -> None:
    """Write a test message, which a worker sends."""
    with connect() as api:
        api.post(f"{_path(name)}/test")
    say(f"a worker sends it; see `fastdeploy channel messages {name}`")


@app.command()
def pause(name: _Name) -> None:
    """Send nothing; messages are skipped until the channel is resumed."""
    with connect() as api:
        api.post(f"{_path(name)}/pause")
    say(f"channel {name} is paused")


@app.command()
def resume(name: _Name) -> None:
    """End the pause of a channel."""
    with connect() as api:
        api.post(f"{_path(name)}/resume")
    say(f"channel {name} is resumed")


@app.command()
def send(
    number: Annotated[int, typer.Argument(min=1, help="Number of the message.")],
) -> None:
    """Send a message again that failed or was skipped."""
    with connect() as api:
        found = api.post(f"/notifications/{id_segment('message', number)}/send")
    say(f"a worker sends message {number} to {found['channel']} again")


@app.command()
def remove(
    name: _Name,
    *,
    force: Annotated[bool, typer.Option(help="Although services name it.")] = False,
) -> None:
    """Remove a channel."""
    with connect() as api:
        api.delete(_path(name), force="true" if force else "false")
    say(f"channel {name} is removed")


def _path(name: str) -> str:
    return f"/channels/{segment('channel', name)}"
