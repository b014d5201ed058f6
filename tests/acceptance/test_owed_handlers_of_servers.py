"""Continue a deployment that owes handlers, on hosts that it restarts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.store.outcomes import last_successful
from testing.command_line import assert_refused, command
from testing.installation import Installation

_TWO = "".join(
    f"{host} ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    for host in ("web1", "web2")
)


_SERVERS = """\
- name: Web
  hosts: all
  gather_facts: false
  vars: {own: "{{ playbook_dir }}/{{ inventory_hostname }}"}
  tasks:
    - name: Configure
      ansible.builtin.copy: {content: new, dest: "{{ own }}.conf", mode: "644"}
      notify: restart web
    - name: Check
      ansible.builtin.file: {path: "{{ playbook_dir }}/fixed", state: file}
      when: inventory_hostname == "web1"
  handlers:
    - name: restart web
      ansible.builtin.command: sh {{ playbook_dir }}/restart.sh {{ own }}
"""


#: Starts a process that isn't one of the run, in place of the one before.
_SCRIPT = """\
[ ! -f "$1.pid" ] || kill "$(cat "$1.pid")"
env -i setsid sleep 1000 < /dev/null > /dev/null 2>&1 &
echo $! > "$1.pid"
"""


@pytest.fixture
def servers(fastdeploy: Installation) -> Iterator[Path]:
    """The folder of a service with a process for each of its hosts."""
    files = {"site.yml": _SERVERS, "hosts.ini": _TWO, "restart.sh": _SCRIPT}
    folder = fastdeploy.write_files(
        "servers", files, playbook="site.yml", inventory="hosts.ini"
    )
    for host in ("web1", "web2"):
        subprocess.run(["sh", folder / "restart.sh", folder / host], check=True)
    yield folder
    for file in folder.glob("*.pid"):
        os.kill(int(file.read_text()), signal.SIGKILL)


def _started(folder: Path, host: str) -> tuple[str, str]:
    """Return the pid of a host's process, and its start time in clock ticks."""
    pid = (folder / f"{host}.pid").read_text().strip()
    stat = Path(f"/proc/{pid}/stat").read_text()
    return pid, stat.rpartition(")")[2].split()[19]


def test_continue_restarts_what_is_owed_and_touches_no_other_host(
    fastdeploy: Installation, client: httpx.Client, servers: Path
) -> None:
    failed = fastdeploy.run("servers")
    (servers / "fixed").touch()
    before = {host: _started(servers, host) for host in ("web1", "web2")}

    said = command(fastdeploy, "deployment", "continue", str(failed.id)).stdout
    number = client.get("/api/v1/deployments?service=servers").json()[0]["id"]
    fastdeploy.ended(number)

    assert f"deployment {number} is queued, it continues {failed.id}" in said
    after = {host: _started(servers, host) for host in ("web1", "web2")}
    assert before["web2"] == after["web2"]
    assert before["web1"][0] != after["web1"][0]
    assert int(before["web1"][1]) < int(after["web1"][1])
    body = client.get(f"/api/v1/deployments/{number}").json()
    assert ("successful", ["web1"], "continue") == (
        body["status"], body["hosts"], body["retry_scope"]
    )  # fmt: skip
    results = [e for e in fastdeploy.events(number) if e.result]
    assert ["restart web", "Configure", "Check"] == [e.task for e in results]
    assert {"web1"} == {e.host for e in results}
    assert [] == client.get(f"/api/v1/deployments/{failed.id}").json()["owed_handlers"]
    assert number == _current(fastdeploy, failed.service_id)
    assert_refused(
        command(fastdeploy, "deployment", "continue", str(number)),
        f"deployment {number} was successful and owes no handler; there is nothing to "
        "continue",
    )


def _current(fastdeploy: Installation, service_id: int) -> int:
    with fastdeploy.store.begin() as db:
        return last_successful(db, [service_id])[service_id].id
