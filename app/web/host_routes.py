"""The routes of the API for hosts, with their descriptions."""

from app.domain.access import Permission
from app.domain.host import STATUSES
from app.web import api_parameters, host_comparisons, host_files, hosts
from app.web.guard import api_route
from app.web.host_bodies import HostBody, HostDetailBody, TimelineEntryBody
from app.web.host_comparison_bodies import HostComparisonBody
from app.web.host_file_bodies import FileBody, FileDetailBody
from app.web.operation import Operation, Parameter
from app.web.query import INTEGER

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": INTEGER}
_PROJECT = Parameter(
    "project",
    "The project of the host, or its service outside of projects: needed if several "
    "have a host with this name.",
    _TEXT,
)
#: The filters of the list of hosts, and its paging.
_HOSTS = (
    Parameter("project", "Only hosts of this project or service.", _TEXT),
    Parameter("service", "Only hosts of this service.", _TEXT),
    Parameter("environment", "Only hosts of services in this environment.", _TEXT),
    Parameter("group", "Only hosts in this group of the inventory.", _TEXT),
    Parameter(
        "status",
        "Only hosts on which the last deployment, of the given service or environment "
        "if there is one, ended so.",
        {"type": "string", "enum": list(STATUSES)},
    ),
    Parameter(
        "text",
        "Only hosts with this text in their name, groups, operating system, kernel or "
        "addresses.",
        _TEXT,
    ),
    Parameter(
        "outside",
        "With true, only hosts on which a deployment found a file edited outside "
        "FastDeploy.",
        api_parameters.ONLY_TRUE,
    ),
    api_parameters.PAGE,
)
#: The filters of a timeline, and its paging.
_TIMELINE = (
    _PROJECT,
    Parameter("service", "Only deployments of this service.", _TEXT),
    Parameter(
        "since",
        f"Only results at this time or later: {api_parameters.TIME_FORMS}.",
        api_parameters.TIME,
    ),
    Parameter("until", "Only results before this time.", api_parameters.TIME),
    Parameter(
        "text",
        "Only changes with this text in their result, such as in a diff. One request "
        "searches 200 deployments.",
        _TEXT,
    ),
    Parameter(
        "outside",
        "With true, only deployments that found a file edited outside FastDeploy.",
        api_parameters.ONLY_TRUE,
    ),
    Parameter(
        "before", "Only deployments with a lower id, for the next page.", _NUMBER
    ),
)
#: The filters of the list of files, and its paging.
_FILES = (
    _PROJECT,
    Parameter("text", "Only files with this text in their path.", _TEXT),
    api_parameters.PAGE,
)
#: The two sides of a comparison, and its paging.
_COMPARISON = (
    Parameter(
        "a", "The name of the first host.", _TEXT | {"minLength": 1}, required=True
    ),
    Parameter(
        "a_project",
        "Its project, or its service outside of projects: needed if several have a "
        "host with this name.",
        _TEXT,
    ),
    Parameter(
        "a_at",
        f"As it was before this time: {api_parameters.TIME_FORMS}. Without it, as it "
        "is now.",
        api_parameters.TIME,
    ),
    Parameter("b", "The name of the second host; without it, the first one.", _TEXT),
    Parameter("b_project", "Its project.", _TEXT),
    Parameter("b_at", "As it was before this time.", api_parameters.TIME),
    Parameter(
        "after", "Only files with a path above this one, for the next page.", _TEXT
    ),
)

API = [
    api_route("GET", "/api/v1/hosts", hosts.list_hosts, Permission.VIEW, Operation(
        "hosts", "List the hosts with services, versions and facts, 50 on a page.",
        list[HostBody], parameters=_HOSTS,
        description="The header Link has the URL of the next page.",
    )),
    api_route(
        "GET", "/api/v1/compare-hosts", host_comparisons.show_comparison,
        Permission.VIEW, Operation(
            "hosts", "Compare two hosts, or one at two times; 25 files on a page.",
            HostComparisonBody, parameters=_COMPARISON, errors=(404, 409),
            description="The status is 409 if several projects have such a host.",
    )),
    # The name of a host may have slashes, so these come first.
    api_route(
        "GET", "/api/v1/hosts/{name:shortest}/files", host_files.list_files,
        Permission.VIEW, Operation(
            "hosts", "List the files that deployments changed, 100 on a page.",
            list[FileBody], parameters=_FILES, errors=(409,),
            description="The header Link has the URL of the next page.",
    )),
    api_route(
        "GET", "/api/v1/hosts/{name:shortest}/files/{path:path}",
        host_files.show_file, Permission.VIEW, Operation(
            "hosts", "Get the versions of a file on a host, and who wrote each line.",
            FileDetailBody, parameters=(_PROJECT,), errors=(409,),
            description="The path is absolute, without its first slash.",
    )),
    api_route(
        "GET", "/api/v1/hosts/{name:path}/timeline", hosts.show_timeline,
        Permission.VIEW, Operation(
            "hosts", "List what deployments changed on a host, newest first.",
            list[TimelineEntryBody], parameters=_TIMELINE, errors=(409,),
            description="The header Link has the URL of the next page. A page may be "
            "empty although there is a next one.",
    )),
    api_route(
        "GET", "/api/v1/hosts/{name:path}", hosts.show_host, Permission.VIEW, Operation(
        "hosts", "Get a host with its facts, their changes and owed handlers.",
        HostDetailBody, parameters=(_PROJECT,), errors=(409,),
        description="The status is 409 if several projects have a host with this name.",
    )),
]  # fmt: skip
