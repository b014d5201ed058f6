"""The routes of the API, each with its description for the OpenAPI document."""

from typing import Any

from app.domain.access import Permission
from app.web import (
    account_routes,
    api,
    api_parameters,
    approval_routes,
    audit_routes,
    credential_routes,
    deployments,
    doctor_bodies,
    exports,
    grant_routes,
    host_routes,
    installation_routes,
    launch_form_body,
    notification_routes,
    openapi,
    project_routes,
    result_routes,
    schedule_routes,
    schemas,
    timing_bodies,
    webhook_routes,
)
from app.web.api_retries import retry_routes
from app.web.guard import api_route
from app.web.operation import Operation

_VIEW, _CHECK = Permission.VIEW, Permission.CHECK
_CANCEL, _SYNC = Permission.CANCEL, Permission.SYNC
_ADMIN = Permission.ADMIN
_DEPLOYMENT = "/api/v1/deployments/{id:number}"

ROUTES = [
    api_route("GET", "/api/v1/openapi.json", openapi.show, _VIEW, Operation(
        "document", "Get this document.", dict[str, Any],
    )),
    api_route("GET", "/api/v1/services", api.list_services, _VIEW, Operation(
        "services", "List the services with their variables and last deployments.",
        list[schemas.ServiceBody], parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("GET", "/api/v1/services/{name:service}/launch-form",
        api.show_launch_form, _VIEW, Operation(
            "services", "Get what a launch of a service takes.",
            launch_form_body.LaunchFormBody,
            parameters=(api_parameters.REF,), errors=(409, 422),
    )),
    api_route("POST", "/api/v1/services/sync", api.sync, _SYNC, Operation(
        "services", "Sync the services folder.", schemas.SyncBody,
        description="The other nodes sync their own folders within seconds.",
    )),
    api_route(
        "GET", "/api/v1/services/{name:service}/doctor", api.examine, _VIEW, Operation(
        "services", "Check a service on the host of the web process.",
        doctor_bodies.ReportBody,
    )),
    *result_routes.API,
    *installation_routes.API,
    *project_routes.API,
    *schedule_routes.API,
    *account_routes.API,
    *grant_routes.API,
    *webhook_routes.API,
    *host_routes.API,
    api_route("GET", "/api/v1/nodes", api.list_nodes, _VIEW, Operation(
        "nodes", "List the nodes with their state, load and last heartbeat.",
        list[schemas.NodeBody],
    )),
    *credential_routes.API,
    *notification_routes.API,
    *audit_routes.API,
    api_route("GET", "/api/v1/deployments", api.list_deployments, _VIEW, Operation(
        "deployments", "List the newest 50 deployments.",
        list[schemas.DeploymentBody], parameters=api_parameters.DEPLOYMENTS,
        description="The header Link has the URL of the next page.",
    )),
    api_route("POST", "/api/v1/deployments", api.launch, _CHECK, Operation(
        "deployments", "Launch a deployment.",
        schemas.DeploymentDetailBody, status=201, body=schemas.LaunchRequest,
        parameters=(api_parameters.IDEMPOTENCY_KEY,), errors=(404, 409),
    )),
    api_route("GET", _DEPLOYMENT, api.show, _VIEW, Operation(
        "deployments", "Get a deployment with its steps and set_stats.",
        schemas.DeploymentDetailBody,
    )),
    api_route("GET", f"{_DEPLOYMENT}/timing", api.show_timing, _VIEW, Operation(
        "deployments", "Get where the time of a deployment went.",
        timing_bodies.TimingBody,
    )),
    api_route("POST", f"{_DEPLOYMENT}/cancel", api.cancel, _CANCEL, Operation(
        "deployments", "Cancel a deployment.",
        schemas.DeploymentDetailBody, status=202, errors=(409,),
        description="The worker ends its processes; the response doesn't wait for it.",
    )),
    *approval_routes.API,
    *retry_routes(_DEPLOYMENT),
    api_route("GET", f"{_DEPLOYMENT}/events", deployments.api_events, _VIEW, Operation(
        "deployments", "Stream a deployment's state and events until it ends.",
        schemas.ServerSentEventBody, media_type="text/event-stream",
        parameters=(api_parameters.AFTER,),
        description="The data of a server-sent event `deployment` is a DeploymentBody, "
        "that of `events` a list of EventBody. The last one is `end`.",
        related=(schemas.EventBody, schemas.DeploymentBody),
    ), is_stream=True),
    api_route("GET", f"{_DEPLOYMENT}/output", deployments.download, _VIEW, Operation(
        "deployments", "Download or follow the output of a run.", str,
        media_type="text/plain",
        parameters=(api_parameters.FOLLOW, api_parameters.OFFSET),
        description="It is byte for byte what the run printed, with secrets masked.",
    ), is_stream=True),
    api_route("GET", f"{_DEPLOYMENT}/export", exports.export, _VIEW, Operation(
        "deployments", "Export the record of an ended deployment for another tool.",
        dict[str, Any], parameters=(api_parameters.FORMAT,), errors=(409,),
        streamed=True,
    )),
    api_route("GET", f"{_DEPLOYMENT}/artifacts", api.list_artifacts, _VIEW, Operation(
        "deployments", "List the artifacts, in the format of ansible-runner.",
        list[schemas.ArtifactBody], errors=(507,),
    )),
    api_route("GET", f"{_DEPLOYMENT}/artifacts.tar.gz", deployments.archive, _VIEW,
        Operation(
            "deployments", "Download all artifacts as one archive.",
            str, media_type="application/gzip", errors=(507,),
    )),
    api_route("GET", f"{_DEPLOYMENT}/artifacts/{{path:path}}",
        deployments.download_artifact, _VIEW, Operation(
            "deployments", "Download one artifact as an attachment.",
            str, media_type="application/octet-stream", errors=(507,),
    )),
]  # fmt: skip
