"""The calendars of schedules in the file of a project."""

from app.settings import Settings
from app.store.store import Store
from app.usecases import services
from testing.calendars import calendar
from testing.factories import ROOT


def test_the_error_of_a_project_names_the_line_of_its_schedules(
    store: Store, settings: Settings
) -> None:
    folder = settings.services / "infra"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text("[]")
    (folder / "freezes.ics").write_text(calendar("SUMMARY:x"))
    (folder / "fastdeploy.yml").write_text(
        "project: infra\nservices:\n  site:\n    playbook: site.yml\n    schedules:\n"
        "      - {name: nightly, cron: 0 3 * * *, not_during: [freezes.ics]}\n"
    )

    found = services.sync_services(
        store, settings.services, settings.var, settings.node, ROOT
    ).invalid["infra/site"]

    assert "fastdeploy.yml, line 5" in found
    assert "freezes.ics, line 4: the event has no DTSTART" in found
