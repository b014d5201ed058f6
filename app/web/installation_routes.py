"""The routes of the API for the installation, its environments and single services."""

from app.domain.access import Permission
from app.web import api_installation, api_parameters
from app.web.doctor_bodies import ReportBody
from app.web.guard import api_route
from app.web.installation_bodies import (
    ChoicesBody,
    EnvironmentOfProjectBody,
    RemovedNodeBody,
    SettingBody,
)
from app.web.operation import Operation
from app.web.schemas import ServiceBody

_VIEW, _CHECK, _ADMIN = Permission.VIEW, Permission.CHECK, Permission.ADMIN
_SERVICE = "/api/v1/services/{name:service}"

API = [
    api_route("GET", "/api/v1/settings", api_installation.list_settings, _ADMIN,
        Operation(
            "installation", "List the settings of the web process, without secrets.",
            list[SettingBody],
    )),
    api_route("GET", "/api/v1/doctor", api_installation.examine, _ADMIN, Operation(
        "installation", "Check all services on the host of the web process.",
        ReportBody,
    )),
    api_route("GET", "/api/v1/environments", api_installation.list_environments, _VIEW,
        Operation(
            "projects", "List the environments of all projects.",
            list[EnvironmentOfProjectBody], parameters=api_parameters.PAGE_BY_NAME,
            description="The list is sorted by `project@name`, which `after` takes.",
    )),
    api_route("DELETE", "/api/v1/nodes/{name:path}", api_installation.remove_node,
        _ADMIN,
        Operation(
            "nodes", "Remove a node that won't come back.", RemovedNodeBody,
            errors=(409,),
            description="Its started deployments fail. Refused while its worker runs.",
    )),
    api_route("GET", f"{_SERVICE}/choices", api_installation.list_choices, _CHECK,
        Operation(
            "services", "List the hosts, groups and tags that a launch may name.",
            ChoicesBody, errors=(409,),
            description="The lists are empty for a script, and if runs belong to "
            "another user. The status is 409 if Ansible can't read the inventory or "
            "the playbook.",
    )),
    # A name may have two segments, so this comes after the actions on a service.
    api_route("GET", _SERVICE, api_installation.show_service, _VIEW, Operation(
        "services", "Get a service with its variables and last deployment.",
        ServiceBody,
    )),
]  # fmt: skip
