"""Node pages: the list, and forgetting a node."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.errors import NotFound
from app.usecases import nodes
from app.web.dependencies import actor_of, deps


def index(request: Request) -> Response:
    """List the nodes with their state, load and last heartbeat."""
    return deps(request).renderer.page(
        request,
        "nodes/index.html",
        nodes=nodes.list_nodes(deps(request).store),
        forgotten=request.query_params.get("done") == "forgotten",
    )


def confirm(request: Request) -> Response:
    """Ask for confirmation before a node is forgotten."""
    name = request.query_params.get("name", "")
    for node in nodes.list_nodes(deps(request).store):
        if node.name == name:
            return deps(request).renderer.page(request, "nodes/forget.html", node=node)
    raise NotFound(f"node {name!r} not found")


def forget(request: Request, form: FormData) -> Response:
    """Forget a node; its started deployments get the status failed."""
    name = str(form.get("name", ""))
    nodes.forget(deps(request).store, deps(request).queue, actor_of(request), name)
    return RedirectResponse("/nodes?done=forgotten", 303)
