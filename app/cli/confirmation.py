"""Ask for the confirmation of a launch on a terminal."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from app.cli.problems import ConfirmationAsked
from app.errors import Invalid
from app.web.terminal import plain

Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Confirm it, if the service asks for that."),
]


def confirmed(launch: Callable[..., Any], *, yes: bool) -> Any:
    """Launch, and ask for a confirmation if one is needed; return the body.

    `launch` takes `confirm`.

    Raises:
        Invalid: It has to be confirmed, and there is no terminal to ask on.
        Exit: It wasn't confirmed.
    """
    try:
        return launch(confirm=yes)
    except ConfirmationAsked as asked:
        name = dict(asked.facts).get("service", "it")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Invalid(
                f"a launch of {name} has to be confirmed, and there is no terminal to "
                "ask on: check what it does, and add --yes"
            ) from None
        print("\n".join(lines(asked.facts)), file=sys.stderr)
    if not typer.confirm(f"Launch {name}?", err=True):
        print("Nothing was launched.", file=sys.stderr)
        raise typer.Exit(1)
    return launch(confirm=True)


def lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    """Return what a launch would do, a fact on each line."""
    width = max(len(name) for name, _ in facts)
    indented = "\n" + " " * (width + 2)
    return [
        f"{plain(name):<{width}}  {plain(text).replace(chr(10), indented)}"
        for name, text in facts
    ]
