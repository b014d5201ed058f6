"""The read-only page of the settings."""

from starlette.requests import Request
from starlette.responses import Response

from app.setting_rows import shown
from app.web.dependencies import deps


def settings(request: Request) -> Response:
    """Show the settings of the web process, with secrets hidden."""
    return deps(request).renderer.page(
        request, "admin/settings.html", settings=shown(deps(request).settings)
    )
