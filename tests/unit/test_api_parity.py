"""Whatever a page shows or does, the API can too, or the table says why not."""

from app.web.app import ROUTES

_DEPLOYMENT, _SERVICE = "/deployments/{id:number}", "/services/{name:service}"
_SCHEDULE, _USER = "/schedules/{id:number}", "/admin/users/{id:number}"
_CREDENTIAL, _CHANNEL = "/admin/credentials/{name}", "/admin/notifications/{name}"
_HOOK = "/admin/webhooks/{id:number}"

_FORM = "a form; the API has its effect"
_BROWSER = "only for a browser with a session"
_TEXT = "documentation"
#: The operation of the API by method and path of the page, or why there is none.
PAGES = {
    "GET /": "GET /api/v1/services",
    "GET /overview": "GET /api/v1/services",
    "POST /favourites": _BROWSER,
    "POST /logout": _BROWSER,
    "GET /metrics": "the metrics have a format of their own",
    "POST /services/sync": "POST /api/v1/services/sync",
    f"GET {_SERVICE}": "GET /api/v1/services/{name:service}",
    f"GET {_SERVICE}/choices": "GET /api/v1/services/{name:service}/choices",
    f"GET {_SERVICE}/doctor": "GET /api/v1/services/{name:service}/doctor",
    f"GET {_SERVICE}/compare": "GET /api/v1/services/{name:service}/compare",
    f"POST {_SERVICE}/deploy": "POST /api/v1/deployments",
    "GET /deployments": "GET /api/v1/deployments",
    f"GET {_DEPLOYMENT}": f"GET /api/v1{_DEPLOYMENT}",
    f"GET {_DEPLOYMENT}/variables": f"GET /api/v1{_DEPLOYMENT}",
    f"GET {_DEPLOYMENT}/continue": f"GET /api/v1{_DEPLOYMENT}/retries",
    f"POST {_DEPLOYMENT}/owed-handlers/dismiss": (
        f"POST /api/v1{_DEPLOYMENT}/owed-handlers/dismiss"
    ),
    f"GET {_DEPLOYMENT}/host-keys": "the keys that the run saw; POST accepts others",
    f"POST {_DEPLOYMENT}/host-keys": "POST /api/v1/host-keys",
    "POST /host-keys/{id:number}/remove": "DELETE /api/v1/host-keys/{id:number}",
    f"GET {_DEPLOYMENT}/artifacts/{{path:path}}": (
        f"GET /api/v1{_DEPLOYMENT}/artifacts/{{path:path}}"
    ),
    "GET /projects": "GET /api/v1/projects",
    "GET /projects/{name}": "GET /api/v1/projects/{name}",
    "GET /projects/{name}/changing": "GET /api/v1/projects/{name}",
    "POST /projects/{name}/remove": "DELETE /api/v1/projects/{name}",
    "POST /projects/{name}/host-keys": "POST /api/v1/host-keys",
    "GET /new-project": "POST /api/v1/projects",
    "POST /new-project": "POST /api/v1/projects",
    "GET /hosts": "GET /api/v1/hosts",
    "GET /hosts/{name:path}": "GET /api/v1/hosts/{name:path}",
    "GET /compare-hosts": "GET /api/v1/compare-hosts",
    "GET /schedules": "GET /api/v1/schedules",
    "GET /new-schedule": _FORM,
    "POST /new-schedule": "POST /api/v1/schedules",
    f"GET {_SCHEDULE}": f"GET /api/v1{_SCHEDULE}",
    f"GET {_SCHEDULE}/edit": _FORM,
    f"POST {_SCHEDULE}/edit": f"PUT /api/v1{_SCHEDULE}",
    f"POST {_SCHEDULE}/remove": f"DELETE /api/v1{_SCHEDULE}",
    "GET /nodes": "GET /api/v1/nodes",
    "GET /nodes/forget": _FORM,
    "POST /nodes/forget": "DELETE /api/v1/nodes/{name:path}",
    "GET /account": "GET /api/v1/account",
    "POST /account/display": _BROWSER,
    "POST /account/password": _BROWSER,
    "POST /account/sessions": _BROWSER,
    "POST /account/sessions/{id:number}": _BROWSER,
    "GET /account/second-factor": _BROWSER,
    "POST /account/second-factor": _BROWSER,
    "POST /account/second-factor/confirm": _BROWSER,
    "POST /account/second-factor/remove": _BROWSER,
    "POST /account/second-factor/passkeys": _BROWSER,
    "POST /account/second-factor/passkeys/add": _BROWSER,
    "POST /account/second-factor/passkeys/remove": _BROWSER,
    "GET /login/cli": _BROWSER,
    "POST /login/cli": _BROWSER,
    "POST /account/tokens": "POST /api/v1/account/tokens",
    "GET /account/tokens/{id:number}/revoke": _FORM,
    "POST /account/tokens/{id:number}/revoke": "DELETE /api/v1/tokens/{id:number}",
    "GET /admin/users": "GET /api/v1/users",
    "POST /admin/users": "POST /api/v1/users",
    f"GET {_USER}": "GET /api/v1/users/{name}",
    f"POST {_USER}/role": "PUT /api/v1/users/{name}/role",
    f"POST {_USER}/password": "PUT /api/v1/users/{name}/password",
    f"POST {_USER}/sessions": "DELETE /api/v1/users/{name}/sessions",
    f"POST {_USER}/disable": "POST /api/v1/users/{name}/disable",
    f"POST {_USER}/enable": "POST /api/v1/users/{name}/enable",
    "GET /admin/tokens": "GET /api/v1/tokens",
    "POST /admin/tokens": "POST /api/v1/tokens",
    "GET /admin/tokens/{id:number}/revoke": _FORM,
    "POST /admin/tokens/{id:number}/revoke": "DELETE /api/v1/tokens/{id:number}",
    "GET /admin/credentials": "GET /api/v1/credentials",
    f"GET {_CREDENTIAL}": "GET /api/v1/credentials/{name}",
    f"POST {_CREDENTIAL}/remove": "DELETE /api/v1/credentials/{name}",
    f"POST {_CREDENTIAL}/test": "POST /api/v1/credentials/{name}/test",
    "GET /admin/new-credential": _FORM,
    "POST /admin/new-credential": "PUT /api/v1/credentials/{name}",
    "GET /admin/notifications": "GET /api/v1/notifications",
    f"GET {_CHANNEL}": "GET /api/v1/channels/{name}",
    f"POST {_CHANNEL}/test": "POST /api/v1/channels/{name}/test",
    f"POST {_CHANNEL}/pause": "POST /api/v1/channels/{name}/pause",
    f"POST {_CHANNEL}/resume": "POST /api/v1/channels/{name}/resume",
    f"POST {_CHANNEL}/remove": "DELETE /api/v1/channels/{name}",
    "GET /admin/new-channel": _FORM,
    "POST /admin/new-channel": "PUT /api/v1/channels/{name}",
    "POST /admin/messages/{id:number}/send": (
        "POST /api/v1/notifications/{id:number}/send"
    ),
    "GET /admin/settings": "GET /api/v1/settings",
    "GET /admin/audit": "GET /api/v1/audit",
    "GET /admin/teams": "GET /api/v1/teams",
    "POST /admin/teams": "POST /api/v1/teams",
    "POST /admin/teams/{name}/remove": "DELETE /api/v1/teams/{name}",
    "POST /admin/teams/{name}/members": "POST /api/v1/teams/{name}/members",
    "GET /admin/grants": "GET /api/v1/grants",
    "POST /admin/grants": "POST /api/v1/grants",
    "POST /admin/grants/{id:number}/remove": "DELETE /api/v1/grants/{id:number}",
    "GET /admin/webhooks": "GET /api/v1/webhooks",
    "GET /admin/new-webhook": _FORM,
    "POST /admin/new-webhook": "POST /api/v1/webhooks",
    f"GET {_HOOK}": "GET /api/v1/webhooks/{name}",
    f"POST {_HOOK}/rotate": "POST /api/v1/webhooks/{name}/rotate",
    f"POST {_HOOK}/finish-rotation": "POST /api/v1/webhooks/{name}/finish-rotation",
    f"POST {_HOOK}/pause": "POST /api/v1/webhooks/{name}/pause",
    f"POST {_HOOK}/resume": "POST /api/v1/webhooks/{name}/resume",
    f"POST {_HOOK}/remove": "DELETE /api/v1/webhooks/{name}",
    f"POST {_HOOK}/deliveries/{{number:number}}/redeliver": (
        "POST /api/v1/webhooks/{name}/deliveries/{id:number}/redeliver"
    ),
    "GET /docs": _TEXT,
    "GET /docs/{path:path}": _TEXT,
}
_ALL = {f"{route.method} {route.path}" for route in ROUTES}
_API = {each for each in _ALL if " /api/v1/" in each}


def test_each_page_has_an_operation_of_the_api_or_a_reason() -> None:
    pages = {
        f"{route.method} {route.path}"
        for route in ROUTES
        if route.permission is not None and not route.path.startswith("/api/v1/")
    }
    # A page and an operation with the same path need no row.
    alike = {page for page in pages if page.replace(" /", " /api/v1/") in _API}

    assert set() == pages - alike - set(PAGES)
    assert set() == set(PAGES) - pages


def test_the_operations_of_the_table_exist() -> None:
    named = {each for each in PAGES.values() if " /api/v1/" in each}

    assert set() == named - _API
