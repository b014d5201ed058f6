"""Render pages and the fragments that the event stream sends, with Jinja."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.domain.access import Actor
from app.domain.duration import seconds_between
from app.domain.events import TaskResult
from app.domain.matrix import RESCUED, Result
from app.domain.recap import COUNTED, changes
from app.domain.revision import short
from app.domain.service_name import split
from app.domain.timeline import bars
from app.domain.timing import Timing
from app.store.events import Event
from app.usecases.deploy import View
from app.usecases.failures import Failures
from app.usecases.results import SMALL, Summary
from app.version import version
from app.web.assets import ICONS, Assets
from app.web.chart import thousandths
from app.web.deployment_state import phase, where_failed
from app.web.formatting import (
    ago_now,
    brief_reason,
    duration,
    moment,
    size,
    value_text,
)
from app.web.history_rows import HistoryRow
from app.web.matrix_news import matrix_news
from app.web.output_lines import AROUND, context, failed, lines, sections_of
from app.web.service_rows import ServiceRow
from app.web.terminal import plain

#: A wheel has the templates beside this module.
_PACKAGED = Path(__file__).parent / "templates"
TEMPLATES = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "templates"

#: With at most this many hosts, the cells of the matrix show the result as text.
MAX_WIDE_HOSTS = 8
#: With at most this many hosts, each with a name of at most this many characters, the
#: names are written horizontally.
MAX_UPRIGHT_HOSTS = 12
MAX_UPRIGHT_NAME = 9
#: Maximum number of environments in a row of the overview.
MAX_SPOTS = 4
#: The number of rows of the overview and of histories that are kept, of up to 10 kB
#: each.
KEPT_ROWS = 1000


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
            "ago": ago_now,
            "moment": moment,
            "size": size,
            "short_ref": short,
            "brief_reason": brief_reason,
        }
        self._environment.filters |= filters
        self._environment.globals |= {
            "assets": assets,
            "icon_names": ICONS,
            "version": version(),
            "counted": COUNTED,
            "task_results": (*TaskResult, RESCUED),
            "phase": phase,
            "where_failed": where_failed,
            "heads": heads,
            "max_upright_hosts": MAX_UPRIGHT_HOSTS,
            "max_upright_name": MAX_UPRIGHT_NAME,
            "seconds_between": seconds_between,
            "split_name": split,
            "line_url": context,
            "lines_after": AROUND,
            "thousandths": thousandths,
            "max_hosts": SMALL.hosts,
            "max_wide_hosts": MAX_WIDE_HOSTS,
            "max_spots": MAX_SPOTS,
            # Viewers ask for the same rows every few seconds.
            "service_row": lru_cache(KEPT_ROWS)(self._service_row),
            "history_row": lru_cache(KEPT_ROWS)(self._history_row),
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
        self,
        view: View,
        events: Sequence[Event],
        summary: Summary,
        rescued: Sequence[Result] = (),
    ) -> dict[str, str]:
        """Render the changing parts of a deployment's pages, by their event.

        Until the deployment has ended, `summary` has no recap, and which failures were
        `rescued` is unknown.
        """
        now = datetime.now(UTC)
        fragments = {
            "status": self._fragment(
                "deployments/_status.html",
                view=view,
                deployment=view.deployment,
                changes=changes(summary.recap),
                speed=summary.speed,
                now=now,
            ),
            "steps": self._fragment(
                "deployments/_steps.html",
                view=view,
                bars=bars(view.steps, view.usual, now),
                now=now,
            ),
        }
        news = [*matrix_news(view, events), *rescued]
        if news:
            fragments["results"] = self._fragment(
                "deployments/_news.html", news=news, deployment=view.deployment
            )
        output = sections_of(lines(events), view.steps)
        if output:
            fragments["output"] = self._fragment(
                "deployments/_output.html", output=output
            )
        return fragments

    def summary(
        self, view: View, failures: Failures, summary: Summary, timing: Timing
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
            "timing": self._fragment(
                "deployments/_timing.html", view=view, timing=timing
            ),
        }

    def _service_row(self, row: ServiceRow) -> Markup:
        return Markup(self._fragment("overview/_row.html", row=row))  # noqa: S704

    def _history_row(self, row: HistoryRow) -> Markup:
        content = self._fragment("deployments/_history_row.html", row=row)
        return Markup(content)  # noqa: S704 - the template escapes

    def _fragment(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)


def heads(hosts: Sequence[str]) -> str:
    """Return how the matrix writes its hosts: `wide`, `upright` or `rotated`.

    The frontend decides the same when a host is added, see run-matrix.ts.
    """
    if len(hosts) <= MAX_WIDE_HOSTS:
        return "wide"
    short = max(map(len, hosts)) <= MAX_UPRIGHT_NAME
    return "upright" if short and len(hosts) <= MAX_UPRIGHT_HOSTS else "rotated"


def _readable(value: Any) -> Any:  # any value that a template outputs
    """Make control characters visible in every text that a template outputs."""
    return plain(value) if type(value) is str else value
