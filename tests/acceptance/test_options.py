"""Launches with options of ansible-playbook: check, limit, tags and the others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from app.domain.deployment import Deployment, Status
from app.usecases import overview, trends
from testing.browser import log_in, visit
from testing.command_line import command
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user

_HOSTS = """\
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  children:
    web: {hosts: {web1: , web2: }}
    db: {hosts: {db1: }}
"""
_PLAYBOOK = """\
- name: Site
  hosts: web
  gather_facts: true
  gather_subset: ["!all"]
  tasks:
    - name: Write the version
      ansible.builtin.copy:
        content: "{{ version }}\\n"
        dest: "{{ folder }}/{{ inventory_hostname }}"
        mode: "0644"
      tags: [site]
    - name: Say goodbye
      ansible.builtin.debug:
        msg: "goodbye from {{ inventory_hostname }}"
      tags: [talk]
"""
_ALLOWED = ["check", "diff", "limit", "tags", "skip_tags", "start_at_task", "forks",
            "verbosity"]  # fmt: skip


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a playbook service on three local hosts."""
    with installed(postgres, tmp_path_factory.mktemp("options")) as made:
        variables = {
            "properties": {"version": {"type": "string"}, "folder": {"type": "string"}}
        }
        files = {"site.yml": _PLAYBOOK, "hosts.yml": _HOSTS}
        about = {"playbook": "site.yml", "inventory": "hosts.yml",
                 "variables": variables}  # fmt: skip
        made.write_files("site", files, **about, options=_ALLOWED)
        made.write_files("strict", files, **about, options=["check"])
        made.write_files("lenient", files, **about, options=["tags"], allow_empty=True)
        make_user(made)
        made.worker()
        made.web()
        yield made


def deploy(
    site: Installation, folder: Path, service: str = "site", **options: Any
) -> Deployment:
    """Launch through the API with options, and return the ended deployment."""
    with site.client() as client:
        answer = client.post("/api/v1/deployments", json={
            "service": service, "options": options,
            "variables": {"version": "1.0.0", "folder": str(folder)},
        })  # fmt: skip
    assert answer.status_code == 201, answer.text
    return site.ended(answer.json()["id"])


def written(folder: Path) -> list[str]:
    """Return the hosts on which the playbook has written its file."""
    return sorted(file.name for file in folder.iterdir())


def test_a_check_changes_nothing_and_does_not_count(
    site: Installation, tmp_path: Path
) -> None:
    whole = deploy(site, tmp_path)
    before = trends.look(site.store, "site")
    for file in tmp_path.iterdir():
        file.unlink()
    check = deploy(site, tmp_path, check=True, diff=True)

    assert check.status is Status.SUCCESSFUL
    assert written(tmp_path) == []
    assert "+1.0.0" in site.output(check.id).decode()
    assert check.partial
    assert not whole.partial
    assert trends.look(site.store, "site") == before
    [glance] = [g for g in overview.look(site.store).services
                if g.line.name == "site"]  # fmt: skip
    assert [spot.brought_by for spot in glance.spots] == [whole.id]
    assert [run.id for run in glance.outcomes][-1] == whole.id


def test_a_limit_a_tag_and_a_first_task_select_what_runs(
    site: Installation, tmp_path: Path
) -> None:
    one = deploy(site, tmp_path, limit="web1", skip_tags=["talk"], verbosity=1)

    assert written(tmp_path) == ["web1"]
    assert "goodbye" not in site.output(one.id).decode()
    tagged = deploy(site, tmp_path, tags=["talk"], forks=1)
    assert written(tmp_path) == ["web1"]
    assert "goodbye from web2" in site.output(tagged.id).decode()
    deploy(site, tmp_path, start_at_task="Say*")
    assert written(tmp_path) == ["web1"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"limit": "db"}, "no host matched, nothing was run (hosts: web; limit: db)"),
        ({"tags": ["stie"]}, "no task matched --tags=stie, nothing was run"),
        (
            {"start_at_task": "No"},
            "no task matched --start-at-task=No, nothing was run",
        ),
    ],
)
def test_options_that_select_nothing_fail_the_deployment(
    site: Installation, tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    ended = deploy(site, tmp_path, **options)

    assert ended.status is Status.FAILED
    assert ended.reason == reason


def test_a_limit_that_matches_no_host_fails_with_the_hosts_there_were(
    site: Installation, tmp_path: Path
) -> None:
    deploy(site, tmp_path)

    ended = deploy(site, tmp_path, limit="wbe1")

    assert ended.status is Status.FAILED
    assert ended.reason == (
        "exit code 1: no host matched limit wbe1 "
        "(hosts of the last successful deployment: web1, web2)"
    )


def test_a_service_may_allow_runs_that_do_nothing(
    site: Installation, tmp_path: Path
) -> None:
    assert deploy(site, tmp_path, "lenient", tags=["x"]).status is Status.SUCCESSFUL


def test_an_option_that_the_service_does_not_allow_is_refused_by_name(
    site: Installation,
) -> None:
    with site.client() as client:
        answers = [
            client.post(
                "/api/v1/deployments", json={"service": "strict", "options": sent}
            )
            for sent in ({"limit": "web1"}, {"limit": "@hosts"}, {"become": True})
        ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert "does not allow the option limit (it allows check)" in answers[0].text
    assert "must not name a file" in answers[1].text
    assert "options.become" in answers[2].text


def test_a_retry_has_the_same_options(site: Installation, tmp_path: Path) -> None:
    first = deploy(site, tmp_path, limit="web2", tags=["site"])
    with site.client() as client:
        answer = client.post(f"/api/v1/deployments/{first.id}/retry")
    again = site.ended(answer.json()["id"])

    assert answer.json()["options"]["limit"] == "web2"
    assert again.options == first.options
    assert again.partial
    assert written(tmp_path) == ["web2"]


def test_the_command_line_has_the_flags_of_ansible_playbook(
    site: Installation, tmp_path: Path
) -> None:
    launched = command(
        site, "deploy", "site", "-e", "version=1.0.0", "-e", f"folder={tmp_path}",
        "-CD", "-l", "web1:&web", "-t", "site,talk", "--skip-tags", "no", "-vv",
        "-f", "3",
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr
    number = int(launched.stdout.split()[1])
    ended = site.ended(number)
    shown = command(site, "deployment", "show", str(number), "--json")

    assert ended.status is Status.SUCCESSFUL
    assert json.loads(shown.stdout)["partial"] is True
    assert ended.options.arguments == [
        "--check", "--diff", "--limit=web1:&web", "--tags=site,talk", "--skip-tags=no",
        "--forks=3", "-vv",
    ]  # fmt: skip


def test_an_invalid_option_in_the_closed_part_of_the_form_is_shown(
    browser: Browser, site: Installation
) -> None:
    with visit(browser, site.url) as page:
        page.goto("/services/site")
        log_in(page)
        page.get_by_label("version").fill("1.0.0")
        page.get_by_label("folder").fill("/nowhere")
        page.get_by_text("More options").click()
        page.get_by_label("Forks").fill("0")
        page.get_by_text("More options").click()
        expect(page.get_by_label("Forks")).to_be_hidden()
        page.get_by_role("button", name="Check").click()

        expect(page.get_by_label("Forks")).to_be_focused()


def test_the_form_offers_the_options_and_a_button_for_a_check(
    browser: Browser, site: Installation, tmp_path: Path
) -> None:
    with visit(browser, site.url) as page:
        page.goto("/services/site")
        log_in(page)
        page.get_by_label("version").fill("1.0.0")
        page.get_by_label("folder").fill(str(tmp_path))
        page.get_by_label("Limit").fill("@hosts")
        page.get_by_label("Tags", exact=True).fill("site, talk")
        page.get_by_role("button", name="Check").click()

        expect(page.get_by_role("alert")).to_contain_text("must not name a file")
        expect(page.get_by_label("Tags", exact=True)).to_have_value("site, talk")
        page.get_by_label("Limit").fill("web2")
        page.get_by_role("button", name="Check").click()

        status = page.locator("[data-live=status]")
        expect(status).to_contain_text("--check --limit=web2 --tags=site,talk")
        expect(status).to_contain_text("successful")
        assert written(tmp_path) == []
        page.get_by_role("link", name="Launch again").click()
        expect(page.get_by_label("Limit")).to_have_value("web2")
        page.goto("/services/strict")
        expect(page.get_by_label("Limit")).to_have_count(0)
        expect(page.get_by_role("button", name="Check")).to_be_visible()
