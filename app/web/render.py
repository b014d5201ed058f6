"""Rendering: the Jinja environment, pages, and the fragments that the stream sends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app import __version__
from app.domain.access import Actor
from app.domain.events import Kind
from app.store.events import Event
from app.usecases.deploy import View
from app.web.assets import Assets
from app.web.terminal import SHOWN_LINE, Span, plain, spans

TEMPLATES = Path(__file__).parents[2] / "templates"


@dataclass(frozen=True, slots=True)
class Line:
    """An event as a line of output; `cut` says that there is more of it to download."""

    number: int
    kind: Kind
    step: int | None
    host: str
    result: str
    name: str
    spans: Sequence[Span]
    cut: bool


def lines(events: Iterable[Event]) -> list[Line]:
    """The events that have something to show."""
    return [_line(event) for event in events if event.text or _is_output(event)]


class Renderer:
    """Renders templates; every page gets the same few things besides its own."""

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
        self._environment.filters |= {
            "duration": duration,
            "moment": moment,
            "size": size,
        }
        self._environment.globals |= {"assets": assets, "version": __version__}

    def page(
        self,
        request: Request,
        template: str,
        status_code: int = 200,
        **context: Any,  # whatever the template names
    ) -> HTMLResponse:
        """Render a page for whoever asked."""
        actor: Actor | None = getattr(request.state, "actor", None)
        content = self._environment.get_template(template).render(
            actor=actor,
            csrf_token=actor.csrf_token if actor else "",
            path=request.url.path,
            now=datetime.now(UTC),
            **context,
        )
        return HTMLResponse(content, status_code)

    def fragments(self, view: View, events: Sequence[Event]) -> dict[str, str]:
        """The parts of a deployment's page that change, by the name of their event."""
        now = datetime.now(UTC)
        found = {
            "status": self._fragment("deployments/_status.html", view=view, now=now),
            "steps": self._fragment("deployments/_steps.html", view=view, now=now),
        }
        shown = lines(events)
        if shown:
            found["output"] = self._fragment("deployments/_output.html", lines=shown)
        return found

    def _fragment(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)


def _readable(value: Any) -> Any:  # whatever a template puts out
    """No control character of a run reaches a page, wherever a template shows it."""
    return plain(value) if type(value) is str else value


def duration(seconds: float | None) -> str:
    """Seconds for people: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
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
    """A time for people who may be anywhere: 2026-05-04 13:37:00 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def size(count: int) -> str:
    """A number of bytes for people: 512 B, 3.4 kB, 12 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return (
        f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
    )


def _is_output(event: Event) -> bool:
    return event.kind is not Kind.RUNNER and event.kind is not Kind.STATUS


def _line(event: Event) -> Line:
    text = event.text[:SHOWN_LINE]
    if event.kind is Kind.STEP:
        about = f" — {text}" if text else ""
        text = f"{event.name}: {event.result}{about}"
    return Line(
        number=event.number,
        kind=event.kind,
        step=event.step,
        host=event.host,
        result=event.result,
        name=event.name,
        spans=spans(text.rstrip("\n")),
        cut=event.cut or len(event.text) > SHOWN_LINE,
    )
