"""A schedule of a service: when it is launched, and with what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from app.domain import crontab
from app.domain.audit import Changes
from app.domain.freezes import NO_FREEZES, Freezes, NotDuring
from app.domain.healthcheck import HealthcheckUrl
from app.domain.options import NO_OPTIONS, Options
from app.domain.service_name import PART

#: An instant without a launch for this long counts as missed.
MISSED_AFTER = timedelta(minutes=5)
#: The number of coming instants that pages show.
SHOWN = 5


class Schedule(BaseModel):
    """When a service is launched, and with which variables and options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=f"^{PART}$")]
    cron: Annotated[
        str,
        Field(
            max_length=200,
            description='Five fields as in crontab(5), such as "0 3 * * *".',
        ),
    ] = ""
    at: Annotated[
        str,
        Field(max_length=40, description='Once, at this time: "2026-12-24T22:00".'),
    ] = ""
    timezone: Annotated[
        str,
        AfterValidator(crontab.require_zone),
        Field(max_length=100, description="The IANA name of the time zone."),
    ] = "UTC"
    until: Annotated[
        str,
        Field(max_length=40, description="Nothing is launched after this time."),
    ] = ""
    environment: Annotated[
        str,
        Field(
            pattern=f"^(?:{PART})?$",
            description="The environment that is deployed, if a service of a project "
            "has several.",
        ),
    ] = ""
    ref: Annotated[
        str,
        Field(
            max_length=255,
            description="The branch, tag or commit that is deployed, of a git project; "
            "by default the commit of the last sync.",
        ),
    ] = ""
    variables: Annotated[
        dict[str, Any],
        Field(description="Launch variables. Secrets can't be set."),
    ] = {}
    options: Annotated[Options, Field(description="Options of ansible-playbook.")] = (
        NO_OPTIONS
    )
    missed: Annotated[
        Literal["skip", "run-once"],
        Field(
            description="What happens to instants at which no worker was running: "
            "nothing, or one launch for all of them."
        ),
    ] = "skip"
    overlap: Annotated[
        Literal["skip", "queue"],
        Field(
            description="What happens at an instant while the last deployment of the "
            "schedule hasn't ended: nothing, or the new one is queued."
        ),
    ] = "skip"

    not_during: NotDuring = ()
    healthcheck_url: HealthcheckUrl = SecretStr("")

    @model_validator(mode="after")
    def _one_time(self) -> "Schedule":
        if bool(self.cron) == bool(self.at):
            raise ValueError('needs exactly one of "cron" and "at"')
        for key in ("cron", "at", "until"):
            value = getattr(self, key)
            try:
                if value and key == "cron":
                    crontab.require_rule(value)
                elif value:
                    parse_time(value, self.timezone)
            except ValueError as error:
                raise ValueError(f'"{key}" {error}') from None
        return self

    @property
    def timing(self) -> tuple[str, str, str, str]:
        """The fields that decide when it launches."""
        return self.cron, self.at, self.timezone, self.until

    @property
    def launched(self) -> tuple[str, str, dict[str, Any], Options]:
        """The fields that decide what it launches."""
        return self.environment, self.ref, self.variables, self.options

    def changes_from(self, before: "Schedule") -> Changes:
        """Return the values that differ from those of a schedule, without secrets."""
        earlier, now = (each.model_dump(mode="json") for each in (before, self))
        return {
            key: (earlier[key], now[key]) for key in now if earlier[key] != now[key]
        }

    @property
    def in_words(self) -> str:
        """The rule in words."""
        if self.at:
            return f"Once, at {self.at.replace('T', ' ')}"
        return crontab.explain(crontab.require_rule(self.cron))

    @property
    def doubt(self) -> str:
        """Why the rule may not mean what it seems to; empty if there is no doubt."""
        return crontab.find_doubt(crontab.require_rule(self.cron)) if self.cron else ""

    def local(self, moment: datetime) -> str:
        """Return a moment in its time zone: "2026-05-04 03:00 CEST"."""
        return local_time(moment, self.timezone)

    def frozen(self, moment: datetime, freezes: Freezes) -> str:
        """Return why nothing is launched at a moment; empty if no freeze prevents it.

        `freezes` are those of its calendars.
        """
        if found := freezes.find(moment, self.timezone):
            return f"frozen: {found.summary}, until {self.local(found.until)}"
        if freezes.unknown:
            names = ", ".join(freezes.unknown)
            return f"not launched: the calendar {names} could not be read yet"
        return ""

    def instants(self, after: datetime) -> Iterator[datetime]:
        """Yield its instants after a moment, in UTC."""
        until = parse_time(self.until, self.timezone) if self.until else None
        if self.at:
            every = iter([parse_time(self.at, self.timezone)])
        else:
            every = crontab.instants(
                crontab.require_rule(self.cron), self.timezone, after
            )
        for instant in every:
            if until is not None and instant > until:
                return
            if instant > after:
                yield instant

    def next_instant(self, after: datetime) -> datetime | None:
        """Return the first instant after a moment, if there is one."""
        return next(self.instants(after), None)

    def coming(self, after: datetime) -> list[datetime]:
        """Return the next instants after a moment, at most SHOWN."""
        return list(islice(self.instants(after), SHOWN))

    def last_instant(self, first: datetime, now: datetime) -> datetime:
        """Return the last instant until `now`, where `first` is an instant of it."""
        if self.at:
            return first
        if self.until:
            now = min(now, parse_time(self.until, self.timezone))
        rule = crontab.require_rule(self.cron)
        return crontab.last_instant(rule, self.timezone, first, now) or first


def _require_names(value: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
    # In a project, each environment may have a schedule with the same name.
    names = [(schedule.name, schedule.environment) for schedule in value]
    if len(names) != len(set(names)):
        raise ValueError("must name each schedule once")
    return value


#: The schedules of a service.
Schedules = Annotated[
    tuple[Schedule, ...],
    Field(max_length=100, description="When FastDeploy launches it."),
    AfterValidator(_require_names),
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to the instants of a schedule that have come."""

    #: The instant that is launched, or the last one that is not.
    instant: datetime
    #: Why nothing is launched; empty for a launch.
    skipped: str
    #: The next instant; None if there is none.
    following: datetime | None


def decide(
    schedule: Schedule,
    planned: datetime,
    now: datetime,
    *,
    unfinished: int | None,
    freezes: Freezes = NO_FREEZES,
) -> Decision:
    """Decide what happens to the instants from `planned` until `now`.

    Of several instants at most the last one is launched. `unfinished` is the last
    deployment of the schedule if it hasn't ended. An instant is not launched if it lies
    in one of the `freezes`, and not during one, if it is launched late.
    """
    instant = schedule.last_instant(planned, now)
    skipped = ""
    if schedule.missed == "skip" and now - instant > MISSED_AFTER:
        skipped = "missed: no worker was running"
    elif frozen := schedule.frozen(instant, freezes) or schedule.frozen(now, freezes):
        skipped = frozen
    elif schedule.overlap == "skip" and unfinished is not None:
        skipped = f"skipped: deployment {unfinished} had not ended"
    return Decision(instant, skipped, schedule.next_instant(max(now, instant)))


def parse_time(text: str, zone: str) -> datetime:
    """Return a time in UTC; without an offset, it is in a time zone.

    Raises ValueError for a malformed time, and for one that the clocks skip.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "must be a time such as 2026-12-24T22:00, in the time zone of the "
            "schedule, or with an offset such as +01:00"
        ) from None
    try:
        if at.tzinfo is not None:
            return at.astimezone(UTC)
        local = at.replace(tzinfo=crontab.zone_of(zone))
        in_utc = local.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None
    if in_utc.astimezone(crontab.zone_of(zone)).replace(tzinfo=None) != at:
        raise ValueError(f"doesn't exist in {zone}: the clocks are put forward then")
    return in_utc


def local_time(moment: datetime, timezone: str) -> str:
    """Return a moment in a time zone: "2026-05-04 03:00 CEST"."""
    return f"{moment.astimezone(crontab.zone_of(timezone)):%Y-%m-%d %H:%M %Z}"
