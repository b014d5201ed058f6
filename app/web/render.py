"""Render pages and the fragments that the stream sends, with Jinja."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app import __version__
from app.domain.access import Actor
from app.domain.duration import seconds_between
from app.domain.events import EventKind, TaskResult
from app.domain.matrix import Result, label
from app.domain.recap import COUNTED, changes
from app.domain.steps import Step
from app.domain.timeline import bars
from app.store.events import Event
from app.usecases.deploy import View
from app.usecases.failures import Failure, Failures
from app.usecases.results import SMALL, Summary
from app.web.assets import ICONS, Assets
from app.web.terminal import SHOWN_LINE, Span, marked, plain, spans

TEMPLATES = Path(__file__).parents[2] / "templates"


#: Lines shown after a linked line.
AROUND = 100
#: With at most this many hosts, the cells of the matrix show the result as text.
MAX_WIDE_HOSTS = 4
#: ansible-runner's name for the event at the start of a task.
_BEGINS = "playbook_on_task_start"
#: Characters of each line around a failure.
SHOWN_AROUND = 600


@dataclass(frozen=True, slots=True)
class Line:
    """An event as a line of output; `cut` marks a line that the page truncates.

    `href` links to the line on this page, in its context, or to the page of a result.
    """

    number: int
    kind: EventKind
    step: int | None
    host: str
    task: str
    result: str
    name: str
    spans: Sequence[Span]
    cut: bool
    href: str


@dataclass(frozen=True, slots=True)
class OutputSection:
    """Consecutive lines of one step; without a step, the name is empty.

    In the results of a search, consecutive lines of one task, with `step` 0.
    """

    step: int
    name: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure with the lines around it and a link to them."""

    failure: Failure
    lines: Sequence[Line]
    href: str


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task that was started, as a new row of the matrix."""

    number: int
    task: str
    label: str
    step: int | None
    step_name: str


def lines(
    events: Iterable[Event], page: str = "", wanted: str = "", most: int = SHOWN_LINE
) -> list[Line]:
    """Convert events to lines of output.

    Args:
        events: The events. Without `page`, those that aren't lines are left out.
        page: The URL of the page that the lines link to; empty for the same page.
        wanted: The text to highlight.
        most: The maximum number of characters of a line.
    """
    return [
        _line(event, page, wanted, most) for event in events if page or event.is_line
    ]


def sections_of(shown: Iterable[Line], steps: Iterable[Step]) -> list[OutputSection]:
    """Group consecutive lines by step."""
    names = {step.position: step.name for step in steps}
    return [
        OutputSection(position, names.get(position, ""), list(found))
        for position, found in groupby(shown, key=lambda line: line.step or 0)
    ]


def tasks_of(found: Iterable[Line]) -> list[OutputSection]:
    """Group consecutive lines by task.

    The name is empty if the first line is the start of the task, which names it.
    """
    parts = [
        OutputSection(0, task, list(of))
        for task, of in groupby(found, lambda x: x.task)
    ]
    return [replace(p, name="") if p.lines[0].name == _BEGINS else p for p in parts]


def failed(view: View, failures: Failures) -> list[Failed]:
    """Convert the failures of a deployment for its page."""
    page = f"/deployments/{view.deployment.id}"
    return [
        Failed(
            found,
            lines(found.lines, page, most=SHOWN_AROUND),
            context(page, found.number),
        )
        for found in failures.found
    ]


def context(page: str, number: int) -> str:
    """Return the URL of a line in its context, on the page of its deployment."""
    return f"{page}?before={number + AROUND}#e{number}"


class Renderer:
    """Renders templates; each gets the same globals and filters."""

    def __init__(self, assets: Assets) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=_readable,
        )
        filters: dict[str, Callable[..., str]] = {
            "value": value_text,
            "duration": duration,
            "ago": _ago_now,
            "moment": moment,
            "size": size,
        }
        self._environment.filters |= filters
        self._environment.globals |= {
            "assets": assets,
            "icon_names": ICONS,
            "version": __version__,
            "counted": COUNTED,
            "task_results": tuple(TaskResult),
            "seconds_between": seconds_between,
            "line_url": context,
            "lines_after": AROUND,
            "max_hosts": SMALL.hosts,
            "max_wide_hosts": MAX_WIDE_HOSTS,
        }

    def page(
        self,
        request: Request,
        template: str,
        status_code: int = 200,
        **context: Any,  # the variables of the template
    ) -> HTMLResponse:
        """Render a page for the actor of the request."""
        actor: Actor | None = getattr(request.state, "actor", None)
        content = self._environment.get_template(template).render(
            actor=actor,
            csrf_token=actor.csrf_token if actor else "",
            path=request.url.path,
            now=datetime.now(UTC),
            **context,
        )
        return HTMLResponse(content, status_code)

    def fragments(
        self, view: View, events: Sequence[Event], summary: Summary
    ) -> dict[str, str]:
        """Render the changing parts of a deployment's page, by the name of their event.

        `summary` is empty until the deployment has ended.
        """
        now = datetime.now(UTC)
        found = {
            "status": self._fragment(
                "deployments/_status.html",
                view=view,
                changes=changes(summary.recap),
                now=now,
            ),
            "steps": self._fragment(
                "deployments/_steps.html",
                view=view,
                bars=bars(view.steps, view.usual, now),
                now=now,
            ),
        }
        news = _news(view, events)
        if news:
            found["results"] = self._fragment(
                "deployments/_news.html", news=news, deployment=view.deployment
            )
        shown = sections_of(lines(events), view.steps)
        if shown:
            found["output"] = self._fragment("deployments/_output.html", output=shown)
        return found

    def summary(
        self, view: View, failures: Failures, summary: Summary
    ) -> dict[str, str]:
        """Render the parts that are added when a deployment has ended."""
        return {
            "failures": self._fragment(
                "deployments/_failures.html",
                deployment=view.deployment,
                failed=failed(view, failures),
                failures=failures,
            ),
            "recap": self._fragment(
                "deployments/_recap.html",
                summary=summary,
                deployment=view.deployment,
            ),
        }

    def _fragment(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)


def _readable(value: Any) -> Any:  # any value that a template outputs
    """Make control characters visible in every text that a template outputs."""
    return plain(value) if type(value) is str else value


def value_text(value: Any) -> str:
    """Format a JSON value: a text unchanged, any other value as JSON.

    Jinja's own `tojson` is for scripts: it writes `<` and `ü` as escape sequences.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def duration(seconds: float | None) -> str:
    """Format a duration in seconds: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(at: datetime) -> str:
    """Format a time in UTC: 2026-05-04 13:37:00 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(at: datetime, now: datetime) -> str:
    """Format a time as: just now, 5 min ago, 3 h ago, yesterday, 12 days ago."""
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} h ago"
    days = hours // 24
    return "yesterday" if days == 1 else f"{days} days ago"


def _ago_now(at: datetime) -> str:
    return ago(at, datetime.now(UTC))


def size(count: int) -> str:
    """Format a number of bytes: 512 B, 3.4 kB, 12 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return (
        f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
    )


def _news(view: View, events: Iterable[Event]) -> list[TaskStarted | Result]:
    """Return the new tasks and results for the matrix."""
    names = {step.position: step.name for step in view.steps}
    found: list[TaskStarted | Result] = []
    for event in events:
        if event.kind is not EventKind.RUNNER:
            continue
        if event.name == _BEGINS:
            name = names.get(event.step or 0, "")
            began = TaskStarted(
                event.number, event.task, label(event.task), event.step, name
            )
            found.append(began)
        elif event.host and event.result:
            result = TaskResult(event.result)
            found.append(Result(event.number, event.host, event.task, result))
    return found


def _line(event: Event, page: str, wanted: str, most: int) -> Line:
    text = event.text[:most]
    if event.kind is EventKind.STEP:
        about = f" — {text}" if text else ""
        text = f"{event.name}: {event.result}{about}"
    href = context(page, event.number) if page else f"#e{event.number}"
    if not event.is_line:
        text = f"{event.result}: [{event.host}]"
        href = f"{page}/results/{event.number}"
    return Line(
        number=event.number,
        kind=event.kind,
        step=event.step,
        host=event.host,
        task=event.task,
        result=event.result,
        name=event.name,
        spans=marked(spans(text.rstrip("\n")), wanted),
        cut=event.cut or len(event.text) > most,
        href=href,
    )
