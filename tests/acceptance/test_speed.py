"""What makes runs faster, with real ansible-playbook and a real sshd."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain import task_result
from app.runner import fact_cache, speed
from testing.processes import living
from testing.runner import PATIENCE, Outcome, Service, short_folder
from testing.runner_processes import of_this_run
from testing.ssh_account import SshAccount, ssh_account
from testing.sshd import Sshd, running
from testing.waiting import eventually

#: With pipelining, the Python of a module has no file as argument, but a program that
#: reads the module.
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
TWICE = f"""\
- hosts: all
  gather_facts: false
  tasks:
    - name: First
      ansible.builtin.shell: "{PARENT}"
    - name: Second
      ansible.builtin.shell: "{PARENT}"
"""
BECOME = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Become root
      ansible.builtin.command: id -un
      become: true
"""
#: A process in a session of its own, and one that ignores SIGTERM, end too.
WAIT = """\
- hosts: plain
  gather_facts: false
  tasks:
    - name: Leave a service
      ansible.builtin.shell: nohup sleep {left} >/dev/null 2>&1 </dev/null &
    - name: Wait
      ansible.builtin.shell: |
        setsid sh -c 'trap "" TERM; sleep {stubborn}' &
        sleep {ended}; true
      become: {become}
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
def service() -> Iterator[Service]:
    # The sockets of ssh are in the home of the run.
    with short_folder() as folder, short_folder() as temp:
        made = Service(folder, temp)
        yield made
        made.end()


def write(
    service: Service, host: Sshd, playbook: str, cfg: str = "", **more: Any
) -> None:
    """Write a service with two hosts; the inventory of one turns pipelining off."""
    # A Python that every user may run.
    common = host.inventory(ansible_python_interpreter="/usr/bin/python3")
    hosts = {"plain": common, "copying": {**common, "ansible_pipelining": False}}
    service.write(service.folder / "hosts.json", {"all": {"hosts": hosts}})
    (service.folder / "site.yml").write_text(playbook)
    (service.folder / "known_hosts").write_text(host.line)
    (service.folder / "ansible.cfg").write_text(cfg)
    config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", config | more)


def over_ssh(service: Service, host: Sshd, cfg: str = "", **more: Any) -> Outcome:
    write(service, host, SSH, cfg, **more)
    outcome = service.run()
    assert outcome.code == 0, outcome.journal.decode()
    return outcome


def pipelined(outcome: Outcome, task: str) -> dict[str, bool]:
    """Return by host whether the module of a task came through a pipe."""
    commands = {
        found["event_data"]["host"]: found["event_data"]["res"].get("stdout", "")
        for found in outcome.named("runner_on_ok", task)
    }
    for command in commands.values():
        assert ("-c import sys;" in command) != ("Ansiball" in command)
    return {host: "Ansiball" not in command for host, command in commands.items()}


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


def test_local_connections_use_pipelining_unless_it_is_set_for_them(
    service: Service,
) -> None:
    local = {"ansible_connection": "local",
             "ansible_python_interpreter": sys.executable}  # fmt: skip
    hosts = {"plain": local, "copying": {**local, "ansible_pipelining": False}}
    service.write(service.folder / "hosts.json", {"all": {"hosts": hosts}})
    (service.folder / "site.yml").write_text(TWICE)
    # It says nothing about local connections.
    cfg = "[ssh_connection]\npipelining = True\n"
    (service.folder / "ansible.cfg").write_text(cfg)
    config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", config)

    found = service.run()

    assert found.code == 0, found.journal.decode()
    for task in ("First", "Second"):
        assert {"plain": True, "copying": False} == pipelined(found, task)


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


def test_a_host_gets_bytecode_if_it_has_the_python_of_ansible(
    service: Service, host: Sshd
) -> None:
    """Another Python refuses it once in a run, and gets the source from then on."""
    write(service, host, TWICE)
    started = service.folder / "started"
    other = service.folder / "python3"
    other.write_text(f'#!/bin/sh\necho >>{started}\nexec {sys.executable} -O "$@"\n')
    other.chmod(0o755)
    hosts = {
        "same": host.inventory(ansible_python_interpreter=sys.executable),
        "other": host.inventory(ansible_python_interpreter=str(other)),
    }
    service.write(service.folder / "hosts.json", {"all": {"hosts": hosts}})

    found = service.run()

    assert found.code == 0, found.journal.decode()
    for task in ("First", "Second"):
        commands = {
            each["event_data"]["host"]: each["event_data"]["res"]["stdout"]
            for each in found.named("runner_on_ok", task)
        }
        assert {"same", "other"} == {*commands}
        assert "_fastdeploy_archive" in commands["same"]
        assert "-O -c import sys;exec(" in commands["other"]
    assert 3 == len(started.read_text().splitlines())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make accounts")
def test_a_failure_because_of_requiretty_names_the_remedy_which_works(
    service: Service,
) -> None:
    with ssh_account() as target:
        rule = Path("/etc/sudoers.d", f"{target.user}-tty")
        rule.write_text(f"Defaults:{target.user} requiretty\n")
        try:
            failed = become(service, target)
            passed = become(service, target, ansible_pipelining=False)
        finally:
            rule.unlink()

    [event] = failed.named("runner_on_failed", "Become")
    message = task_result.message(json.dumps(event))
    assert "ansible_pipelining: false for this host" in message, event
    assert (2, 0) == (failed.code, passed.code)


def become(service: Service, target: SshAccount, **variables: Any) -> Outcome:
    """Become root on a host with an account of its own."""
    key = target.folder / "key"
    key.write_text(target.make_key("user"))
    key.chmod(0o600)
    target.authorize("user")
    own = {"ansible_user": target.user, "ansible_ssh_private_key_file": str(key),
           "ansible_become_password": target.password}  # fmt: skip
    hosts = target.inventory
    hosts["all"]["hosts"]["target"] |= own | variables
    service.write(service.folder / "hosts.json", hosts)
    (service.folder / "site.yml").write_text(BECOME)
    shutil.copy(target.known_hosts, service.folder / "known_hosts")
    config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", config)
    return service.run()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("become", ["false", "true"])
def test_a_canceled_run_leaves_no_process_on_the_host(
    service: Service, host: Sshd, number: signal.Signals, become: str
) -> None:
    """Services and background processes of earlier tasks go on there."""
    unique = f"{os.getpid()}.{number}{'1' if become == 'true' else '0'}"
    left, ended, stubborn = f"7{unique}", f"8{unique}", f"9{unique}"
    playbook = WAIT.format(left=left, ended=ended, stubborn=stubborn, become=become)
    write(service, host, playbook)

    with (service.folder / "journal").open("wb") as stdout:
        process = service.start(stdout)
        eventually(lambda: sleeping(ended) and sleeping(stubborn))
        # Like the worker, which sends a signal to all processes of a run.
        for each in of_this_run(service) if number == signal.SIGKILL else [process]:
            each.send_signal(number)
        process.wait(PATIENCE)

    eventually(lambda: not sleeping(ended) and not sleeping(stubborn))
    [service_of_the_host] = sleeping(left)
    service_of_the_host.kill()
    eventually(lambda: not host.commands)


def sleeping(seconds: str) -> list[psutil.Process]:
    return living(lambda one: one.cmdline() == ["sleep", seconds])


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
