"""Hosts: a real playbook on several hosts, the pages, the API and the command line."""

import json
import sys
from datetime import timedelta

import httpx

from app.domain.deployment import Status
from testing.command_line import command
from testing.installation import Installation

_INVENTORY = f"""\
[web]
web1
web2
web3
[db]
db1
[all:vars]
ansible_connection=local
ansible_python_interpreter={sys.executable}
folder=.
"""
_PLAYBOOK = """\
- name: Web
  hosts: web
  gather_facts: true
  gather_subset: [min, network]
  environment: {SHOP_TOKEN: sesame-open}
  tasks:
    - name: Configure
      ansible.builtin.copy:
        content: "version: {{ version }}\\n"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.conf"
        mode: "644"
    - name: Check
      ansible.builtin.file:
        path: "{{ playbook_dir }}/{{ inventory_hostname }}.broken"
        state: absent
      failed_when: inventory_hostname == failing
"""
_SCHEMA = {
    "properties": {
        "version": {"type": "string"},
        "failing": {"type": "string", "default": ""},
    }
}


def test_hosts_show_what_they_run_and_what_changed(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    fastdeploy.write_files(
        "shop", {"site.yml": _PLAYBOOK, "hosts.ini": _INVENTORY},
        playbook="site.yml", inventory="hosts.ini", variables=_SCHEMA,
        option_defaults={"diff": True},
    )  # fmt: skip

    first = fastdeploy.run("shop", version="1.4.1")
    second = fastdeploy.run("shop", version="1.4.2", failing="web3")

    assert (Status.SUCCESSFUL, Status.FAILED) == (first.status, second.status)
    listed = client.get("/api/v1/hosts?project=shop").json()
    assert {
        "db1": (["db"], None, ""),
        "web1": (["web"], "changed", "1.4.2"),
        "web2": (["web"], "changed", "1.4.2"),
        "web3": (["web"], "failed", "1.4.1"),
    } == {
        each["name"]: (
            each["groups"], each["status"], each["services"][0]["version"],
        )
        for each in listed
    }  # fmt: skip
    web3 = client.get("/api/v1/hosts/web3?project=shop").json()
    assert {"os", "kernel", "hostname"} <= web3["facts"].keys()
    assert "sesame" not in json.dumps(web3)

    entries = client.get("/api/v1/hosts/web3/timeline?project=shop").json()
    assert [second.id, first.id] == [each["deployment"] for each in entries]
    [change] = entries[0]["changes"]
    assert "Configure" == change["task"]
    assert "+version: 1.4.2" in change["diffs"][0]["lines"]
    assert first.finished_at is not None
    since = (first.finished_at + timedelta(milliseconds=1)).isoformat()
    page = client.get(
        "/hosts/web3", params={"since": since}, headers={"Accept": "text/html"}
    ).text
    assert "+version: 1.4.2" in page
    assert "+version: 1.4.1" not in page

    shown = command(fastdeploy, "host", "show", "web3", "--diff").stdout
    assert "+version: 1.4.2" in shown
    times = ("--since", "1h", "--until", "now")
    recent = command(fastdeploy, "host", "show", "web3", *times).stdout
    assert f"#{second.id} shop failed" in recent
    table = command(fastdeploy, "host", "list", "--status", "failed").stdout
    assert "web3" in table
    assert "web1" not in table

    compared = command(fastdeploy, "host", "diff", "web3@yesterday", "web3")
    assert (0, "") == (compared.returncode, compared.stderr)
    assert "web3 before" in compared.stdout
    for words, sentence in (
        ("host show web3 --since noon", "--since must be a time such as"),
        ("host diff web3@yestrday web3", "what follows the @ must be a time such as"),
        ("blame web3:/etc/motd@yesterday", "blame takes no time: fastdeploy host diff"),
    ):
        refused = command(fastdeploy, *words.split())
        assert 1 == refused.returncode
        assert sentence in refused.stderr
