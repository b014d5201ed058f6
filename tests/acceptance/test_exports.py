"""Exports: read by ansible-navigator and by ARA themselves, without any secret."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.access import Permission
from app.domain.deployment import Deployment, Status
from testing.command_line import command
from testing.installation import Installation
from testing.paths import ROOT
from testing.waiting import eventually

pytestmark = pytest.mark.timeout(400)

#: It is installed from PyPI, and replays without a container engine.
NAVIGATOR = ["uv", "tool", "run", "--from", "ansible-navigator==26.10.0",
             "ansible-navigator"]  # fmt: skip
SECRET = "correct-horse-battery"
PLAYBOOK = """\
- name: Build
  hosts: all
  gather_facts: false
  tasks:
    - name: prepare | Show the password
      ansible.builtin.debug:
        msg: "it is {{ password }}, naïvely"
    - name: build | Fail where it doesn't matter
      ansible.builtin.command: /bin/false
      ignore_errors: true
    - name: build | Leave something out
      ansible.builtin.debug:
        msg: never
      when: false
- name: Verify
  hosts: web01
  gather_facts: false
  tasks:
    - name: verify | Change something
      ansible.builtin.command: /bin/true
"""
HOSTS = """\
all:
  hosts: {web01: , web02: }
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


@pytest.fixture(scope="module")
def deployed(fastdeploy: Installation) -> Deployment:
    """A deployment of a playbook with two plays, with every kind of result."""
    properties = {"password": {"type": "string", "writeOnly": True}}
    fastdeploy.write_files(
        "site", {"site.yml": PLAYBOOK, "hosts.yml": HOSTS}, playbook="site.yml",
        inventory="hosts.yml", variables={"properties": properties},
    )  # fmt: skip
    ended = fastdeploy.run("site", password=SECRET)
    assert (Status.SUCCESSFUL, "") == (ended.status, ended.reason)
    return ended


@pytest.fixture(scope="module")
def exports(
    client: httpx.Client, deployed: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with both exports."""
    folder = tmp_path_factory.mktemp("exports")
    for name in ("navigator", "ara"):
        answer = client.get(
            f"/api/v1/deployments/{deployed.id}/export", params={"format": name}
        )
        assert 200 == answer.status_code
        assert (
            f"site-{deployed.id}-{name}.json" in (answer.headers["content-disposition"])
        )
        assert SECRET not in answer.text
        assert "it is ********, naïvely" in answer.text
        (folder / f"{name}.json").write_text(answer.text)
    return folder


def test_navigator_replays_the_output(
    fastdeploy: Installation, deployed: Deployment, exports: Path
) -> None:
    arguments = ["replay", "navigator.json", "--execution-environment", "false",
                 "--mode", "stdout", "--display-color", "false"]  # fmt: skip

    done = subprocess.run(
        [*NAVIGATOR, *arguments], cwd=exports, env=environment(exports), text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    shown = re.sub(r"\x1b\[[0-9;]*m", "", fastdeploy.output(deployed.id).decode())
    assert shown.splitlines() == done.stdout.splitlines()


def test_navigator_shows_plays_and_tasks(exports: Path) -> None:
    """Its interface for terminals lists the plays with the counts of their results."""
    screen = bytearray()
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [*NAVIGATOR, "replay", "navigator.json", "--execution-environment", "false"],
        cwd=exports, env=environment(exports), stdin=other, stdout=other, stderr=other,
        start_new_session=True,
    )  # fmt: skip
    os.close(other)
    os.set_blocking(terminal, False)

    def shows(pattern: bytes) -> bool:
        try:
            screen.extend(os.read(terminal, 100_000))
        except (BlockingIOError, OSError):
            assert process.poll() is None, bytes(screen)
        return re.search(pattern, screen, re.DOTALL) is not None

    try:
        eventually(lambda: shows(rb"Build.*Verify"))
        screen.clear()
        os.write(terminal, b"0")
        eventually(lambda: shows(rb"Ignored.*web02"))
    finally:
        # uv doesn't end the program that it runs.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(terminal)


def environment(folder: Path) -> dict[str, str]:
    """A terminal of a fixed size, and a home folder of its own."""
    return os.environ | {
        "TERM": "xterm", "COLUMNS": "160", "LINES": "40",
        "ANSIBLE_NAVIGATOR_LOG_FILE": str(folder / "navigator.log"),
    }  # fmt: skip


def test_ara_takes_every_object(exports: Path, deployed: Deployment) -> None:
    page = (ROOT / "docs" / "how-to" / "artifacts.md").read_text()
    (program,) = re.findall(
        r"^```python\n(import json.*?)^```", page, re.MULTILINE | re.DOTALL
    )
    program += """
found = {kind: ara.get(f"/api/v1/{kind}?limit=100")["results"]
         for kind in ("playbooks", "plays", "tasks", "hosts", "results")}
print(json.dumps(found), file=sys.stderr)
"""

    done = subprocess.run(
        [sys.executable, "-c", program], input=(exports / "ara.json").read_text(),
        env=os.environ | {"ARA_BASE_DIR": str(exports / "ara")}, text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stderr.splitlines()[-1])
    (playbook,) = found["playbooks"]
    assert ("completed", f"site #{deployed.id}") == (
        playbook["status"],
        playbook["name"],
    )
    assert 7 == playbook["items"]["results"]
    assert {"Build", "Verify"} == {play["name"] for play in found["plays"]}
    assert {("web01", 2, 3, 1), ("web02", 1, 2, 1)} == {
        (host["name"], host["changed"], host["ok"], host["skipped"])
        for host in found["hosts"]
    }
    assert [
        "changed",
        "ignored",
        "ignored",
        "ok",
        "ok",
        "skipped",
        "skipped",
    ] == sorted(result["status"] for result in found["results"])
    names = {task["name"]: task for task in found["tasks"]}
    assert "site.yml" == Path(names["verify | Change something"]["path"]).name
    assert 19 == names["verify | Change something"]["lineno"]


def test_the_command_prints_the_same(
    fastdeploy: Installation, deployed: Deployment, exports: Path
) -> None:
    for name in ("navigator", "ara"):
        done = command(
            fastdeploy, "deployment", "export", str(deployed.id), "--format", name
        )
        assert (exports / f"{name}.json").read_text() == done.stdout.removesuffix("\n")


#: Prints events that no Ansible would: fields of other types, and deep nesting.
HOSTILE = """#!/usr/bin/env python3
import json
for n, (name, data) in enumerate([
    ("runner_on_ok", {"play": "none yet"}),
    ("playbook_on_play_start", {"name": 7, "tasks": "mine", "uuid": []}),
    ("runner_on_failed", {"task": {}, "host": 3, "duration": "x", "res": [1]}),
    ("runner_on_ok", {"task": "\\x1b]0;</script>", "duration": -1e300, "start": 1}),
], 1):
    event = {"uuid": f"0a1b2c3d-0000-4000-8000-{n:012}", "counter": n, "event": name,
             "stdout": "", "event_data": data}
    print(json.dumps(event))
deep = '{"uuid": "0a1b2c3d-0000-4000-8000-000000000009", "counter": 9, "stdout": "", '
deep += '"event": "runner_on_ok", "event_data": {"res": '
print(deep + "[" * 1000 + "]" * 1000 + "}}")
print("a line without an end", end="")
"""


@pytest.fixture(scope="module")
def hostile(fastdeploy: Installation) -> Deployment:
    fastdeploy.write_service("hostile", HOSTILE)
    return fastdeploy.run("hostile")


@pytest.mark.parametrize("name", ["navigator", "ara"])
def test_events_of_any_shape_are_exported_as_valid_json(
    client: httpx.Client, hostile: Deployment, name: str
) -> None:
    answer = client.get(f"/deployments/{hostile.id}/export", params={"format": name})

    made = json.loads(answer.content)
    assert "application/json" == answer.headers["content-type"]
    assert answer.headers["content-disposition"].startswith("attachment")
    if name == "navigator":
        assert [3] == [len(play["tasks"]) for play in made["plays"]]
        assert "a line without an end" == made["stdout"][-1]
    else:
        assert 4 == len(made["results"])


def test_a_running_deployment_and_an_unknown_format_are_refused(
    fastdeploy: Installation, client: httpx.Client, deployed: Deployment
) -> None:
    fastdeploy.write_service("queued", "#!/bin/sh\nexec sleep 600\n")
    number = fastdeploy.launch("queued")

    running = client.get(f"/api/v1/deployments/{number}/export")
    unknown = client.get(f"/api/v1/deployments/{deployed.id}/export?format=html")
    foreign = httpx.get(
        f"{fastdeploy.url}/api/v1/deployments/{deployed.id}/export",
        headers={"Authorization": f"Bearer {fastdeploy.token(Permission.SYNC)}"},
    )

    assert (409, 422, 403) == tuple(
        answer.status_code for answer in (running, unknown, foreign)
    )
