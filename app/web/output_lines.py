"""Convert events to lines of output, and group the lines by step and by task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from app.domain.events import TASK_START, EventKind
from app.domain.steps import Step
from app.store.events import Event
from app.usecases.deploy import View
from app.usecases.failures import Failure, Failures
from app.web.terminal import SHOWN_LINE, Span, marked, spans

#: Lines shown after a linked line.
AROUND = 100
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
class FailureContext:
    """A failure with the lines around it and a link to them."""

    failure: Failure
    lines: Sequence[Line]
    href: str


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


def sections_of(output: Iterable[Line], steps: Iterable[Step]) -> list[OutputSection]:
    """Group consecutive lines by step."""
    names = {step.position: step.name for step in steps}
    return [
        OutputSection(position, names.get(position, ""), list(section))
        for position, section in groupby(output, key=lambda line: line.step or 0)
    ]


def tasks_of(output: Iterable[Line]) -> list[OutputSection]:
    """Group consecutive lines by task.

    The name is empty if the first line is the start of the task, which names it.
    """
    sections = [
        OutputSection(0, task, list(section))
        for task, section in groupby(output, lambda line: line.task)
    ]
    return [
        replace(section, name="") if section.lines[0].name == TASK_START else section
        for section in sections
    ]


def failed(view: View, failures: Failures) -> list[FailureContext]:
    """Convert the failures of a deployment for its page."""
    page = f"/deployments/{view.deployment.id}"
    return [
        FailureContext(
            failure,
            lines(failure.lines, page, most=SHOWN_AROUND),
            context(page, failure.number),
        )
        for failure in failures.found
    ]


def context(page: str, number: int) -> str:
    """Return the URL of a line in its context, on the page of its deployment."""
    return f"{page}?before={number + AROUND}#e{number}"


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
