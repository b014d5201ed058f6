"""Generate the reference of the command line from its commands."""

from collections.abc import Iterator
from typing import Any

import typer

from app.cli import make_cli
from tools.markdown import page, table


def commands() -> str:
    """Return the page with every command, its arguments and its options."""
    # Any: it is a group of click, of which typer may contain its own version.
    group: Any = typer.main.get_command(make_cli())
    return page(
        "Commands",
        "`fastdeploy COMMAND --help` shows the same text. In a working tree, use "
        "`./justw fastdeploy COMMAND`. On a server, root calls `fastdeploy`, which "
        "runs as FastDeploy's own user with the installed [settings](settings.md); "
        "elsewhere they come from the environment. The commands access the database "
        "directly, without the web process.",
        *(
            part
            for name, command in sorted(_leaves(group))
            for part in _command(name, command)
        ),
    )


def _leaves(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name, `deployment list`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _command(name: str, command: Any) -> Iterator[str]:
    shown = [param for param in command.params if not param.hidden]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    words = ["fastdeploy", name, *(_argument(p) for p in arguments)]
    yield f"## {name}"
    yield command.help or ""
    yield f"```text\n{' '.join(words)}\n```"
    options = [
        (f"`{_option(param)}`", param.help or "")
        for param in shown
        if param.param_type_name == "option"
    ]
    if options:
        yield table(("option", "what it does"), options)


def _argument(param: Any) -> str:
    name = param.name.upper()
    return name if param.required else f"[{name}]"


def _option(param: Any) -> str:
    flags = ", ".join(sorted((*param.opts, *param.secondary_opts), key=len))
    return flags if param.is_flag else f"{flags} {param.name.upper()}"
