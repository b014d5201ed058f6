"""The routes of the API for schedules."""

from app.domain.access import Permission
from app.domain.schedule import Schedule
from app.web import (
    api_parameters,
    api_schedules,
    schedule_bodies,
    schedules,
    schemas,
)
from app.web.guard import api_route
from app.web.operation import Operation

_VIEW, _CHECK = Permission.VIEW, Permission.CHECK
_MANAGE = Permission.MANAGE
_SCHEDULE = "/api/v1/schedules/{id:number}"

API = [
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
        body=schedule_bodies.PauseRequest, body_required=False,
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
]  # fmt: skip
