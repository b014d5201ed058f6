"""A sync and workers read calendars of freezes; launches use what is stored."""

from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import bootstrap
from app.doctor import diagnosis
from app.domain.access import Permission, Role
from app.domain.outgoing_url import parse_networks
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import calendars, due_schedules, schedules, services
from app.usecases.due_schedules import LaunchResult
from app.usecases.schedules import ScheduleView
from app.usecases.services import SyncResult
from testing.calendars import CalendarServer, calendar, serving
from testing.factories import ROOT, write_service
from testing.web_client import ClientFor, csrf_of

LOOPBACK = parse_networks("127.0.0.0/8")
#: It begins and ends long before and after each test.
ALWAYS = calendar("DTSTART:20200101T000000Z\nDTEND:20990101T000000Z\nSUMMARY:<b>Easter")
NEVER = calendar("DTSTART:20200101T000000Z\nDTEND:20200102T000000Z")
NIGHTLY: dict[str, Any] = {"name": "nightly", "cron": "0 * * * *"}


def sync(store: Store, settings: Settings) -> SyncResult:
    return services.sync_services(
        store, settings.services, settings.var, settings.node, ROOT
    )


def write(settings: Settings, content: str, **fields: Any) -> Path:
    """Write the service `hello` with a schedule and a calendar; return the latter."""
    schedule = NIGHTLY | {"not_during": ["freezes.ics"]} | fields
    folder = write_service(settings.services, "hello", {"schedules": [schedule]})
    file = folder / "freezes.ics"
    file.write_text(content)
    return file


def view(store: Store) -> ScheduleView:
    return schedules.find_named(store, "hello", "nightly")


def launch_due(store: Store, settings: Settings) -> LaunchResult:
    """Launch at the next instant of the schedule."""
    planned = view(store).stored.next_at
    assert planned is not None
    return due_schedules.launch_due(
        store, make_queue(settings), bootstrap.make_secret_box(settings), moment=planned
    )


def read_due(store: Store, *, allowed: Any = LOOPBACK) -> int:
    """Read the calendars that are due, as a worker does; return their number."""
    count = 0
    while calendars.read_due(store, allowed):
        count += 1
    return count


def let_all_be_due(store: Store) -> None:
    with store.begin() as db:
        db.execute(text("UPDATE freeze_calendars SET next_at = now()"))


def test_an_instant_in_a_freeze_is_skipped_until_the_file_has_it_no_more(
    store: Store, settings: Settings
) -> None:
    file = write(settings, ALWAYS)
    sync(store, settings)

    skipped = launch_due(store, settings)

    assert ([], [view(store).stored.id]) == (skipped.launched, skipped.skipped)
    reason = "frozen: <b>Easter, until 2099-01-01 00:00 UTC"
    assert reason == view(store).stored.problem
    assert [reason] * 5 == list(view(store).frozen.values())
    file.write_text(NEVER)
    sync(store, settings)
    assert 1 == len(launch_due(store, settings).launched)
    assert {} == view(store).frozen


def test_the_list_of_schedules_says_that_the_next_instant_is_frozen(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    file = write(settings, ALWAYS)
    write_service(settings.services, "other", {"schedules": [NIGHTLY]})
    sync(store, settings)
    client = client_for((Permission.VIEW,))
    reason = "frozen: <b>Easter, until 2099-01-01 00:00 UTC"

    found = client.get("/api/v1/schedules").json()

    assert {"hello": reason, "other": ""} == {
        each["service"]: each["next_frozen"] for each in found
    }
    assert (
        reason
        == client.get(f"/api/v1/schedules/{found[0]['id']}").json()["next_frozen"]
    )
    page = client.get("/schedules").text
    assert reason in unescape(page)
    assert "<b>Easter" not in page
    assert 1 == page.count("</s>")
    file.write_text(NEVER)
    sync(store, settings)
    assert "frozen" not in client.get("/schedules").text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (calendar("DTSTART:x"), "freezes.ics, line 4: DTSTART of the event is invalid"),
        (None, "freezes.ics is missing in hello: add it"),
    ],
)
def test_an_invalid_file_is_an_error_of_the_service_with_file_and_line(
    store: Store, settings: Settings, content: str | None, problem: str
) -> None:
    file = write(settings, content or "")
    if content is None:
        file.unlink()

    found = sync(store, settings).invalid["hello"]

    assert found.startswith(f"schedules.0.not_during: {problem}")


def test_a_link_out_of_the_folder_is_not_read(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other.ics"
    other.write_text(NEVER)
    file = write(settings, "")
    file.unlink()
    file.symlink_to(other)

    assert "lies outside hello" in sync(store, settings).invalid["hello"]


def fetched(store: Store, settings: Settings, served: CalendarServer) -> None:
    """Let the schedule name the URL, and read it."""
    write(settings, "", not_during=[served.url])
    sync(store, settings)
    assert 1 == read_due(store)


def test_the_last_good_copy_of_a_url_is_used_while_it_does_not_answer(
    store: Store,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    client_for: ClientFor,
) -> None:
    with serving(tmp_path) as (served, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        served.content = ALWAYS
        write(settings, "", not_during=[served.url])
        sync(store, settings)
        unread = launch_due(store, settings)
        assert 1 == len(unread.skipped)
        assert "/… could not be read yet" in view(store).stored.problem
        assert 1 == read_due(store)
        assert 0 == read_due(store)

        for status, content, problem in (
            (503, ALWAYS, "/… answered 503"),
            (200, "<html>", "/…, line 1: is not iCalendar"),
        ):
            served.status, served.content = status, content
            let_all_be_due(store)
            assert 1 == read_due(store)
            [known] = view(store).calendars
            assert problem in known.problem
            assert "secret" not in known.problem
            assert known.failing_since is not None

        assert [] == launch_due(store, settings).launched
        assert "frozen: <b>Easter" in view(store).stored.problem
        page = client_for(Role.VIEWER).get("/schedules/1").text
        assert "t be read: https://127.0.0.1" in page
        assert "&lt;b&gt;Easter" in page
        assert "<s><time" in page
        [warning] = [
            each
            for each in diagnosis.examine(store, settings).findings
            if each.subject == "freezes"
        ]
        assert f"Since {known.failing_since:%Y-%m-%d}" in warning.message

        served.status, served.content = 200, NEVER
        let_all_be_due(store)
        read_due(store)
        assert "" == view(store).calendars[0].problem
        assert 1 == len(launch_due(store, settings).launched)


def test_a_url_can_not_lead_to_an_internal_address(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with serving(tmp_path) as (served, _):
        write(settings, "", not_during=[served.url])
        sync(store, settings)

        read_due(store, allowed=())

        assert 0 == served.requests
    assert "has an internal address" in view(store).calendars[0].problem


def test_rules_are_expanded_further_from_the_copy(
    store: Store, settings: Settings
) -> None:
    write(settings, calendar("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=YEARLY"))
    sync(store, settings)
    with store.begin() as db:
        db.execute(text("UPDATE freeze_calendars SET freezes = '[]', next_at = now(),"
                        "covers_until = now() - interval '1 day'"))  # fmt: skip
    assert "could not be read yet" in _skipped(store, settings)

    assert 1 == read_due(store)

    [known] = view(store).calendars
    assert known.covers_until is not None
    assert known.covers_until > datetime.now(UTC) + timedelta(days=390)
    assert known.freezes


def _skipped(store: Store, settings: Settings) -> str:
    launch_due(store, settings)
    return view(store).stored.problem


def test_calendars_that_no_schedule_names_are_deleted(
    store: Store, settings: Settings
) -> None:
    write(settings, ALWAYS)
    sync(store, settings)
    write(settings, ALWAYS, not_during=[])
    sync(store, settings)

    with store.begin() as db:
        count = db.execute(text("SELECT count(*) FROM freeze_calendars")).scalar_one()
    assert 0 == count


def test_a_schedule_of_the_browser_and_the_api_has_calendars(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    write(settings, ALWAYS, name="other")
    sync(store, settings)
    client = client_for(Role.DEPLOYER)
    token = csrf_of(client, store)
    form = NIGHTLY | {"service": "hello", "timezone": "UTC", "csrf_token": token}

    form |= {"not_during": "freezes.ics"}

    shown = client.post("/new-schedule", data=form | {"action": "preview"})
    refused = client.post("/new-schedule", data=form | {"not_during": "no.ics"})
    created = client.post("/new-schedule", data=form)

    assert 5 == shown.text.count("<s><time")
    assert 422 == refused.status_code
    assert "no.ics is missing in hello" in unescape(refused.text)
    assert 303 == created.status_code
    number = view(store).stored.id
    assert [] == launch_due(store, settings).launched
    edit = client.get(f"/schedules/{number}/edit").text
    assert ">freezes.ics</textarea>" in edit
    body = client.get(f"/api/v1/schedules/{number}").json()
    assert ["freezes.ics"] == body["not_during"]
    changed = client.put(
        f"/api/v1/schedules/{number}",
        json=NIGHTLY | {"not_during": ["no.ics"]},
        headers={"X-CSRF-Token": token},
    )
    assert 422 == changed.status_code
    # A sync reads its file, too, and keeps the copy if that is gone.
    (settings.services / "hello/freezes.ics").write_text("x")
    write(settings, "x", name="other", not_during=[])
    sync(store, settings)
    [known] = view(store).calendars
    assert "freezes.ics, line 1" in known.problem
    assert "frozen: " in _skipped(store, settings)
