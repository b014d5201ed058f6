"""Requests of the API that succeed, and requests that fail, by operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The deployment that has ended, and one that runs.
ENDED, RUNNING = 1, 2


@dataclass(frozen=True, slots=True)
class RequestValues:
    """The values of a request's path, its query and its body."""

    id: int = ENDED
    number: int = 1
    name: str = "hello"
    path: str = "stdout"
    user: str = "grace"
    query: str = ""
    body: object = None


_PASSWORD = "correct horse battery staple"
_TOKEN = {"name": "new", "scopes": ["view"]}
_PAGE = "?limit=2&after=1"
#: Operations that a token may not perform, only a user who has logged in.
BY_SESSION = frozenset({"api_tokens.create_own"})
#: The deployment of a git project, and the event with a result of `ENDED`.
OF_GIT, RESULT = 4, 5
#: A request that succeeds, by operation.
SUCCESSES: Mapping[str, RequestValues] = {
    "api_tokens.show_account": RequestValues(),
    "api_tokens.list_own": RequestValues(query=_PAGE),
    "api_tokens.create_own": RequestValues(body=_TOKEN),
    "api_tokens.list_tokens": RequestValues(query=_PAGE),
    "api_tokens.create": RequestValues(body=_TOKEN | {"services": ["shop/*"]}),
    "api_tokens.show": RequestValues(),
    "api_tokens.revoke": RequestValues(),
    "api_users.list_users": RequestValues(query=_PAGE),
    "api_users.create_user": RequestValues(body={"name": "n", "password": _PASSWORD}),
    "api_users.show_user": RequestValues(name="grace"),
    "api_users.set_role": RequestValues(name="pat", body={"role": "deployer"}),
    "api_users.set_password": RequestValues(name="pat", body={"password": _PASSWORD}),
    "api_users.disable": RequestValues(name="pat"),
    "api_users.enable": RequestValues(name="pat"),
    "api_users.end_sessions": RequestValues(name="pat"),
    "api_users.reset_second_factor": RequestValues(name="pat"),
    "api_results.list_results": RequestValues(query="?before=99&hosts_after=a"),
    "api_results.show_result": RequestValues(number=RESULT),
    "api_results.list_changes": RequestValues(query="?after=0"),
    "api_results.search": RequestValues(query="?text=o&step=1&after=0"),
    "api_results.compare": RequestValues(query=f"?a={RUNNING}&b={ENDED}"),
    "api_results.list_commits": RequestValues(id=OF_GIT),
    "api_installation.list_settings": RequestValues(),
    "api_installation.examine": RequestValues(),
    "api_installation.list_environments": RequestValues(query="?limit=1&after=a"),
    "api_installation.show_service": RequestValues(),
    "api_installation.list_choices": RequestValues(),
    "api_installation.remove_node": RequestValues(name="away"),
}
#: What is different in a request that fails, by status and operation.
CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "409": {
        "api_tokens.create_own": {"body": _TOKEN | {"name": "own"}},
        "api_tokens.create": {"body": _TOKEN | {"name": "spare"}},
        "api_users.create_user": {"body": {"name": "grace", "password": _PASSWORD}},
        "api_users.set_role": {"name": "grace"},
        "api_users.disable": {"name": "grace"},
        "api_results.list_commits": {"id": ENDED},
        "api_installation.list_choices": {"name": "unreadable"},
        "api_installation.remove_node": {"name": "ready"},
    },
}
