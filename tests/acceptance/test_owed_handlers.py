"""Owed handlers: plays of many shapes with two versions of Ansible, and Continue."""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.domain.deployment import Status
from app.domain.events import RunnerEvent
from app.domain.owed_handlers import Changes, changes
from app.worker.translate import translate
from testing.command_line import assert_refused, command
from testing.handler_shapes import inventory, owed, playbook
from testing.installation import Installation
from testing.paths import NEWER_PYTHONS, ROOT
from testing.runner import Outcome, Service, short_folder

_VERSIONS = {"oldest": ">=2.19,<2.20", "newest": ">=2.20"}


#: Handlers of roles that `include_role` names are known when it includes the role.
_INCLUDED = {"included_role1", "role_by_name1"}
#: Handlers that the first run doesn't owe, and one that the playbook doesn't have.
_MORE = {("forced1", "one"), ("green1", "gone")}


@dataclass(frozen=True)
class Ended:
    """A run with what it owes, and the handlers that ran: host and name.

    `continued` is the run that continued it, and `after` has what each host ran then,
    in order; the names of tasks begin with `task:`.
    """

    outcome: Outcome
    owed: set[tuple[str, str]]
    ran: set[tuple[str, str]]
    continued: Outcome
    after: dict[str, list[str]]


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
        ran = _take(service.folder / "ran")
        assert "PLAY RECAP" in outcome.output, outcome.output
        (service.folder / "fixed").touch()
        by_host: dict[str, list[str]] = {}
        for host, handler in sorted(owed() | _MORE):
            by_host.setdefault(host, []).append(handler)
        service.resume(sorted(by_host), by_host)
        continued = service.run({"PATH": NEWER_PYTHONS})
        service.end()
        after: dict[str, list[str]] = {}
        for host, name in _take(service.folder / "ran"):
            after.setdefault(host, []).append(name)
    notified = set(_changes(outcome).notified)
    return Ended(outcome, notified, set(ran), continued, after)


def _take(file: Path) -> list[tuple[str, str]]:
    """Return the hosts and names in a file, and remove it."""
    lines = [line.split("|", 1) for line in file.read_text().splitlines()]
    file.unlink()
    return [(host, name) for host, name in lines]


def _changes(outcome: Outcome) -> Changes:
    events = [translate(line) for line in outcome.lines]
    return changes(
        (number, event)
        for number, event in enumerate(events)
        if isinstance(event, RunnerEvent)
    )


def test_exactly_the_handlers_are_owed_that_were_notified_and_did_not_run(
    ended: Ended,
) -> None:
    assert set() == owed() ^ ended.owed
    # These two plays notify the handler again after it ran.
    again = {("flushed_again1", "one"), ("role_by_name1", "web : Restart")}
    assert again == ended.owed & ended.ran
    assert {("green1", "one"), ("forced1", "one"), ("plain2", "one")} <= ended.ran


def test_a_continued_run_runs_exactly_the_owed_handlers_before_the_tasks(
    ended: Ended,
) -> None:
    found = _changes(ended.continued)

    assert 0 == ended.continued.code
    assert set() == owed() - found.ran
    assert {} == found.notified
    assert {host for host, _ in owed() | _MORE} == ended.after.keys()
    for host, names in ended.after.items():
        tasks = [name.startswith("task: ") for name in names]
        assert host in _INCLUDED or tasks == sorted(tasks), (host, names)
    assert ["one", "last", "task: Change"] == ended.after["loop1"][:3]
    assert ["First step", "Second step"] == ended.after["handler_includes1"][:2]
    assert ["task: web : Configure", "web : Restart"] == ended.after["role_by_name1"][
        :2
    ]


def test_the_runs_say_which_hosts_and_handlers_are_left(ended: Ended) -> None:
    [stats] = ended.outcome.named("playbook_on_stats")
    [after] = ended.continued.named("playbook_on_stats")
    starts = {
        event["event_data"]["play"]: event["event_data"]
        for event in ended.outcome.named("playbook_on_play_start")
    }

    # The last play ended for all its hosts, although one of them didn't fail.
    assert ["errors_fatal1", "errors_fatal2"] == stats["event_data"]["unfinished"]
    assert {"no_log1", "errors_fatal2"} <= {*starts["delegated"]["waiting"]}
    assert "plain1" not in starts["delegated"]["waiting"]
    assert [["green1", "gone"]] == after["event_data"]["missing_handlers"]
    assert "FastDeploy runs owed handlers first: one on plain1" in (
        ended.continued.output
    )
    assert "no such handler, so it is still owed: gone on green1" in " ".join(
        ended.continued.output.split()
    )


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
    [owed] = client.get(f"/api/v1/deployments/{failed.id}").json()["owed_handlers"]
    assert {
        "host": "web1",
        "handler": "restart nginx",
        "task": "Configure",
    }.items() <= (owed.items())
    assert [] == client.get(f"/api/v1/deployments/{green.id}").json()["owed_handlers"]
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
    assert [] == client.get(f"/api/v1/deployments/{failed.id}").json()["owed_handlers"]
    assert "still owes" not in client.get("/services/owing", headers=as_page).text

    (folder / "conf").unlink()
    (folder / "fixed").unlink()
    again = str(fastdeploy.run("owing").id)
    dismiss = ("deployment", "dismiss", again, "web1", "restart nginx")

    assert "web1 no longer owes: restart nginx\n" == (
        command(fastdeploy, *dismiss).stdout
    )
    assert_refused(
        command(fastdeploy, *dismiss),
        f"deployment {again} doesn't owe web1 the handler restart nginx",
    )
