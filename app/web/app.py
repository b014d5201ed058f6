"""Assemble the web application: the table of routes and the list of middleware."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.domain.access import Permission
from app.web import (
    account,
    admin,
    api_routes,
    approval_routes,
    audit_log,
    command_line_login,
    credentials,
    deployments,
    docs,
    exports,
    grant_routes,
    health,
    host_comparisons,
    host_files,
    host_filters,
    host_keys,
    hosts,
    launches,
    login,
    metrics,
    new_schedule,
    nodes,
    notifications,
    oidc,
    overview,
    overview_filter,
    projects,
    proxy_login,
    query,
    result_pages,
    retries,
    revisions,
    schedules,
    second_factor_routes,
    second_step,
    services,
    tokens,
    users,
    webhook_routes,
)
from app.web.assets import STATIC
from app.web.dependencies import Dependencies
from app.web.errors import HANDLERS, on_bug, on_wrong_proxy
from app.web.guard import public, route, signed
from app.web.middleware import AnswerBugs, BodyLimit, RequestId, SecurityHeaders
from app.web.routing import AppRoute
from app.web.trusted_proxy import TrustedProxy

_VIEW, _CHECK = Permission.VIEW, Permission.CHECK
_CANCEL, _MANAGE = Permission.CANCEL, Permission.MANAGE
_SYNC, _ADMIN = Permission.SYNC, Permission.ADMIN
_CREDENTIALS = Permission.CREDENTIALS
#: The maximum number of requests that are handled in threads at once. Nearly all of
#: them need one of the database connections, so more threads would only take memory.
THREADS = 12

#: The pages, and the routes of the API.
ROUTES: list[AppRoute] = [
    public("/healthz", health.healthz),
    public("/readyz", health.readyz),
    public("/schema/service.json", health.service_schema),
    public("/login", login.show),
    public("/login", login.submit, "POST"),
    public("/login/provider/{provider}", oidc.begin),
    public("/login/provider/{provider}/callback", oidc.callback),
    signed("/login/provider/{provider}/logout", oidc.provider_logout),
    public(login.STEP_PATH, second_step.show),
    public(login.STEP_PATH, second_step.submit, "POST"),
    public(login.PASSKEY_PATH, second_step.submit_passkey, "POST"),
    public(login.PROXY_PATH, proxy_login.log_in),
    route("/login/cli", command_line_login.show, _VIEW,
          takes=command_line_login.TAKES),
    route("/login/cli", command_line_login.submit, _VIEW, "POST"),
    public("/login/cli/token", command_line_login.exchange, "POST"),
    route("/metrics", metrics.show, Permission.METRICS,
          open_by=lambda settings: settings.public_metrics),
    route("/logout", login.log_out, _VIEW, "POST", in_set_up=True),
    # Pages
    route("/", overview.index, _VIEW, takes=(*overview_filter.PARAMETERS, "synced")),
    route("/overview", overview.changing, _VIEW, takes=overview_filter.PARAMETERS),
    route("/favourites", overview.favour, _VIEW, "POST"),
    route("/services/sync", services.sync, _SYNC, "POST"),
    # A name may have two segments, so the actions come first; see RESERVED in
    # app/domain/service_name.py.
    route("/services/{name:service}/choices", services.choices, _CHECK),
    route("/services/{name:service}/doctor", services.examine, _VIEW),
    route("/services/{name:service}/compare", services.compare, _VIEW,
          takes=("a", "b")),
    route("/services/{name:service}/deploy", launches.launch, _CHECK, "POST"),
    route("/services/{name:service}", services.show, _VIEW,
          takes=(*query.OF_A_SERVICE, "again", "values")),
    route("/deployments", deployments.index, _VIEW, takes=query.DEPLOYMENTS),
    route("/deployments/{id:number}", deployments.show, _VIEW, takes=("before",)),
    route("/deployments/{id:number}/events", deployments.events, _VIEW,
          takes=("after",), is_stream=True),
    route("/deployments/{id:number}/cancel", deployments.cancel, _CANCEL, "POST"),
    *approval_routes.ROUTES,
    route("/deployments/{id:number}/continue", retries.show, _VIEW),
    route("/deployments/{id:number}/continue", retries.resume, _CHECK, "POST"),
    route("/deployments/{id:number}/retry", retries.retry, _CHECK, "POST"),
    route("/deployments/{id:number}/retry-failed", retries.retry_failed, _CHECK,
          "POST"),
    route("/deployments/{id:number}/owed-handlers/dismiss", retries.dismiss,
          Permission.DEPLOY, "POST"),
    route("/deployments/{id:number}/host-keys", host_keys.show, _VIEW),
    route("/deployments/{id:number}/host-keys", host_keys.accept, _ADMIN, "POST"),
    route("/host-keys/{id:number}/remove", host_keys.remove, _ADMIN, "POST"),
    route("/deployments/{id:number}/commits", revisions.show, _VIEW),
    route("/deployments/{id:number}/search", deployments.search, _VIEW,
          takes=query.SEARCH),
    route("/deployments/{id:number}/results", result_pages.list_results, _VIEW,
          takes=("before", "hosts_after")),
    route("/deployments/{id:number}/results/{number:number}", result_pages.result,
          _VIEW),
    route("/deployments/{id:number}/changes", result_pages.list_changes, _VIEW,
          takes=("after",)),
    route("/deployments/{id:number}/variables", result_pages.list_variables, _VIEW),
    route("/deployments/{id:number}/output", deployments.download, _VIEW,
          is_stream=True),
    route("/deployments/{id:number}/artifacts", deployments.list_artifacts, _VIEW,
          takes=("skip",)),
    route("/deployments/{id:number}/artifacts.tar.gz", deployments.archive, _VIEW),
    route("/deployments/{id:number}/artifacts/{path:path}", deployments.artifact,
          _VIEW, takes=("download",)),
    route("/deployments/{id:number}/export", exports.export, _VIEW, takes=("format",)),
    route("/projects", projects.index, _VIEW, takes=("done",)),
    route("/projects/{name}", projects.show, _VIEW, takes=("text", "page", "done")),
    route("/projects/{name}/remove", projects.remove, _ADMIN, "POST"),
    route("/projects/{name}/host-keys", host_keys.accept_of_git_server, _ADMIN, "POST"),
    route("/projects/{name}/changing", projects.changing, _VIEW,
          takes=("text", "page")),
    # A project can have any name, so this isn't below /projects.
    route("/new-project", projects.preview, _ADMIN, takes=("path", "name", "ref")),
    route("/new-project", projects.add, _ADMIN, "POST"),
    route("/hosts", hosts.index, _VIEW, takes=host_filters.HOSTS),
    route("/hosts/{name:shortest}/files", host_files.index, _VIEW,
          takes=host_filters.FILES),
    route("/hosts/{name:shortest}/files/{path:path}", host_files.show, _VIEW,
          takes=("project",)),
    route("/hosts/{name:path}", hosts.show, _VIEW, takes=host_filters.HOST),
    # A host can have any name, so this isn't below /hosts.
    route("/compare-hosts", host_comparisons.show, _VIEW,
          takes=host_filters.COMPARISON),
    route("/schedules", schedules.index, _VIEW, takes=("text", "page", "done")),
    route("/new-schedule", new_schedule.show, _MANAGE, takes=("service",)),
    route("/new-schedule", new_schedule.create, _MANAGE, "POST"),
    route("/schedules/{id:number}", schedules.show, _VIEW, takes=("done",)),
    route("/schedules/{id:number}/edit", new_schedule.edit, _MANAGE),
    route("/schedules/{id:number}/edit", new_schedule.change, _MANAGE, "POST"),
    route("/schedules/{id:number}/pause", schedules.pause, _MANAGE, "POST"),
    route("/schedules/{id:number}/resume", schedules.resume, _MANAGE, "POST"),
    route("/schedules/{id:number}/remove", new_schedule.remove, _MANAGE, "POST"),
    route("/schedules/{id:number}/run", schedules.run, _CHECK, "POST"),
    route("/nodes", nodes.index, _VIEW, takes=("done",)),
    route("/nodes/forget", nodes.confirm, _ADMIN, takes=("name",)),
    route("/nodes/forget", nodes.forget, _ADMIN, "POST"),
    route("/account", account.show, _VIEW, takes=("done",)),
    route("/account/display", account.set_display, _VIEW, "POST"),
    route("/account/password", account.change_password, _VIEW, "POST"),
    route("/account/sessions", account.end_other_sessions, _VIEW, "POST"),
    route("/account/sessions/{id:number}", account.end_session, _VIEW, "POST"),
    *second_factor_routes.ROUTES,
    route("/account/tokens", account.create_token, _VIEW, "POST"),
    route("/account/tokens/{id:number}/revoke", tokens.confirm, _VIEW),
    route("/account/tokens/{id:number}/revoke", tokens.revoke, _VIEW, "POST"),
    # Administration
    route("/admin/users", users.index, _ADMIN),
    route("/admin/users", users.create, _ADMIN, "POST"),
    route("/admin/users/{id:number}", users.show, _ADMIN, takes=("done",)),
    route("/admin/users/{id:number}/role", users.set_role, _ADMIN, "POST"),
    route("/admin/users/{id:number}/password", users.set_password, _ADMIN, "POST"),
    route("/admin/users/{id:number}/sessions", users.end_sessions, _ADMIN, "POST"),
    route("/admin/users/{id:number}/disable", users.disable, _ADMIN, "POST"),
    route("/admin/users/{id:number}/enable", users.enable, _ADMIN, "POST"),
    route("/admin/tokens", tokens.index, _ADMIN, takes=("done",)),
    route("/admin/tokens", tokens.create, _ADMIN, "POST"),
    route("/admin/tokens/{id:number}/revoke", tokens.confirm, _ADMIN),
    route("/admin/tokens/{id:number}/revoke", tokens.revoke, _ADMIN, "POST"),
    route("/admin/credentials", credentials.index, _CREDENTIALS, takes=("done",)),
    route("/admin/credentials/{name}", credentials.show, _CREDENTIALS,
          takes=("done",)),
    route("/admin/credentials/{name}/remove", credentials.remove, _CREDENTIALS,
          "POST"),
    route("/admin/credentials/{name}/test", credentials.try_on, _CREDENTIALS,
          "POST"),
    # A credential can have any name, so this isn't below /admin/credentials.
    route("/admin/new-credential", credentials.new, _CREDENTIALS,
          takes=("kind", "name", "home")),
    route("/admin/new-credential", credentials.put, _CREDENTIALS, "POST"),
    route("/admin/notifications", notifications.index, _ADMIN, takes=("done",)),
    route("/admin/notifications/{name}", notifications.show, _ADMIN, takes=("done",)),
    route("/admin/notifications/{name}/test", notifications.test, _ADMIN, "POST"),
    route("/admin/notifications/{name}/pause", notifications.pause, _ADMIN, "POST"),
    route("/admin/notifications/{name}/resume", notifications.resume, _ADMIN, "POST"),
    route("/admin/notifications/{name}/remove", notifications.remove, _ADMIN, "POST"),
    # A channel can have any name, so this isn't below /admin/notifications.
    route("/admin/new-channel", notifications.new, _ADMIN, takes=("name",)),
    route("/admin/new-channel", notifications.put, _ADMIN, "POST"),
    route("/admin/messages/{id:number}/send", notifications.send_again, _ADMIN,
          "POST"),
    route("/admin/settings", admin.settings, _ADMIN),
    route("/admin/audit", audit_log.page, _ADMIN, takes=query.AUDIT),
    *grant_routes.ROUTES,
    *webhook_routes.ROUTES,
    route("/docs", docs.index, _VIEW),
    route("/docs/{path:path}", docs.show, _VIEW, takes=docs.TAKES),
    *api_routes.ROUTES,
]  # fmt: skip


class _HashedFiles(StaticFiles):
    """Serves built files to be cached, since their names have a hash of the content."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(deps: Dependencies) -> Starlette:
    """Assemble the application; it opens nothing before it starts up."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        tasks = [
            asyncio.create_task(deps.feed.listen()),
            asyncio.create_task(deps.loop_lag.watch()),
            asyncio.create_task(deps.open_streams.renew()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            deps.store.close()

    # Compress built files only: the compressed size of a page could reveal a secret.
    built = GZipMiddleware(_HashedFiles(directory=STATIC, check_dir=False))
    static = Mount("/static", built)
    app = Starlette(
        routes=[*ROUTES, static],
        middleware=[
            Middleware(RequestId),
            Middleware(SecurityHeaders, https=deps.settings.secure_cookies),
            Middleware(BodyLimit),
            Middleware(AnswerBugs, answer=on_bug),
            Middleware(
                TrustedProxy,
                secret=deps.settings.proxy_secret.get_secret_value(),
                login=deps.proxy_login,
                refuse=on_wrong_proxy,
            ),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.deps = deps
    return app
