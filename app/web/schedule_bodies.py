"""The response bodies of the API for schedules."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.domain.deployment import Status
from app.domain.healthcheck import shown
from app.domain.options import Options
from app.domain.schedule import Schedule
from app.usecases.schedules import ScheduleView
from app.web.schemas import Body


class CreateScheduleRequest(Schedule):
    """The body of POST /api/v1/schedules."""

    service: Annotated[str, Field(description="The name of the service.")]


class PauseRequest(BaseModel):
    """The body of POST /api/v1/schedules/{id}/pause."""

    model_config = ConfigDict(extra="forbid")

    until: Annotated[
        str,
        Field(
            max_length=40,
            description="The end of the pause, such as 2026-12-24T22:00 in the time "
            "zone of the schedule; empty: until it is resumed.",
        ),
    ] = ""


class ComingBody(Body):
    """A coming instant of a schedule."""

    at: datetime
    frozen: str
    """Why nothing will be launched then; empty if it will."""


class CalendarProblemBody(Body):
    """A calendar of a schedule that can't be read."""

    since: datetime
    problem: str


class ScheduleBody(Body):
    """A schedule of a service; times are ISO 8601 in UTC."""

    id: int
    service: str
    name: str
    created_by: str
    """Who created it; empty if the file of the service defines it."""
    changed_by: str
    """Who changed it last; empty if nobody did, or if the file defines it."""
    cron: str
    """The rule; empty if it launches once, at the time in `at`."""
    at: str
    timezone: str
    until: str
    in_words: str
    """The rule in words."""
    warning: str
    """Why the rule may not mean what it seems to."""
    ref: str
    """The branch, tag or commit that is deployed; empty: that of the last sync."""
    variables: dict[str, Any]
    options: Options
    missed: Literal["skip", "run-once"]
    overlap: Literal["skip", "queue"]
    not_during: tuple[str, ...]
    """The calendars of its freezes: files and URLs."""
    paused: bool
    paused_until: datetime | None
    """The end of the pause; null: until somebody resumes it."""
    paused_by: str
    next_at: datetime | None
    """The next instant; null if there is none."""
    next_frozen: str
    """Why nothing will be launched at the next instant: an event of `not_during`."""
    last_at: datetime | None
    """The last instant."""
    last_deployment: int | None
    last_status: Status | None
    healthcheck: str
    """The host of its healthcheck URL, whose path is secret; empty without one."""
    ping_problem: str
    """Why the last ping to its healthcheck URL failed."""
    problem: str
    """Why nothing was launched at the last instant."""
    coming: list[ComingBody]
    """The next instants, as if it weren't paused; empty in lists."""
    calendar_problems: list[CalendarProblemBody]
    """Empty in lists."""


def schedule_body(view: ScheduleView) -> ScheduleBody:
    """Return the body of a schedule."""
    stored, schedule = view.stored, view.stored.schedule
    return ScheduleBody(
        id=stored.id,
        service=stored.service_name,
        name=schedule.name,
        created_by=stored.created_by,
        changed_by=stored.changed_by,
        cron=schedule.cron,
        at=schedule.at,
        timezone=schedule.timezone,
        until=schedule.until,
        in_words=schedule.in_words,
        warning=schedule.doubt,
        ref=schedule.ref,
        variables=schedule.variables,
        options=schedule.options,
        missed=schedule.missed,
        overlap=schedule.overlap,
        not_during=schedule.not_during,
        paused=view.paused,
        paused_until=stored.paused_until if view.paused else None,
        paused_by=stored.paused_by if view.paused else "",
        next_at=stored.next_at,
        next_frozen=view.next_frozen,
        last_at=stored.last_at,
        last_deployment=stored.last_deployment,
        last_status=stored.last_status,
        healthcheck=shown(schedule.healthcheck_url),
        ping_problem=stored.ping_problem,
        problem=stored.problem,
        coming=[
            ComingBody(at=each, frozen=view.frozen.get(each, ""))
            for each in view.coming
        ],
        calendar_problems=[
            CalendarProblemBody(since=each.failing_since, problem=each.problem)
            for each in view.calendars
            if each.failing_since is not None
        ],
    )
