"""Artifacts: complete, and read with ansible-runner's own tools."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from ansible_runner import Runner
from ansible_runner.config.runner import RunnerConfig

from app.domain.deployment import Deployment, Status
from app.domain.events import EventKind
from app.usecases import artifacts
from testing.installation import Installation
from testing.waiting import eventually

PLAYBOOK = """\
- name: Build
  hosts: all
  gather_facts: false
  tasks:
    - name: prepare | Make a folder
      ansible.builtin.tempfile:
        state: directory
      register: folder
    - name: build | Write pages
      ansible.builtin.copy:
        content: "page {{ item }}"
        dest: "{{ folder.path }}/{{ item }}"
        mode: "0644"
      loop: [one, two, three]
    - name: build | Leave something out
      ansible.builtin.debug:
        msg: never
      when: false
    - name: verify | Remove the folder
      ansible.builtin.file:
        path: "{{ folder.path }}"
        state: absent
    - name: verify | Fail if it is wanted
      ansible.builtin.fail:
        msg: it is wanted
      when: broken
"""
HOSTS = """\
all:
  hosts:
    web01:
    web02:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
STEPS = [{"name": name} for name in ("prepare", "build", "verify")]
VARIABLES = {"properties": {"broken": {"type": "boolean", "default": False}}}


@pytest.fixture(scope="module")
def site(fastdeploy: Installation) -> str:
    """A playbook service."""
    files = {"deploy.yml": PLAYBOOK, "hosts.yml": HOSTS}
    fastdeploy.write_files(
        "site", files, playbook="deploy.yml", inventory="hosts.yml", steps=STEPS,
        variables=VARIABLES,
    )  # fmt: skip
    return "site"


@pytest.fixture(scope="module")
def deployed(fastdeploy: Installation, site: str) -> Deployment:
    """A deployment of it that went well."""
    ended = fastdeploy.run(site)
    assert (Status.SUCCESSFUL, "") == (ended.status, ended.reason)
    return ended


def artifacts_of(made: Installation, ended: Deployment) -> Path:
    """The artifact folder, once it is there: it is written when all is recorded."""
    folder = made.run_folder(ended.id) / "artifacts" / str(ended.id)
    eventually(folder.exists)
    return folder


def journal_of(made: Installation, ended: Deployment) -> list[dict[str, Any]]:
    """The lines of the journal that ansible-runner's `process` takes."""
    lines = (made.run_folder(ended.id) / "journal").read_bytes().splitlines()
    found = [json.loads(line) for line in lines if line.startswith(b"{")]
    return [line for line in found if "event" in line or "runner_ident" in line]


def test_the_artifact_folder_holds_every_event_that_the_run_printed(
    fastdeploy: Installation, deployed: Deployment
) -> None:
    folder = artifacts_of(fastdeploy, deployed)
    printed = [line for line in journal_of(fastdeploy, deployed) if "event" in line]

    files = {path.name: json.loads(path.read_text())
             for path in (folder / "job_events").iterdir()}  # fmt: skip

    assert files == {f"{e['counter']}-{e['uuid']}.json": e for e in printed}
    assert list(range(1, len(printed) + 1)) == [e["counter"] for e in printed]
    assert "0" == (folder / "rc").read_text()
    assert "successful" == (folder / "status").read_text()
    assert "PLAY RECAP" in (folder / "stdout").read_text()
    assert {"job_events", "rc", "status", "stderr", "stdout"} == {
        p.name for p in folder.iterdir()
    }


def test_the_store_holds_what_the_run_printed(
    fastdeploy: Installation, deployed: Deployment
) -> None:
    printed = [line for line in journal_of(fastdeploy, deployed) if "event" in line]

    stored = [e for e in fastdeploy.events(deployed.id) if e.kind is EventKind.RUNNER]

    assert [e["event"] for e in printed] == [e.name for e in stored]
    assert [e["stdout"] for e in printed] == [e.text for e in stored]
    assert {"prepare": "success", "build": "success", "verify": "success"} == (
        fastdeploy.states(deployed.id)
    )


def test_ansible_runner_reads_the_artifacts(
    fastdeploy: Installation, deployed: Deployment
) -> None:
    runner = ansible_runner_on(fastdeploy, deployed)

    stats = runner.stats
    names = [event["event"] for event in runner.events]

    assert "playbook_on_start" == names[0]
    assert "playbook_on_stats" == names[-1]
    assert {"web01": 3, "web02": 3} == stats["ok"]
    assert {} == stats["failures"]
    with runner.stdout as stdout:
        assert "TASK [verify | Remove the folder]" in stdout.read()
    assert {"web01"} == {
        event["event_data"]["host"] for event in runner.host_events("web01")
    }


def test_ansible_runner_processes_the_journal(
    fastdeploy: Installation, deployed: Deployment, tmp_path: Path
) -> None:
    lines = [json.dumps(line) for line in journal_of(fastdeploy, deployed)]
    stream = "\n".join([*lines, '{"eof": true}', ""])

    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-runner", "process", tmp_path,
         "--ident", "again"], input=stream, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stderr)
    made = tmp_path / "artifacts" / "again" / "job_events"
    mine = artifacts_of(fastdeploy, deployed) / "job_events"
    assert {path.name: json.loads(path.read_text()) for path in mine.iterdir()} == {
        path.name: json.loads(path.read_text()) for path in made.iterdir()
    }
    assert "PLAY RECAP" in done.stdout


def test_a_failed_run_leaves_its_exit_code(fastdeploy: Installation, site: str) -> None:
    ended = fastdeploy.run(site, broken=True)

    folder = artifacts_of(fastdeploy, ended)
    assert (Status.FAILED, 2) == (ended.status, ended.exit_code)
    assert ended.reason.startswith("exit code 2 in step verify: ")
    assert "2" == (folder / "rc").read_text()
    assert "failed" == (folder / "status").read_text()
    assert {"web01": 1, "web02": 1} == ansible_runner_on(fastdeploy, ended).stats[
        "failures"
    ]


def test_artifacts_are_listed_shown_and_downloaded(
    fastdeploy: Installation, client: httpx.Client, deployed: Deployment
) -> None:
    listed = client.get(f"/api/v1/deployments/{deployed.id}/artifacts").json()
    folder = artifacts_of(fastdeploy, deployed)

    assert {(str(path.relative_to(folder)), path.stat().st_size)
            for path in folder.rglob("*") if path.is_file()} == {
        (found["path"], found["size"]) for found in listed
    }  # fmt: skip
    for name in ("stdout", listed[0]["path"]):
        path = f"/deployments/{deployed.id}/artifacts/{name}"
        assert (folder / name).read_bytes() == (
            client.get(path, params={"download": 1}).content
        )
        assert 200 == client.get(path).status_code
    for name in (
        "../../journal",
        "%2e%2e/%2e%2e/run.json",
        "job_events",
        "/etc/passwd",
    ):
        path = f"/deployments/{deployed.id}/artifacts/{name}"
        assert 404 == client.get(path).status_code


def ansible_runner_on(made: Installation, ended: Deployment) -> Any:
    """ansible-runner's own view of a finished run."""
    config = RunnerConfig(
        private_data_dir=str(made.run_folder(ended.id)), ident=str(ended.id)
    )
    return Runner(config)


#: Makes a folder of artifacts itself: a run has the path of its folder.
SHAPES = """#!/bin/sh
own="$FASTDEPLOY_RUN/artifacts/${FASTDEPLOY_RUN##*/}"
mkdir -p "$own/job_events"
ln -s /etc/passwd "$own/stdout"
ln -s loop "$own/loop"
echo mine >"$own/job_events/1-forged.json"
echo recorded
"""


def test_a_run_that_shapes_its_own_artifacts_has_those_that_were_recorded(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("shapes", SHAPES)

    ended = fastdeploy.run("shapes")

    found = artifacts.listing(fastdeploy.store, fastdeploy.settings, ended)
    assert ["rc", "status", "stderr", "stdout"] == [name for name, _ in found]
    path = artifacts.file(fastdeploy.store, fastdeploy.settings, ended, "stdout")
    assert "recorded\n" == path.read_text()
