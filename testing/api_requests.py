"""Requests of the API that succeed, and requests that fail, by operation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.web.middleware import MAX_BODY
from testing.api_catalogue import SCHEDULE
from testing.factories import make_host_key

#: The deployment that has ended, one that runs, and one that has failed.
ENDED, RUNNING, FAILED = 1, 2, 3


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
#: Deployments that wait for an approval.
WAITING, UNWANTED = 5, 6
#: The schedule that a file defines, of a service that has become invalid.
OF_FILE = 3
#: A grant that exists.
GRANT = {"subject": "team", "name": "crew", "permission": "view", "services": "hello"}
#: Deliveries of the webhook `used`.
SETTLED, QUEUED = 1, 2
#: Stands for the path of a repository in a request.
REPOSITORY = "/srv/infra"
#: A line of a known_hosts file.
HOST_KEY = make_host_key().line
#: The body that replaces a credential.
REPLACEMENT = {"value": {"password": "abcd"}, "replace": True}
#: A request that succeeds, by operation.
SUCCESSES: Mapping[str, RequestValues] = {
    "openapi.show": RequestValues(),
    "api.list_services": RequestValues(),
    "api.show_launch_form": RequestValues(),
    "api.sync": RequestValues(),
    "api.examine": RequestValues(),
    "audit_log.list_entries": RequestValues(query="?action=launch"),
    "audit_log.list_chain": RequestValues(query="?after=1"),
    "api_projects.list_projects": RequestValues(),
    "api_projects.add": RequestValues(body={"path": REPOSITORY}),
    "api_projects.show": RequestValues(name="shop"),
    "api_projects.list_refs": RequestValues(name="books", query="?prefix=v"),
    "api_projects.remove": RequestValues(name="shop"),
    "host_keys.list_keys": RequestValues(query="?scope=hello"),
    "host_keys.add": RequestValues(body={"scope": "hello", "known_hosts": HOST_KEY}),
    "host_keys.delete": RequestValues(),
    "api.list_nodes": RequestValues(),
    "hosts.list_hosts": RequestValues(query="?project=hello&status=ok&page=1"),
    "hosts.show_host": RequestValues(name="web1", query="?project=hello"),
    "hosts.show_timeline": RequestValues(
        name="web1", query="?project=hello&since=2026-05-04&text=Copy&before=9"
    ),
    "host_files.list_files": RequestValues(
        name="web1", query="?project=hello&text=std&page=1"
    ),
    "host_files.show_file": RequestValues(name="web1", query="?project=hello"),
    "host_comparisons.show_comparison": RequestValues(
        query="?a=web1&a_project=hello&a_at=2026-05-04T13:37&after=/etc/a"
    ),
    "schedules.list_schedules": RequestValues(query="?text=hello&page=1"),
    "api_schedules.create": RequestValues(
        body=SCHEDULE | {"service": "hello", "name": "hourly"}
    ),
    "api_schedules.show": RequestValues(),
    "api_schedules.replace": RequestValues(body=SCHEDULE),
    "api_schedules.remove": RequestValues(),
    "api_schedules.pause": RequestValues(body={}),
    "api_schedules.resume": RequestValues(),
    "api_schedules.run": RequestValues(),
    "api_notifications.list_channels": RequestValues(),
    "api_notifications.show_channel": RequestValues(name="ops"),
    "api_notifications.put_channel": RequestValues(
        name="new", body={"url": "slack://a/b/c"}
    ),
    "api_notifications.remove_channel": RequestValues(name="unused"),
    "api_notifications.pause_channel": RequestValues(name="ops"),
    "api_notifications.resume_channel": RequestValues(name="ops"),
    "api_notifications.test_channel": RequestValues(name="ops"),
    "api_notifications.list_notifications": RequestValues(query="?channel=ops"),
    "api_notifications.send_again": RequestValues(),
    "api_webhooks.list_webhooks": RequestValues(),
    "api_webhooks.create": RequestValues(
        body={"name": "new", "provider": "github", "project": "books"}
    ),
    "api_webhooks.show": RequestValues(name="used"),
    "api_webhooks.remove": RequestValues(name="unused"),
    "api_webhooks.rotate": RequestValues(name="used"),
    "api_webhooks.finish_rotation": RequestValues(name="rotating"),
    "api_webhooks.pause": RequestValues(name="used"),
    "api_webhooks.resume": RequestValues(name="used"),
    "api_webhooks.list_deliveries": RequestValues(name="used", query="?before=9"),
    "api_webhooks.redeliver": RequestValues(name="used", id=SETTLED),
    "api_credentials.list_credentials": RequestValues(),
    "api_credentials.show": RequestValues(name="become:used"),
    "api_credentials.put": RequestValues(
        name="token:new", body={"value": {"value": "abcd"}}
    ),
    "api_credentials.remove": RequestValues(name="become:unused"),
    "api_credentials.try_on": RequestValues(name="vault:prod", body={}),
    "api_grants.list_teams": RequestValues(),
    "api_grants.create_team": RequestValues(body={"name": "new"}),
    "api_grants.show_team": RequestValues(name="crew"),
    "api_grants.remove_team": RequestValues(name="empty"),
    "api_grants.add_member": RequestValues(name="empty", body={"user": "grace"}),
    "api_grants.remove_member": RequestValues(name="crew"),
    "api_grants.list_grants": RequestValues(),
    "api_grants.add_grant": RequestValues(body=GRANT | {"services": "shop/*"}),
    "api_grants.remove_grant": RequestValues(),
    "api.list_deployments": RequestValues(query="?service=hello&before=9"),
    "api.launch": RequestValues(body={"service": "hello"}),
    "api.show": RequestValues(),
    "api.show_timing": RequestValues(),
    "api.cancel": RequestValues(id=RUNNING),
    "approvals.api_approve": RequestValues(id=WAITING, body={"comment": "go"}),
    "approvals.api_reject": RequestValues(id=UNWANTED, body={}),
    "retries.api_choices": RequestValues(id=FAILED),
    "retries.api_retry": RequestValues(),
    "retries.api_retry_failed": RequestValues(id=FAILED),
    "retries.api_resume": RequestValues(id=FAILED),
    "retries.api_dismiss": RequestValues(
        id=FAILED, body={"host": "web1", "handler": "restart"}
    ),
    "deployments.api_events": RequestValues(query="?after=1"),
    "deployments.download": RequestValues(query="?follow=1&offset=2"),
    "exports.export": RequestValues(query="?format=ara"),
    "api.list_artifacts": RequestValues(),
    "deployments.archive": RequestValues(),
    "deployments.download_artifact": RequestValues(),
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
#: What is different in a request that fails, by status and operation; `*` is any other.
#: The other statuses depend on the client or the disk.
CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "200": {
        "api_projects.add": {"body": {"path": REPOSITORY, "dry_run": True}},
        "api_credentials.put": {"name": "become:used", "body": REPLACEMENT},
        "api_schedules.remove": {"id": 2},
        "api_notifications.put_channel": {
            "name": "ops",
            "body": {"description": "on call", "replace": True},
        },
    },
    "404": {
        "*": {"id": 4242, "name": "nothing"},
        "api.launch": {"body": {"service": "nothing"}},
        "api_grants.add_grant": {"body": GRANT | {"name": "nothing"}},
        "api_notifications.put_channel": {"name": "nothing", "body": {"replace": True}},
        "host_keys.add": {"body": {"scope": "nothing", "known_hosts": HOST_KEY}},
        "host_comparisons.show_comparison": {"query": "?a=nothing"},
        "api_schedules.create": {"body": SCHEDULE | {"service": "nothing"}},
    },
    "409": {
        "api_tokens.create_own": {"body": _TOKEN | {"name": "own"}},
        "api_tokens.create": {"body": _TOKEN | {"name": "spare"}},
        "api_users.create_user": {"body": {"name": "grace", "password": _PASSWORD}},
        "api_users.set_role": {"name": "grace"},
        "api_users.disable": {"name": "grace"},
        "api_results.list_commits": {"id": ENDED},
        "api_installation.list_choices": {"name": "unreadable"},
        "api_installation.remove_node": {"name": "ready"},
        "hosts.show_host": {"name": "both", "query": ""},
        "hosts.show_timeline": {"name": "both", "query": ""},
        "host_comparisons.show_comparison": {"query": "?a=both&b=web1"},
        "host_files.list_files": {"name": "both", "query": ""},
        "host_files.show_file": {"name": "both", "query": ""},
        "api.show_launch_form": {"name": "broken"},
        "api.launch": {"body": {"service": "broken"}},
        "api.cancel": {"id": ENDED},
        "approvals.api_approve": {"id": ENDED},
        "approvals.api_reject": {"id": ENDED},
        "api_grants.create_team": {"body": {"name": "crew"}},
        "api_grants.add_member": {"name": "crew"},
        "api_grants.add_grant": {"body": GRANT},
        "exports.export": {"id": RUNNING},
        "api_projects.add": {"body": {"path": REPOSITORY, "name": "hello"}},
        "api_schedules.create": {"body": SCHEDULE | {"service": "broken"}},
        "api_schedules.replace": {"id": OF_FILE},
        "api_schedules.remove": {"id": OF_FILE},
        "api_schedules.run": {"id": OF_FILE},
        "api_projects.list_refs": {"name": "unfetched"},
        "api_projects.remove": {"name": "whole"},
        "retries.api_retry": {"id": RUNNING},
        "retries.api_retry_failed": {"id": ENDED},
        "retries.api_resume": {"id": ENDED},
        "api_webhooks.create": {
            "body": {"name": "used", "provider": "github", "project": "books"}
        },
        "api_webhooks.rotate": {"name": "rotating"},
        "api_webhooks.finish_rotation": {"name": "used"},
        "api_webhooks.redeliver": {"id": QUEUED},
        "api_credentials.put": {
            "name": "become:used",
            "body": REPLACEMENT | {"replace": False},
        },
        "api_credentials.remove": {"name": "become:used"},
        "api_notifications.put_channel": {"name": "ops"},
        "api_notifications.remove_channel": {"name": "ops"},
        "api_notifications.send_again": {"id": 2},
        "api_credentials.try_on": {
            "name": "password:prod",
            "body": {"host": "127.0.0.1", "port": 1},
        },
    },
    "413": {"*": {"body": "x" * MAX_BODY}},
    "422": {
        "*": {"query": "?unknown=1"},
        "api.launch": {"body": {"service": "hello", "priority": 101}},
    },
}


def sent_for(operation: str, status: str) -> RequestValues:
    """Return the request that makes an operation respond with this status."""
    changes = CHANGES.get(status, {})
    return replace(SUCCESSES[operation], **changes.get(operation, changes.get("*", {})))
