"""The page with the commits that a deployment brought in."""

from starlette.requests import Request
from starlette.responses import Response

from app.usecases import revisions
from app.web.dependencies import deps


def show(request: Request) -> Response:
    """Show the commits between a deployment and the successful one before it."""
    deployment, earlier, difference = revisions.since_last_successful(
        deps(request).store, deps(request).settings, request.path_params["id"]
    )
    return deps(request).renderer.page(
        request,
        "deployments/commits.html",
        deployment=deployment,
        earlier=earlier,
        difference=difference,
        limit=revisions.MAX_COMMITS,
    )
