"""Show a deployment's steps and output in a terminal while it runs."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from app.cli.api import Api
from app.cli.deployment_stream import News, follow, parse_deployment
from app.domain.deployment import Status
from app.domain.events import EventKind, StepState
from app.web.schemas import DeploymentBody, StepBody
from app.web.terminal import plain, spans

_SIGNS = {
    StepState.PENDING: "[dim]·[/]",
    StepState.RUNNING: "[cyan]▶[/]",
    StepState.SUCCESS: "[green]✔[/]",
    StepState.FAILURE: "[red]✘[/]",
    StepState.SKIPPED: "[dim]-[/]",
}
#: The kinds of events that are FastDeploy's own remarks.
_REMARKS = frozenset({
    EventKind.WAITING_FOR_APPROVAL, EventKind.QUEUED, EventKind.STARTED,
    EventKind.NOTICE, EventKind.HOST_KEY,
})  # fmt: skip


def watch(api: Api, deployment_id: int, out: Console) -> DeploymentBody:
    """Print a deployment's steps and output until it has ended, and return it.

    Ctrl-C stops watching, not the deployment. Raises NotFound.
    """
    shown: dict[int, StepState] = {}
    try:
        for news in follow(api, deployment_id):
            _print_news(news, shown, out)
            if news.complete:
                _print_end(news.deployment, out)
                return news.deployment
    except KeyboardInterrupt:
        out.print(f"deployment {deployment_id} continues; `fastdeploy logs "
                  f"{deployment_id} --follow` shows it again")  # fmt: skip
    return parse_deployment(api.get(f"/deployments/{deployment_id}"))


def print_log(api: Api, deployment_id: int, out: Console) -> None:
    """Print the steps and output of a deployment so far. Raises NotFound."""
    present = parse_deployment(api.get(f"/deployments/{deployment_id}"))
    shown: dict[int, StepState] = {}
    for news in follow(api, deployment_id):
        _print_news(news, shown, out)
        if news.complete or news.last >= present.last_event:
            break
    if present.finished_at is not None:
        _print_end(present, out)


def _print_news(news: News, shown: dict[int, StepState], out: Console) -> None:
    for event in news.events:
        _print_event(event, out)
    for step in news.deployment.steps:
        _print_step(step, shown, out)


def _print_event(event: Mapping[str, Any], out: Console) -> None:
    kind, text = event["kind"], event["text"]
    if kind in _REMARKS:
        _print(f"[dim]{_harmless(text)}[/]", out)
    elif kind in (EventKind.OUTPUT, EventKind.RUNNER) and text:
        styled = Text.assemble(*((s.text, _style(s.classes)) for s in spans(text)))
        _print(styled, out, end="" if event["open"] else "\n")


def _print_step(step: StepBody, shown: dict[int, StepState], out: Console) -> None:
    if shown.get(step.position) is step.state:
        return
    shown[step.position] = step.state
    message = f" [dim]{_harmless(step.message)}[/]" if step.message else ""
    name = _harmless(step.name)
    _print(f"{_SIGNS[step.state]} [bold]{name}[/] {step.state}{message}", out)


def _print_end(deployment: DeploymentBody, out: Console) -> None:
    colour = "green" if deployment.status is Status.SUCCESSFUL else "red"
    reason = f": {_harmless(deployment.reason)}" if deployment.reason else ""
    about = f"deployment {deployment.id} {deployment.status}"
    _print(f"[{colour} bold]{about}[/]{reason}", out)
    for warning in deployment.warnings:
        _print(f"[yellow]warning:[/] {_harmless(warning.message)}", out)


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
