"""Owed handlers: plays of many shapes with two versions of Ansible, and the pages."""

import re
import shutil
import sys
from dataclasses import dataclass

import httpx
import pytest

from app.domain.deployment import Status
from app.domain.events import RunnerEvent
from app.domain.owed_handlers import changes
from app.worker.translate import translate
from testing.command_line import command
from testing.handler_shapes import inventory, owed, playbook
from testing.installation import Installation
from testing.paths import NEWER_PYTHONS, ROOT
from testing.runner import Outcome, Service, short_folder

_VERSIONS = {"oldest": ">=2.19,<2.20", "newest": ">=2.20"}


@dataclass(frozen=True)
class Ended:
    """A run with what it owes, and the handlers that ran: host and name."""

    outcome: Outcome
    owed: set[tuple[str, str]]
    ran: set[tuple[str, str]]


@pytest.fixture(scope="module", params=_VERSIONS)
def ended(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Ended:
    """One run of all plays."""
    folder = tmp_path_factory.mktemp("handlers")
    with short_folder() as temp:
        service = Service(folder, temp)
        shutil.copytree(
            ROOT / "tests/data/handlers", service.folder, dirs_exist_ok=True
        )
        (service.folder / "site.yml").write_text(playbook())
        (service.folder / "hosts.json").write_text(inventory())
        version = _VERSIONS[request.param]
        defaults = {"inventory": "hosts.json"}
        service.define_project(folder / "data", ansible=version, defaults=defaults)
        outcome = service.run({"PATH": NEWER_PYTHONS})
        service.end()
        ran = (service.folder / "ran").read_text()
        assert "PLAY RECAP" in outcome.output, outcome.output
    events = [translate(line) for line in outcome.lines]
    found = changes(
        (number, event)
        for number, event in enumerate(events)
        if isinstance(event, RunnerEvent)
    )
    lines = [line.split("|", 1) for line in ran.splitlines()]
    return Ended(outcome, set(found.notified), {(host, name) for host, name in lines})


def test_exactly_the_handlers_are_owed_that_were_notified_and_did_not_run(
    ended: Ended,
) -> None:
    assert set() == owed() ^ ended.owed
    # These two plays notify the handler again after it ran.
    again = {("flushed_again1", "one"), ("role_by_name1", "web : Restart")}
    assert again == ended.owed & ended.ran
    assert {("green1", "one"), ("forced1", "one"), ("plain2", "one")} <= ended.ran


_LOCAL = f"web1 ansible_connection=local ansible_python_interpreter={sys.executable}\n"
_RESTART = """\
- name: Web
  hosts: web1
  gather_facts: false
  tasks:
    - name: Configure
      ansible.builtin.copy: {content: new, dest: "{{ playbook_dir }}/conf", mode: "644"}
      notify: restart nginx
    - name: Check
      ansible.builtin.file: {path: "{{ playbook_dir }}/fixed", state: file}
  handlers:
    - name: restart nginx
      ansible.builtin.file:
        {path: "{{ playbook_dir }}/restarted", state: touch, mode: "644"}
"""


def test_a_green_run_that_does_not_restart_leaves_the_restart_owed(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    files = {"site.yml": _RESTART, "hosts.ini": _LOCAL}
    folder = fastdeploy.write_files(
        "owing", files, playbook="site.yml", inventory="hosts.ini"
    )
    as_page = {"Accept": "text/html"}

    failed = fastdeploy.run("owing")
    (folder / "fixed").touch()
    green = fastdeploy.run("owing")

    assert (Status.FAILED, Status.SUCCESSFUL) == (failed.status, green.status)
    assert not (folder / "restarted").exists()
    [owed] = client.get(f"/api/deployments/{failed.id}").json()["owed_handlers"]
    assert {
        "host": "web1",
        "handler": "restart nginx",
        "task": "Configure",
    }.items() <= (owed.items())
    assert [] == client.get(f"/api/deployments/{green.id}").json()["owed_handlers"]
    shown = command(fastdeploy, "deployment", "show", str(failed.id)).stdout
    sentence = (
        f"web1 still owes: restart nginx (changed by task Configure in #{failed.id}"
    )
    assert sentence in " ".join(shown.split())
    for page in (f"/deployments/{failed.id}", "/services/owing"):
        text = client.get(page, headers=as_page).text
        assert sentence in re.sub(r"<[^>]+>", "", text)
        link = f'href="/deployments/{failed.id}/results/{owed["event"]}"'
        assert link in text
        assert client.get(link[6:-1], headers=as_page).status_code == 200

    (folder / "conf").unlink()
    fastdeploy.run("owing")

    assert (folder / "restarted").exists()
    assert [] == client.get(f"/api/deployments/{failed.id}").json()["owed_handlers"]
    assert "still owes" not in client.get("/services/owing", headers=as_page).text
