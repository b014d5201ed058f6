"""The pages of one deployment: the same header, status and tabs, and their content."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.domain.recap import changes
from app.usecases import results
from app.usecases.deploy import View
from app.usecases.results import Summary
from app.usecases.run_credentials import asked_of
from app.web import forms
from app.web.dependencies import deps

#: The tabs of a deployment: name and the rest of the URL, in their order.
TABS = (("Output", ""), ("Results", "/results"), ("Changes", "/changes"),
        ("Variables", "/variables"), ("Artifacts", "/artifacts"))  # fmt: skip


def tab_page(
    request: Request,
    template: str,
    view: View,
    *,
    tab: str,
    summary: Summary | None = None,
    **context: Any,  # the variables of the template
) -> Response:
    """Render a tab of a deployment.

    Args:
        request: The request.
        template: A template that extends `deployments/_tab.html`.
        view: The deployment.
        tab: The name of the tab, one of TABS.
        summary: The summary of the run, if it was read already.
        context: The variables of the template's own content.
    """
    deployment, store = view.deployment, deps(request).store
    known = summary or results.summary_of(store, deployment.id)
    return deps(request).renderer.page(
        request,
        template,
        view=view,
        deployment=deployment,
        url=f"/deployments/{deployment.id}",
        tab=tab,
        tabs=TABS,
        summary=known,
        changes=changes(known.recap),
        speed=known.speed,
        retryable=not deployment.service.secret_names
        and not asked_of(store, deployment.service),
        idempotency_key=forms.new_key(),
        **context,
    )
