"""Show a deployment's steps and output in a terminal while it runs."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from app.domain.deployment import Deployment, Status
from app.domain.events import EventKind, StepState
from app.domain.steps import Step
from app.settings import Settings
from app.store.event_stream import Feed
from app.store.events import Event
from app.store.store import Store
from app.usecases import deploy
from app.usecases.event_stream import News, look
from app.web.terminal import plain, spans

_SIGNS = {
    StepState.PENDING: "[dim]·[/]",
    StepState.RUNNING: "[cyan]▶[/]",
    StepState.SUCCESS: "[green]✔[/]",
    StepState.FAILURE: "[red]✘[/]",
    StepState.SKIPPED: "[dim]-[/]",
}


@dataclass
class _SizedNews:
    """News with a size, as the feed requires."""

    news: News
    after: int
    last: int
    more: bool
    complete: bool
    size: int


def watch(
    settings: Settings, store: Store, deployment_id: int, out: Console
) -> Deployment:
    """Print a deployment's steps and output until it has ended, and return it.

    Ctrl-C stops watching, not the deployment. Raises NotFound.
    """
    deploy.find(store, deployment_id)
    try:
        asyncio.run(_watch(settings, store, deployment_id, out))
    except KeyboardInterrupt:
        out.print(f"deployment {deployment_id} continues; `fastdeploy logs "
                  f"{deployment_id} --follow` shows it again")  # fmt: skip
    return deploy.find(store, deployment_id)


def print_log(store: Store, deployment_id: int, out: Console) -> None:
    """Print the steps and output of a deployment so far. Raises NotFound."""
    end = deploy.find(store, deployment_id).last_event
    shown: dict[int, StepState] = {}
    after = 0
    while True:
        news = look(store, deployment_id, after, end)
        _print_news(news, shown, out)
        if news.last >= end or news.last == after:
            break
        after = news.last
    if news.view.deployment.ended:
        _print_end(news.view.deployment, out)


async def _watch(
    settings: Settings, store: Store, deployment_id: int, out: Console
) -> None:
    feed = Feed(settings.database)
    listening = asyncio.create_task(feed.listen())
    shown: dict[int, StepState] = {}

    def sized(number: int, after: int | None, up_to: int | None) -> _SizedNews:
        news = look(store, number, after, up_to)
        size = sum(len(event.text) for event in news.events)
        return _SizedNews(news, news.after, news.last, news.more, news.complete, size)

    try:
        async for piece in feed.follow(deployment_id, sized, 0):
            _print_news(piece.news, shown, out)
            if piece.complete:
                _print_end(piece.news.view.deployment, out)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


def _print_news(news: News, shown: dict[int, StepState], out: Console) -> None:
    for event in news.events:
        _print_event(event, out)
    for step in news.view.steps:
        _print_step(step, shown, out)


def _print_event(event: Event, out: Console) -> None:
    if event.kind in (EventKind.QUEUED, EventKind.STARTED, EventKind.NOTICE,
                      EventKind.HOST_KEY):  # fmt: skip
        _print(f"[dim]{_harmless(event.text)}[/]", out)
    elif event.kind in (EventKind.OUTPUT, EventKind.RUNNER) and event.text:
        text = Text.assemble(*((s.text, _style(s.classes)) for s in spans(event.text)))
        _print(text, out, end="" if event.open else "\n")


def _print_step(step: Step, shown: dict[int, StepState], out: Console) -> None:
    if shown.get(step.position) is step.state:
        return
    shown[step.position] = step.state
    message = f" [dim]{_harmless(step.message)}[/]" if step.message else ""
    name = _harmless(step.name)
    _print(f"{_SIGNS[step.state]} [bold]{name}[/] {step.state}{message}", out)


def _print_end(deployment: Deployment, out: Console) -> None:
    colour = "green" if deployment.status is Status.SUCCESSFUL else "red"
    reason = f": {_harmless(deployment.reason)}" if deployment.reason else ""
    about = f"deployment {deployment.id} {deployment.status}"
    _print(f"[{colour} bold]{about}[/]{reason}", out)
    for warning in deployment.warnings:
        _print(f"[yellow]warning:[/] {_harmless(str(warning))}", out)


def _print(what: str | Text, out: Console, end: str = "\n") -> None:
    # Rich doesn't wrap long lines: the terminal does.
    out.print(what, end=end, highlight=False, soft_wrap=True)


def _harmless(text: str) -> str:
    """Return the text without control sequences and without markup for rich."""
    return escape(plain(text))


def _style(classes: str) -> str:
    """Convert the classes of a page to a style for rich."""
    return " ".join(
        name.removeprefix("ansi-")
        .replace("fg-", "")
        .replace("bg-", "on ")
        .replace("-", "_")
        for name in classes.split()
    )
