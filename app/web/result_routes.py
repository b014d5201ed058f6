"""The routes of the API for what a deployment did, and for comparisons."""

from app.domain.access import Permission
from app.domain.events import StepState, TaskResult
from app.web import api_results, query
from app.web.comparison_bodies import CommitsBody, ComparisonBody
from app.web.guard import api_route
from app.web.operation import Operation, Parameter
from app.web.result_bodies import ChangeBody, ResultBody, ResultsBody
from app.web.schemas import EventBody

_VIEW = Permission.VIEW
_DEPLOYMENT = "/api/v1/deployments/{id:number}"
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": query.INTEGER}
_ID = {"type": "integer", "minimum": 0, "maximum": query.BIGINT}
_STATES = [*TaskResult, *(s for s in StepState if s is not StepState.PENDING)]
_AFTER = Parameter("after", "Only events after this number, for the next page.",
                   _NUMBER)  # fmt: skip
_NEXT = "The header Link has the URL of the next page."

API = [
    api_route("GET", f"{_DEPLOYMENT}/results", api_results.list_results, _VIEW,
        Operation(
            "deployments", "List results of tasks on hosts, and the recap.",
            ResultsBody,
            parameters=(
                Parameter("before", "Only tasks that started before this event.",
                          _NUMBER),
                Parameter("hosts_after", "Only hosts after this name.", _TEXT),
            ),
            description="A page has up to 100 tasks on up to 60 hosts, the newest ones "
            "first. The header Link has the URL of further hosts, then of earlier "
            "tasks.",
    )),
    api_route("GET", f"{_DEPLOYMENT}/results/{{number:number}}",
        api_results.show_result, _VIEW, Operation(
            "deployments", "Get the result of a task on a host, with all its fields.",
            ResultBody,
            description="The number is that of the event with the result.",
    )),
    api_route("GET", f"{_DEPLOYMENT}/changes", api_results.list_changes, _VIEW,
        Operation(
            "deployments", "List what a deployment changed, with the diffs.",
            list[ChangeBody], parameters=(_AFTER,),
            description=f"A page has up to 25 changes, and may be empty. {_NEXT}",
    )),
    api_route("GET", f"{_DEPLOYMENT}/search", api_results.search, _VIEW, Operation(
        "deployments", "Search lines in the output of a deployment.", list[EventBody],
        parameters=(
            Parameter("text", "Only lines with this text, ignoring case.", _TEXT),
            Parameter("host", "Only lines of this host.", _TEXT),
            Parameter("result", "Only lines with this result of a task or step.",
                      {"type": "string", "examples": _STATES}),
            Parameter("step", "Only lines of the step at this position.",
                      {"type": "integer", "minimum": 0, "maximum": query.SMALLINT}),
            _AFTER,
        ),
        description="A page has up to 200 lines, and may be empty: a request searches "
        f"for about a second. Without a filter, nothing is searched. {_NEXT}",
    )),
    api_route("GET", f"{_DEPLOYMENT}/commits", api_results.list_commits, _VIEW,
        Operation(
            "deployments", "List the commits that a deployment brought in.",
            CommitsBody, errors=(409,),
            description="They are those since the last successful deployment of the "
            "service. The status is 409 for a deployment that isn't of a git "
            "repository.",
    )),
    api_route("GET", "/api/v1/services/{name:service}/compare", api_results.compare,
        _VIEW, Operation(
            "services", "Compare two deployments of a service.", ComparisonBody,
            parameters=(
                Parameter("a", "The first deployment; by default, the last successful "
                          "one before the second.", _ID),
                Parameter("b", "The second deployment.", _ID, required=True),
            ),
    )),
]  # fmt: skip
