"""When schedules launch, across changes of clocks, and what makes them invalid."""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain import crontab
from app.domain.config_json import explain, validate
from app.domain.schedule import Schedule, decide

#: Rule, time zone, the start in UTC, and the next instants in UTC as "day hour:minute".
#: The clocks of the start's day are put forward or back. Lord Howe changes by half an
#: hour.
CHANGES: dict[str, tuple[str, str, str, str]] = {
    "berlin-spring-gap": (
        "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00",
        "29 01:00, 30 00:30, 31 00:30",
    ),
    "berlin-spring-hourly": (
        "0 * * * *", "Europe/Berlin", "2026-03-28T23:30",
        "29 00:00, 29 01:00, 29 02:00",
    ),
    "berlin-autumn-repeated-time": (
        "30 2 * * *", "Europe/Berlin", "2026-10-24T22:00",
        "25 00:30, 26 01:30, 27 01:30",
    ),
    "berlin-autumn-hourly": (
        "0 * * * *", "Europe/Berlin", "2026-10-24T23:30",
        "25 00:00, 25 01:00, 25 02:00",
    ),
    "new-york-spring-gap": (
        "30 2 * * *", "America/New_York", "2026-03-08T05:00",
        "08 07:00, 09 06:30, 10 06:30",
    ),
    "new-york-spring-half-hourly": (
        "*/30 * * * *", "America/New_York", "2026-03-08T06:15",
        "08 06:30, 08 07:00, 08 07:30",
    ),
    "new-york-autumn-repeated-time": (
        "30 1 * * *", "America/New_York", "2026-11-01T04:00",
        "01 05:30, 02 06:30, 03 06:30",
    ),
    "new-york-autumn-half-hourly": (
        "*/30 * * * *", "America/New_York", "2026-11-01T05:15",
        "01 05:30, 01 06:00, 01 06:30",
    ),
    "lord-howe-spring-gap": (
        "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T14:00",
        "03 15:30, 04 15:15, 05 15:15",
    ),
    "lord-howe-spring-quarter-hourly": (
        "*/15 * * * *", "Australia/Lord_Howe", "2026-10-03T15:05",
        "03 15:15, 03 15:30, 03 15:45",
    ),
    "lord-howe-autumn-repeated-time": (
        "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00",
        "04 14:45, 05 15:15, 06 15:15",
    ),
    "lord-howe-autumn-quarter-hourly": (
        "*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:35",
        "04 14:45, 04 15:00, 04 15:15",
    ),
}  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def make(**fields: Any) -> Schedule:
    return Schedule.model_validate({"name": "nightly", "cron": "0 3 * * *"} | fields)


def format_all(moments: list[datetime]) -> str:
    return ", ".join(f"{moment:%d %H:%M}" for moment in moments)


@pytest.mark.parametrize(
    ("rule", "zone", "start", "expected"), CHANGES.values(), ids=CHANGES.keys()
)
def test_each_instant_around_a_change_of_clocks_comes_once(
    rule: str, zone: str, start: str, expected: str
) -> None:
    schedule = make(cron=rule, timezone=zone)
    stepped = [at(start)]
    for _ in range(3):
        following = schedule.next_instant(stepped[-1])
        assert following is not None
        stepped.append(following)

    # The same, whether a process computes them in one go or each after a restart.
    assert expected == format_all(list(islice(schedule.instants(at(start)), 3)))
    assert expected == format_all(stepped[1:])
    assert stepped[2] == schedule.last_instant(stepped[1], stepped[2])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"until": "2026-05-03T03:00"}, "02 03:00, 03 03:00"),
        ({"cron": "", "at": "2026-05-02T22:00"}, "02 22:00"),
        ({"cron": "", "at": "2026-05-02T22:00", "timezone": "Europe/Berlin"},
         "02 20:00"),
        ({"cron": "", "at": "2026-05-02T22:00+05:00"}, "02 17:00"),
        ({"cron": "", "at": "2026-04-02T22:00"}, ""),
        ({"cron": "@monthly", "until": "2026-07-01"}, "01 00:00, 01 00:00"),
    ],
)  # fmt: skip
def test_a_schedule_ends(changed: dict[str, str], expected: str) -> None:
    coming = make(**changed).coming(at("2026-05-01T12:00"))

    assert expected == format_all(coming)


#: Fields of the schedule, the moment of the decision, the instant that is decided
#: about, what is skipped, and the next instant. The planned one is 2026-05-04 03:00.
DECISIONS: dict[str, tuple[dict[str, str], str, str, str, str]] = {
    "on-time": ({}, "04 03:00", "04 03:00", "", "05 03:00"),
    "late": ({}, "04 03:04", "04 03:00", "", "05 03:00"),
    "missed-and-skipped": ({}, "04 03:06", "04 03:00", "missed", "05 03:00"),
    "off-over-ten-instants": ({}, "14 01:00", "13 03:00", "missed", "14 03:00"),
    "off-and-back-in-time": ({}, "14 03:01", "14 03:00", "", "15 03:00"),
    "off-and-run-once": (
        {"missed": "run-once"}, "14 01:00", "13 03:00", "", "14 03:00",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "now", "instant", "skipped", "following"),
    DECISIONS.values(),
    ids=DECISIONS.keys(),
)
def test_of_several_instants_at_most_the_last_is_launched(
    fields: dict[str, str], now: str, instant: str, skipped: str, following: str
) -> None:
    moment = at(f"2026-05-{now.replace(' ', 'T')}")

    found = decide(make(**fields), at("2026-05-04T03:00"), moment, unfinished=None)

    assert found.following is not None
    assert (instant, following) == (
        f"{found.instant:%d %H:%M}",
        f"{found.following:%d %H:%M}",
    )
    assert found.skipped.startswith(skipped)
    assert bool(skipped) == bool(found.skipped)


@pytest.mark.parametrize(
    ("overlap", "problem"),
    [("skip", "skipped: deployment 7 had not ended"), ("queue", "")],
)
def test_an_unfinished_deployment_prevents_the_next_unless_it_is_queued(
    overlap: str, problem: str
) -> None:
    now = at("2026-05-04T03:00")

    assert problem == decide(make(overlap=overlap), now, now, unfinished=7).skipped


def test_years_without_a_worker_are_decided_at_once() -> None:
    """Each minute of twenty years would take minutes."""
    now = at("2046-05-04T03:00:20")
    minutely = make(cron="* * * * *", missed="run-once")

    found = decide(minutely, at("2026-05-04T03:00"), now, unfinished=None)

    assert at("2046-05-04T03:00") == found.instant
    assert now < (found.following or now) <= now + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("*/5 * * * * *", "must have five fields"),
        ("0 3 * *", "must have five fields"),
        ("@reboot", "must have five fields"),
        ("*/61 * * * *", "the step 61"),
        ("0 0 30 2 *", "is not a rule of cron (Bad day-of-month)"),
        ("61 * * * *", "is not a rule of cron (Bad minute)"),
        ("0 0 * * MON#6", "is not a rule of cron (Bad day-of-week)"),
    ],
)
def test_a_rule_that_cron_reads_otherwise_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        crontab.require_rule(rule)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"cron": ""}, 'needs exactly one of "cron" and "at"'),
        ({"at": "2026-05-04T03:00"}, 'needs exactly one of "cron" and "at"'),
        ({"timezone": "Europe/Berlim"}, "timezone: 'Europe/Berlim' is not the name"),
        ({"timezone": "../../etc/passwd"}, "is not the name of a time zone"),
        ({"cron": "x"}, '"cron" must have five fields'),
        ({"until": "tomorrow"}, '"until" must be a time such as'),
        ({"until": "9999-12-31T23:59-12:00"}, '"until" is out of range'),
        (
            {"cron": "", "at": "2026-03-29T02:30", "timezone": "Europe/Berlin"},
            '"at" doesn\'t exist in Europe/Berlin: the clocks are put forward then',
        ),
        ({"missed": "run-all"}, "missed: "),
        ({"name": "a b"}, "name: "),
        ({"seconds": "5"}, "seconds: "),
    ],
)
def test_an_invalid_schedule_is_refused(changed: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**changed)

    assert problem in "; ".join(map(explain, caught.value.errors()))


@pytest.mark.parametrize(
    ("rule", "doubtful"),
    [("0 0 1 * MON", True), ("0 0 * * MON", False), ("0 0 1 * *", False),
     ("@weekly", False)],
)  # fmt: skip
def test_a_rule_with_both_days_is_doubtful(rule: str, *, doubtful: bool) -> None:
    assert doubtful == ("either of them, not both" in make(cron=rule).doubt)


def test_a_rule_is_put_into_words() -> None:
    assert "At 03:00 every day" == make().in_words
    assert "Once, at 2026-05-04 22:00" == make(cron="", at="2026-05-04T22:00").in_words


@pytest.mark.parametrize("url", ["https://hc.example.org/…", "h", "https://u:p@h/x"])
def test_a_file_needs_a_whole_healthcheck_url(url: str) -> None:
    schedule = {"name": "n", "cron": "@daily", "healthcheck_url": url}

    with pytest.raises(ValueError, match="healthcheck_url"):
        validate({"name": "hello", "deploy_script": "x.py", "schedules": [schedule]})
