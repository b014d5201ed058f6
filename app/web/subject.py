"""Find the service, deployment or project of a route among those that are visible.

The handlers would find nothing either, since their store is limited. They may look at
other things first, such as files and repositories, and those aren't limited.
"""

from starlette.requests import Request

from app.usecases import deploy, project_views, schedules, services
from app.web.dependencies import actor_of, deps


def require_visible(request: Request, path: str) -> None:
    """Raise NotFound if the actor of a request may not see what its path names."""
    if not actor_of(request).access.visible:
        return
    found = deps(request)
    if "/services/{name:service}" in path:
        services.require_known(found.store, request.path_params["name"])
    elif "/deployments/{id:number}" in path:
        deploy.require_known(found.store, request.path_params["id"])
    elif "/schedules/{id:number}" in path:
        schedules.find(found.store, request.path_params["id"])
    elif "/projects/{name}" in path:
        folder = found.settings.services
        project_views.find(found.store, folder, request.path_params["name"])
