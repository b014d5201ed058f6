"""`fastdeploy schedule` of a git project: a ref and a calendar of freezes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.usecases import schedules
from testing.calendars import calendar
from testing.command_line import assert_refused, command
from testing.git_repository import GitRepository
from testing.installation import Installation, installed
from testing.postgres import Postgres

SERVICE = "infra/site@production"
NAMED = (SERVICE, "nightly")
FILES = {
    "fastdeploy.yml": """\
project: infra
environments: {production: {inventory: hosts, refs: [main, develop]}}
services: {site: {playbook: site.yml}}
""",
    "site.yml": "- hosts: all\n",
    "hosts": "web1 ansible_connection=local\n",
    "freezes.ics": calendar(
        "DTSTART:20200101T000000Z\nDTEND:20990101T000000Z\nSUMMARY:Easter"
    ),
}
NIGHTLY = {
    "name": "nightly",
    "cron": "0 3 * * *",
    "ref": "develop",
    "not_during": ["freezes.ics"],
}


@pytest.fixture
def made(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation with the git project `infra`, in which develop is ahead."""
    repository = GitRepository(tmp_path / "infra")
    repository.commit("Begin", FILES)
    repository.git("checkout", "-q", "-b", "develop")
    repository.commit("Go on", {"more": ""})
    repository.git("checkout", "-q", "main")
    with installed(postgres, tmp_path / "fastdeploy") as found:
        registered = found.services / "infra"
        registered.mkdir()
        source = {"git": f"file://{repository.folder}"}
        (registered / "project.json").write_text(json.dumps(source))
        assert (SERVICE,) == found.sync().valid
        yield found


def test_a_schedule_with_a_ref_and_a_calendar_is_created_shown_changed_and_run(
    made: Installation, tmp_path: Path
) -> None:
    def given(**fields: object) -> str:
        return json.dumps(NIGHTLY | fields)

    created = command(made, "schedule", "create", SERVICE, "-", stdin=given())
    shown = command(made, "schedule", "show", *NAMED)
    listed = command(made, "schedule", "list", "--json")
    ran = command(made, "schedule", "run", *NAMED)

    assert f"schedule nightly of {SERVICE} is created\n" == created.stdout
    frozen = "frozen: Easter, until 2099-01-01 00:00 UTC"
    # In the line of the next instant, and at each of the five that follow.
    assert 6 == " ".join(shown.stdout.split()).count(frozen), shown.stdout
    (body,) = json.loads(listed.stdout)
    assert ("develop", ["freezes.ics"], frozen) == (
        body["ref"], body["not_during"], body["next_frozen"],
    )  # fmt: skip
    number = int(ran.stdout.split()[1])
    deployment = made.view(number).deployment
    develop = GitRepository(tmp_path / "infra").git("rev-parse", "develop")
    assert ("refs/heads/develop", develop) == (deployment.ref, deployment.commit)

    for fields, sentence in (
        ({"ref": "gone"}, "gone"),
        ({"not_during": ["gone.ics"]}, "gone.ics is missing in infra: add it"),
        ({"not_during": ["http://example.org/a.ics"]}, "https"),
    ):
        refused = command(
            made, "schedule", "change", *NAMED, "-", stdin=given(**fields)
        )
        assert 1 == refused.returncode
        assert sentence in refused.stderr, refused.stderr
    stored = schedules.find_named(made.store, *NAMED).stored.schedule
    assert ("develop", ("freezes.ics",)) == (stored.ref, stored.not_during)

    changed = command(
        made, "schedule", "change", *NAMED, "-", stdin=given(ref="", not_during=[])
    )
    assert 0 == changed.returncode, changed.stderr
    stored = schedules.find_named(made.store, *NAMED).stored.schedule
    assert ("", ()) == (stored.ref, stored.not_during)
    assert "frozen" not in command(made, "schedule", "show", *NAMED).stdout
    command(made, "schedule", "remove", *NAMED)
    assert_refused(
        command(made, "schedule", "show", *NAMED),
        f"service '{SERVICE}' has no schedule 'nightly'",
    )


def test_an_invalid_file_of_a_schedule_is_named_with_the_line(
    installation: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "bad.yml"
    file.write_text("name: x\ncron: [\n")

    invalid = command(installation, "schedule", "create", SERVICE, str(file))
    missing = command(installation, "schedule", "create", SERVICE, "/missing.yml")

    assert 1 == invalid.returncode
    assert invalid.stderr.startswith(f"fastdeploy: {file}, line 3: invalid YAML: ")
    assert 1 == invalid.stderr.count("\n")
    assert_refused(missing, "/missing.yml can't be read: No such file or directory")


def test_a_date_without_quotes_is_a_text_in_the_file_of_a_schedule(
    installation: Installation,
) -> None:
    done = command(installation, "schedule", "create", "unknown", "-",
                   stdin="{name: x, at: 2026-12-24 22:00:00}")  # fmt: skip

    assert_refused(done, "there is no service 'unknown'")
