"""Make artifact folders, reports of the doctor and choices of a form for a request.

All of them take long, so concurrent requests for the same one share its result.
"""

from collections.abc import Awaitable, Callable
from functools import partial, wraps

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.doctor import diagnosis
from app.doctor.diagnosis import Report
from app.usecases import artifacts, launch_choices, services
from app.usecases.launch_choices import LaunchChoices
from app.web.dependencies import deps


def with_artifacts(
    handler: Callable[[Request], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Make the artifact folder of a route's deployment before its handler runs."""

    @wraps(handler)
    async def prepared(request: Request) -> Response:
        number = request.path_params["id"]
        make = partial(
            artifacts.prepare, deps(request).store, deps(request).settings, number
        )
        await deps(request).single_flight.run(("artifacts", number), make)
        return await run_in_threadpool(handler, request)

    return prepared


async def choices(request: Request) -> LaunchChoices:
    """List the hosts and tags of a route's service. Raises NotFound and Conflict."""
    dependencies, name = deps(request), request.path_params["name"]

    def look() -> LaunchChoices:
        service = services.find_service(dependencies.store, name).service
        if service is None:
            return LaunchChoices()
        return launch_choices.list_choices(dependencies.settings, service)

    return await dependencies.single_flight.run(("choices", name), look)


async def report(request: Request) -> Report:
    """Run the doctor's checks of a route's service. Raises NotFound."""
    name = request.path_params["name"]
    examine = partial(
        diagnosis.examine, deps(request).store, deps(request).settings, name
    )
    return await deps(request).single_flight.run(("doctor", name), examine)
