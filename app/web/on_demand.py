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

#: Seconds for which the choices of a commit are kept. The commit doesn't change, but an
#: inventory plugin may find other hosts.
_KEEP = 300.0


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
    service = (
        await run_in_threadpool(services.find_service, dependencies.store, name)
    ).service
    if service is None:
        return LaunchChoices()
    look = partial(launch_choices.list_choices, dependencies.settings, service)
    commit = service.project.commit if service.project else ""
    key = ("choices", name, commit, service.playbook, service.inventory)
    return await dependencies.single_flight.run(key, look, keep=_KEEP if commit else 0)


async def report(request: Request) -> Report:
    """Run the doctor's checks of a route's service. Raises NotFound."""
    name = request.path_params["name"]
    examine = partial(
        diagnosis.examine, deps(request).store, deps(request).settings, name
    )
    return await deps(request).single_flight.run(("doctor", name), examine)
