"""The routes of the API, each with its description for the OpenAPI document."""

from typing import Any

from app.domain.access import Permission
from app.domain.schedule import Schedule
from app.web import (
    account_routes,
    api,
    api_credentials,
    api_notifications,
    api_parameters,
    api_projects,
    api_schedules,
    approval_routes,
    audit_bodies,
    audit_log,
    credential_bodies,
    deployments,
    exports,
    grant_routes,
    host_key_bodies,
    host_keys,
    host_routes,
    installation_routes,
    launch_form_body,
    notification_bodies,
    openapi,
    project_bodies,
    result_routes,
    schedule_bodies,
    schedules,
    schemas,
    timing_bodies,
    webhook_routes,
)
from app.web.api_retries import retry_routes
from app.web.guard import api_route
from app.web.operation import Operation

_VIEW, _CHECK = Permission.VIEW, Permission.CHECK
_CANCEL, _MANAGE = Permission.CANCEL, Permission.MANAGE
_SYNC, _ADMIN = Permission.SYNC, Permission.ADMIN
_CREDENTIALS = Permission.CREDENTIALS
_CHANNEL = "/api/v1/channels/{name}"
_DEPLOYMENT = "/api/v1/deployments/{id:number}"
_SCHEDULE = "/api/v1/schedules/{id:number}"

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
        schemas.ReportBody,
    )),
    *result_routes.API,
    *installation_routes.API,
    api_route("GET", "/api/v1/projects", api_projects.list_projects, _VIEW, Operation(
        "projects", "List the projects with their environments and services.",
        list[project_bodies.ProjectBody], parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("POST", "/api/v1/projects", api_projects.add, _ADMIN, Operation(
        "projects", "Add a repository on FastDeploy's host as a project.",
        project_bodies.AddedBody, status=201, also=(200,),
        body=project_bodies.AddRequest, errors=(409,),
        description="With `dry_run`, nothing is written and the status is 200.",
    )),
    api_route("GET", "/api/v1/projects/{name}", api_projects.show, _VIEW, Operation(
        "projects", "Get a project with its environments and services.",
        project_bodies.ProjectBody,
    )),
    api_route("GET", "/api/v1/projects/{name}/refs", api_projects.list_refs, _VIEW,
        Operation(
            "projects", "List the newest 200 branches and tags that may be deployed.",
            list[project_bodies.RefBody], parameters=(api_parameters.PREFIX,),
            errors=(409,),
            description="They are those of the last fetch. A project that isn't a git "
            "repository has none.",
    )),
    api_route(
        "DELETE", "/api/v1/projects/{name}", api_projects.remove, _ADMIN, Operation(
        "projects", "Remove a project.", project_bodies.RemovedBody, errors=(409,),
        description="Its services are archived, and their history is kept. The "
        "repository isn't changed. Refused while a deployment of it is queued or "
        "running.",
    )),
    api_route("GET", "/api/v1/host-keys", host_keys.list_keys, _VIEW, Operation(
        "host keys", "List the host keys that runs trust.",
        list[host_key_bodies.HostKeyBody],
        parameters=(api_parameters.SCOPE, *api_parameters.PAGE_BY_ID),
    )),
    api_route("POST", "/api/v1/host-keys", host_keys.add, _ADMIN, Operation(
        "host keys", "Accept host keys for a project or service.",
        list[host_key_bodies.HostKeyBody], status=201,
        body=host_key_bodies.AddHostKeysRequest, errors=(404,),
        description="The response has all accepted keys of the project or service.",
    )),
    api_route(
        "DELETE", "/api/v1/host-keys/{id:number}", host_keys.delete, _ADMIN, Operation(
        "host keys", "Remove an accepted host key.", host_key_bodies.HostKeyBody,
    )),
    api_route("GET", "/api/v1/schedules", schedules.list_schedules, _VIEW, Operation(
        "schedules", "List the schedules of services, 100 on a page.",
        list[schedule_bodies.ScheduleBody], parameters=api_parameters.SCHEDULES,
        description="The header Link has the URL of the next page.",
    )),
    api_route("POST", "/api/v1/schedules", api_schedules.create, _MANAGE, Operation(
        "schedules", "Create a schedule of a service.", schedule_bodies.ScheduleBody,
        status=201, body=schedule_bodies.CreateScheduleRequest, errors=(404, 409),
    )),
    api_route("GET", _SCHEDULE, api_schedules.show, _VIEW, Operation(
        "schedules", "Get a schedule.", schedule_bodies.ScheduleBody,
    )),
    api_route("PUT", _SCHEDULE, api_schedules.replace, _MANAGE, Operation(
        "schedules", "Replace a schedule, except its name.",
        schedule_bodies.ScheduleBody, body=Schedule, errors=(409,),
        description="Refused for a schedule that the file of the service defines.",
    )),
    api_route("DELETE", _SCHEDULE, api_schedules.remove, _MANAGE, Operation(
        "schedules", "Remove a schedule.", schedule_bodies.ScheduleBody, errors=(409,),
        description="Its deployments are kept. Refused for a schedule that the file of "
        "the service defines.",
    )),
    api_route("POST", f"{_SCHEDULE}/pause", api_schedules.pause, _MANAGE, Operation(
        "schedules", "Pause a schedule.", schedule_bodies.ScheduleBody,
        body=schedule_bodies.PauseRequest,
        description="Instants of a pause aren't made up for.",
    )),
    api_route("POST", f"{_SCHEDULE}/resume", api_schedules.resume, _MANAGE, Operation(
        "schedules", "End the pause of a schedule.", schedule_bodies.ScheduleBody,
    )),
    api_route("POST", f"{_SCHEDULE}/run", api_schedules.run, _CHECK, Operation(
        "schedules", "Launch now what a schedule launches.",
        schemas.DeploymentDetailBody, status=201,
        parameters=(api_parameters.IDEMPOTENCY_KEY,), errors=(409,),
    )),
    *account_routes.API,
    *grant_routes.API,
    *webhook_routes.API,
    *host_routes.API,
    api_route("GET", "/api/v1/nodes", api.list_nodes, _VIEW, Operation(
        "nodes", "List the nodes with their state, load and last heartbeat.",
        list[schemas.NodeBody],
    )),
    api_route("GET", "/api/v1/credentials", api_credentials.list_credentials,
        _CREDENTIALS, Operation(
            "credentials", "List the credentials, without their values.",
            list[credential_bodies.CredentialBody],
            parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("GET", "/api/v1/credentials/{name}", api_credentials.show, _CREDENTIALS,
        Operation(
            "credentials", "Get a credential, without its value.",
            credential_bodies.CredentialBody,
    )),
    api_route("PUT", "/api/v1/credentials/{name}", api_credentials.put, _CREDENTIALS,
        Operation(
            "credentials", "Add a credential, or replace it.",
            credential_bodies.CredentialBody, status=201, also=(200,),
            body=credential_bodies.CredentialRequest, errors=(409,),
            description="The name is `kind:name`, such as `ssh:prod`.",
    )),
    api_route("DELETE", "/api/v1/credentials/{name}", api_credentials.remove,
        _CREDENTIALS, Operation(
            "credentials", "Remove a credential.",
            credential_bodies.CredentialBody, errors=(409,),
            parameters=(api_parameters.FORCE,),
            description="The response has what it was, without its value.",
    )),
    api_route("POST", "/api/v1/credentials/{name}/test", api_credentials.try_on,
        _CREDENTIALS, Operation(
            "credentials", "Try a credential on a host.",
            credential_bodies.TestBody, errors=(409,),
            body=credential_bodies.TestRequest,
            description="The host's key must be one that was accepted. The status is "
            "409 if the host refuses the credential.",
    )),
    api_route("GET", "/api/v1/channels", api_notifications.list_channels, _ADMIN,
        Operation(
            "notifications", "List the channels, without their URLs.",
            list[notification_bodies.ChannelBody],
            parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("GET", _CHANNEL, api_notifications.show_channel, _ADMIN, Operation(
        "notifications", "Get a channel, without its URL.",
        notification_bodies.ChannelBody,
    )),
    api_route("PUT", _CHANNEL, api_notifications.put_channel, _ADMIN, Operation(
        "notifications", "Add a channel, or replace it.",
        notification_bodies.ChannelBody, status=201, also=(200,),
        body=notification_bodies.ChannelRequest, errors=(409,),
    )),
    api_route("DELETE", _CHANNEL, api_notifications.remove_channel, _ADMIN, Operation(
        "notifications", "Remove a channel.",
        notification_bodies.ChannelBody, errors=(409,),
        parameters=(api_parameters.FORCE,),
        description="The response has what it was, without its URL.",
    )),
    api_route("POST", f"{_CHANNEL}/pause", api_notifications.pause_channel, _ADMIN,
        Operation(
            "notifications", "Pause a channel: its messages are skipped.",
            notification_bodies.ChannelBody,
    )),
    api_route("POST", f"{_CHANNEL}/resume", api_notifications.resume_channel, _ADMIN,
        Operation(
            "notifications", "Resume a paused channel.",
            notification_bodies.ChannelBody,
    )),
    api_route("POST", f"{_CHANNEL}/test", api_notifications.test_channel, _ADMIN,
        Operation(
            "notifications", "Send a test message to a channel.",
            notification_bodies.NotificationBody, status=202,
            description="A worker sends it; the response doesn't wait for it.",
    )),
    api_route("GET", "/api/v1/notifications", api_notifications.list_notifications,
        _ADMIN, Operation(
            "notifications", "List the latest 50 messages to channels.",
            list[notification_bodies.NotificationBody],
            parameters=(api_parameters.CHANNEL,),
    )),
    api_route("POST", "/api/v1/notifications/{id:number}/send",
        api_notifications.send_again, _ADMIN, Operation(
            "notifications", "Send a message again that failed or was skipped.",
            notification_bodies.NotificationBody, status=202, errors=(409,),
    )),
    api_route("GET", "/api/v1/audit", audit_log.list_entries, _ADMIN, Operation(
        "audit", "List the latest 50 entries of the audit log.",
        list[audit_bodies.AuditEntryBody], parameters=api_parameters.AUDIT,
        description="The header Link has the URL of the next page.",
    )),
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
        str, media_type="text/event-stream", parameters=(api_parameters.AFTER,),
        description="The data of a server-sent event `deployment` is a DeploymentBody, "
        "that of `events` a list of EventBody. The last one is `end`.",
        related=(schemas.EventBody, schemas.DeploymentBody),
    )),
    api_route("GET", f"{_DEPLOYMENT}/output", deployments.download, _VIEW, Operation(
        "deployments", "Download or follow the output of a run.", str,
        media_type="text/plain",
        parameters=(api_parameters.FOLLOW, api_parameters.OFFSET),
        description="It is byte for byte what the run printed, with secrets masked.",
    )),
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
