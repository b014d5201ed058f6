"""The page of the nodes."""

from starlette.requests import Request
from starlette.responses import Response

from app.usecases import nodes
from app.web.context import parts


def index(request: Request) -> Response:
    """Every node: what it does, its load, and when it was heard last."""
    return parts(request).renderer.page(
        request, "nodes/index.html", nodes=nodes.list_nodes(parts(request).store)
    )
