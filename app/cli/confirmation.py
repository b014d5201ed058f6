"""Ask for the confirmation of a launch on a terminal."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from app.errors import Invalid
from app.settings import Settings
from app.store.store import Store
from app.usecases import launch_summary
from app.usecases.confirmation import ConfirmationNeeded
from app.usecases.launch_summary import LaunchSummary
from app.web.terminal import plain

Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Confirm it, if the service asks for that."),
]


def confirmed(
    store: Store, settings: Settings, launch: Callable[..., int], *, yes: bool
) -> int:
    """Launch, and ask for a confirmation if one is needed; return the id.

    `launch` takes `confirmed`.

    Raises:
        Invalid: It has to be confirmed, and there is no terminal to ask on.
        Exit: It wasn't confirmed.
    """
    try:
        return launch(confirmed=yes)
    except ConfirmationNeeded as needed:
        name = needed.wanted.service.name
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Invalid(
                f"a launch of {name} has to be confirmed, and there is no terminal to "
                "ask on: check what it does, and add --yes"
            ) from None
        summary = launch_summary.summarize(store, settings, needed)
        print("\n".join(lines(summary)), file=sys.stderr)
    if not typer.confirm(f"Launch {name}?", err=True):
        print("Nothing was launched.", file=sys.stderr)
        raise typer.Exit(1)
    return launch(confirmed=True)


def lines(summary: LaunchSummary) -> list[str]:
    """Return what a launch would do, a fact on each line."""
    wanted = summary.wanted
    facts = [("service", wanted.service.name), *_revision(summary)]
    if wanted.service.playbook:
        hosts = wanted.options.limit or "all"
        if wanted.hosts is not None:
            hosts = ", ".join(wanted.hosts)
        inventory = wanted.service.inventory
        facts += [("hosts", f"{hosts} of {inventory}" if inventory else hosts)]
    if wanted.options.given:
        facts += [("options", " ".join(wanted.options.arguments))]
    facts += [(f"variable {name}", str(v)) for name, v in wanted.variables.items()]
    facts += [(f"variable {name}", "********") for name in summary.secrets]
    facts += [
        ("owed handler", f"{each.handler} on {each.host}") for each in summary.owed
    ]
    facts += [
        ("freeze", f"{freeze.summary}, until {freeze.until:%Y-%m-%d %H:%M %Z}")
        for freeze in summary.frozen.values()
    ]
    replaced = {each.id for each in summary.replaced}
    facts += [
        ("replaces" if each.id in replaced else "waits for", f"deployment {each.id}")
        for each in summary.unfinished
        if each.id in replaced or not replaced
    ]
    width = max(len(name) for name, _ in facts)
    indented = "\n" + " " * (width + 2)
    return [
        f"{name:<{width}}  {plain(text).replace(chr(10), indented)}"
        for name, text in facts
    ]


def _revision(summary: LaunchSummary) -> list[tuple[str, str]]:
    project, last = summary.wanted.service.project, summary.last
    facts = []
    if project is not None and project.commit:
        facts += [("commit", f"{project.commit[:10]} {summary.wanted.ref}".rstrip())]
    if last is not None:
        version = f", {last.version}" if last.version else ""
        facts += [("deployed now", f"deployment {last.id}{version}")]
    if summary.difference is not None:
        facts += [
            ("comes in", f"{each.commit[:10]} {each.subject}")
            for each in summary.difference.added
        ]
        facts += [
            ("is removed", f"{each.commit[:10]} {each.subject}")
            for each in summary.difference.removed
        ]
    return facts
