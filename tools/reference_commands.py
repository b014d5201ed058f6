"""Generate the reference of the command line from its commands."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.cli import COMMANDS, load
from app.cli.manual import FOLLOW_CODES, USUAL_CODES, Page
from app.cli.manual_pages import PAGES
from tools.markdown import page, table


def commands() -> str:
    """Return the page with every command, its arguments and its options."""
    return page(
        "Commands",
        "`fastdeploy COMMAND --help` shows the same text. In a working tree, use "
        "`./justw fastdeploy COMMAND`. On a server, root calls `fastdeploy`, which "
        "runs as FastDeploy's own user with the installed [settings](settings.md); "
        "elsewhere they come from the environment. The commands access the database "
        "directly, without the web process.",
        "Tables are for reading; `--json` prints the same for programs. Colours are "
        "used on a terminal only, and not if `NO_COLOR` is set.",
        _codes(FOLLOW_CODES),
        *(
            part
            for name, command in sorted(
                _leaves({name: load(name) for name in COMMANDS})
            )
            for part in _command(name, command)
        ),
    )


def _leaves(
    commands: Mapping[
        str, Any
    ],  # commands of click, of which typer has its own version
    prefix: str = "",
) -> Iterator[tuple[str, Any]]:
    """Yield each command with its full name, `deployment list`."""
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command.commands, f"{prefix}{name} ")
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
    manual = PAGES.get(name, Page(()))
    if manual.examples:
        yield "```text\n" + "\n".join(manual.examples) + "\n```"
    if manual.codes not in (USUAL_CODES, FOLLOW_CODES):
        yield _codes(manual.codes)


def _codes(codes: tuple[tuple[int, str], ...]) -> str:
    rows = [(str(code), meaning) for code, meaning in codes]
    return table(("exit code", "meaning"), rows)


def _argument(param: Any) -> str:
    name = param.name.upper()
    return name if param.required else f"[{name}]"


def _option(param: Any) -> str:
    flags = ", ".join(sorted((*param.opts, *param.secondary_opts), key=len))
    return flags if param.is_flag else f"{flags} {param.name.upper()}"
