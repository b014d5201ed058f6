"""Pages and API operations that retry and continue deployments."""

from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.domain.deployment import Origin
from app.domain.retry import RetryScope
from app.usecases import deploy, retries, retry_plans, services
from app.usecases.confirmation import ConfirmationNeeded
from app.usecases.idempotency import RequestKey
from app.usecases.revisions import require_available
from app.usecases.run_credentials import asked_of
from app.web import forms, launch_confirmation, request_key
from app.web.api import deployment_content, origin_of
from app.web.dependencies import actor_of, deps
from app.web.retry_bodies import DismissRequest, retry_choice_body


def show(request: Request) -> Response:
    """Show what each retry of a deployment would do, with a button for it."""
    deployment = deploy.find(deps(request).store, _id(request))
    choices = retry_plans.choices(deps(request).store, _id(request))
    kept = not deployment.service.secret_names and not asked_of(
        deps(request).store, deployment.service
    )
    return deps(request).renderer.page(
        request,
        "deployments/continue.html",
        deployment=deployment,
        choices=[(choice, forms.new_key()) for choice in choices],
        kept=kept,
        owed=services.owed_handlers_of(deps(request).store, deployment.service_id),
    )


def retry(request: Request, form: FormData) -> Response:
    """Retry an ended deployment and redirect to the page of the new one."""
    return _submit(request, form, RetryScope.ALL)


def retry_failed(request: Request, form: FormData) -> Response:
    """Retry a deployment on the hosts that failed or were unreachable."""
    return _submit(request, form, RetryScope.FAILED)


def resume(request: Request, form: FormData) -> Response:
    """Continue a deployment."""
    return _submit(request, form, RetryScope.CONTINUE)


def dismiss(request: Request, form: FormData) -> Response:
    """Settle an owed handler and redirect to the page that lists the others."""
    retries.dismiss_handler(
        deps(request).store,
        actor_of(request),
        _id(request),
        str(form.get("host", "")),
        str(form.get("handler", "")),
    )
    return RedirectResponse(f"/deployments/{_id(request)}/continue", 303)


def api_choices(request: Request) -> Response:
    """GET /api/v1/deployments/{id}/retries."""
    choices = retry_plans.choices(deps(request).store, _id(request))
    bodies = [retry_choice_body(choice) for choice in choices]
    return JSONResponse([body.model_dump(mode="json") for body in bodies])


def api_retry(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/retry: 201 with the new deployment."""
    return _respond(request, RetryScope.ALL)


def api_retry_failed(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/retry-failed: 201 with the new deployment."""
    return _respond(request, RetryScope.FAILED)


def api_resume(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/continue: 201 with the new deployment."""
    return _respond(request, RetryScope.CONTINUE)


async def api_dismiss(request: Request) -> Response:
    """POST /api/v1/deployments/{id}/owed-handlers/dismiss: the deployment."""
    wanted = DismissRequest.model_validate_json(await request.body())
    return await run_in_threadpool(_dismiss, request, wanted)


def _dismiss(request: Request, wanted: DismissRequest) -> Response:
    retries.dismiss_handler(
        deps(request).store, actor_of(request), _id(request), wanted.host,
        wanted.handler,
    )  # fmt: skip
    return JSONResponse(deployment_content(request, _id(request)))


def _submit(request: Request, form: FormData, scope: RetryScope) -> Response:
    sent = launch_confirmation.read(request, form)
    key = request_key.of_form(request, form)
    # It runs the recorded service, which doesn't change.
    launch = partial(_launch, request, scope, Origin.BROWSER, key)
    try:
        launched = launch(confirmed=bool(sent.service_digest))
    except ConfirmationNeeded as needed:
        name = needed.wanted.service.name
        change = f"/services/{name}?again={_id(request)}#launch"
        return launch_confirmation.page(request, sent, needed, change)
    return RedirectResponse(f"/deployments/{launched}", 303)


def _respond(request: Request, scope: RetryScope) -> Response:
    key = request_key.of_header(request)
    confirmed = request.query_params.get("confirm") == "true"
    number = _launch(request, scope, origin_of(request), key, confirmed=confirmed)
    location = {"Location": f"/api/v1/deployments/{number}"}
    return JSONResponse(deployment_content(request, number), 201, headers=location)


def _launch(
    request: Request,
    scope: RetryScope,
    origin: Origin,
    key: RequestKey | None,
    *,
    confirmed: bool,
) -> int:
    """Launch the retry, unless the request is repeated; return its id."""
    if (repeated := request_key.find_earlier(request, key)) is not None:
        return repeated
    require_available(
        deps(request).store, deps(request).settings, deps(request).git.of, _id(request)
    )
    return retries.retry(
        deps(request).store,
        deps(request).queue,
        deps(request).secret_box,
        actor=actor_of(request),
        origin=origin,
        deployment_id=_id(request),
        scope=scope,
        idempotency_key=key,
        confirmed=confirmed,
    )


def _id(request: Request) -> int:
    deployment_id: int = request.path_params["id"]
    return deployment_id
