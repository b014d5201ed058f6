"""What makes runs faster, with real ansible-playbook and a real sshd."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.runner import fact_cache, speed
from testing.runner import Outcome, Service, short_folder
from testing.sshd import Sshd, running

#: With pipelining, the Python of a module has no file as argument.
PARENT = "tr -c '[:print:]' ' ' < /proc/$PPID/cmdline"
SSH = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - name: Plain
      ansible.builtin.shell: "{PARENT}"
    - name: Become with su
      ansible.builtin.shell: "{PARENT}"
      become: true
      become_method: ansible.builtin.su
      become_user: nobody
      become_flags: -s /bin/sh
      when: inventory_hostname == "plain"
    - name: Forks
      ansible.builtin.debug:
        msg: "{{{{ ansible_forks }}}} forks"
"""
#: A new value of the environment is a new fact.
FACTS = """\
- hosts: all
  gather_subset: min
  tasks:
    - name: First
      ansible.builtin.debug:
        msg: "{{ ansible_facts.env.MARK }}"
    - name: Inherited
      ansible.builtin.command: env
      changed_when: false
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The host that runs reach."""
    with running(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()


def over_ssh(service: Service, host: Sshd, cfg: str = "", **more: Any) -> Outcome:
    """Run the playbook on two hosts; the inventory of one turns pipelining off."""
    # A Python that every user may run.
    common = host.inventory(ansible_python_interpreter="/usr/bin/python3")
    hosts = {"plain": common, "copying": {**common, "ansible_pipelining": False}}
    service.write(service.folder / "hosts.json", {"all": {"hosts": hosts}})
    (service.folder / "site.yml").write_text(SSH)
    (service.folder / "known_hosts").write_text(host.line)
    (service.folder / "ansible.cfg").write_text(cfg)
    config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", config | more)
    outcome = service.run()
    assert outcome.code == 0, outcome.journal.decode()
    return outcome


def pipelined(outcome: Outcome, task: str) -> dict[str, bool]:
    """Return by host whether the module of a task came through a pipe."""
    return {
        found["event_data"]["host"]: "Ansiball"
        not in found["event_data"]["res"].get("stdout", "")
        for found in outcome.named("runner_on_ok", task)
    }


def described(outcome: Outcome) -> list[str]:
    return [found["speed"] for found in outcome.objects if "speed" in found]


def messages(outcome: Outcome, task: str) -> list[str]:
    named = outcome.named("runner_on_ok", task)
    return [found["event_data"]["res"]["msg"] for found in named]


@pytest.mark.skipif(os.geteuid() != 0, reason="su asks others for a password")
def test_a_run_uses_pipelining_except_with_su_and_where_the_inventory_says_so(
    service: Service, host: Sshd
) -> None:
    forks = speed.this_node().forks

    found = over_ssh(service, host)

    assert {"plain": True, "copying": False} == pipelined(found, "Plain")
    assert {"plain": False} == pipelined(found, "Become with su")
    assert [f"{forks} forks"] * 2 == messages(found, "Forks")
    assert [f"pipelining, {forks} forks"] == described(found)


@pytest.mark.parametrize(
    ("cfg", "more", "sentence"),
    [
        (
            "[defaults]\nforks = 3\n[ssh_connection]\npipelining = False\n", {},
            ("no pipelining (ansible.cfg sets pipelining=False), "
            "3 forks (ansible.cfg sets forks=3)"),
        ),
        ("", {"speed": False},
         'no pipelining ("speed": false), 5 forks ("speed": false)'),
    ],
    ids=["ansible.cfg", "key"],
)  # fmt: skip
@pytest.mark.skipif(os.geteuid() != 0, reason="su asks others for a password")
def test_ansible_cfg_wins_and_the_key_switches_off(
    service: Service, host: Sshd, cfg: str, more: dict[str, Any], sentence: str
) -> None:
    found = over_ssh(service, host, cfg, **more)

    assert {"plain": False, "copying": False} == pipelined(found, "Plain")
    assert [sentence] == described(found)
    [forks, _] = messages(found, "Forks")
    assert f", {forks} (" in sentence


def with_facts(service: Service, name: str, mark: str) -> Outcome:
    """Run a service that keeps facts; `mark` is a fact that each run changes."""
    local = {"ansible_connection": "local",
             "ansible_python_interpreter": sys.executable}  # fmt: skip
    service.write(service.folder / "hosts.json", {"all": {"hosts": {"alpha": local}}})
    (service.folder / "site.yml").write_text(FACTS)
    config = {"name": name, "playbook": "site.yml", "inventory": "hosts.json",
              "speed": {"fact_cache": "1h"}, "environment": {"MARK": mark}}  # fmt: skip
    service.write(service.folder / "config.json", config)
    service.write(
        service.config,
        {"deployment_id": 7, "service_name": name, "context": {"variables": {}}},
    )
    outcome = service.run()
    assert outcome.code == 0, outcome.journal.decode()
    return outcome


def test_facts_are_kept_for_one_service_privately_until_they_expire(
    service: Service,
) -> None:
    data = service.home / ".local" / "share" / "fastdeploy"
    place = fact_cache.place(data, "demo")

    first = with_facts(service, "demo", "one")
    again = with_facts(service, "demo", "two")
    other = with_facts(service, "other", "three")
    [file] = place.iterdir()
    os.utime(file, (0, 0))
    expired = with_facts(service, "demo", "four")

    found = [messages(one, "First") for one in (first, again, other, expired)]
    assert [["one"], ["one"], ["three"], ["four"]] == found
    folders = [place, *place.parents[:3]]
    assert {0o700} == {each.stat().st_mode & 0o777 for each in folders}
    # A task that calls Ansible has neither the cache nor the forks of the run.
    [inherited] = again.named("runner_on_ok", "Inherited")
    printed = json.dumps(inherited["event_data"]["res"]["stdout_lines"])
    assert "MARK=two" in printed
    assert "ANSIBLE_CACHE" not in printed
    assert "ANSIBLE_FORKS" not in printed
