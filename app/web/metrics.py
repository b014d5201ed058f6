"""The metrics for Prometheus."""

from starlette.requests import Request
from starlette.responses import Response

from app.web.dependencies import deps


def show(request: Request) -> Response:
    """Return the metrics in the text format or as OpenMetrics."""
    # It loads prometheus_client, which no other request needs.
    from app.web import metric_families  # noqa: PLC0415

    found = deps(request)
    with found.store.begin() as db:
        context = metric_families.Context(
            db, streams=found.feed.watching, loop_lag=found.loop_lag.largest
        )
        content, media_type = metric_families.encode(
            context, request.headers.get("accept", "")
        )
    return Response(content, media_type=media_type)
