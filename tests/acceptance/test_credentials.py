"""Credentials: real keys and passwords reach a real sshd and sudo, and nothing else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from testing.processes import living
from testing.runner import Outcome, Service, short_folder
from testing.ssh_host import SshHost, ssh_host
from testing.waiting import eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make accounts and start sshd"
)

TOKEN = "canary-token-7f3a"
PASSPHRASE = "canary passphrase"
VAULTS = {"default": "canary-vault-one", "prod": "canary-vault-two"}
VAULTED = {"default": "canary-in-default", "prod": "canary-in-prod"}
REACH = """\
- hosts: target
  gather_facts: false
  tasks:
    - ansible.builtin.command: id -un
"""
EVERYTHING = """\
- hosts: target
  gather_facts: false
  tasks:
    - name: Become root
      ansible.builtin.command: id -un
      become: true
    - name: Wait
      ansible.builtin.wait_for:
        path: "{{ playbook_dir }}/gate"
      delegate_to: localhost
    - name: Compare
      ansible.builtin.assert:
        that:
          - from_default == "canary-in-default"
          - from_prod == "canary-in-prod"
    - name: Print
      ansible.builtin.debug:
        msg: "token {{ lookup('env', 'DEPLOY_TOKEN') }}"
    - name: Print what an agent has
      ansible.builtin.command: ssh-add -L
      delegate_to: localhost
"""


@pytest.fixture(scope="module")
def target() -> Iterator[SshHost]:
    """The host that runs reach."""
    with ssh_host() as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, target: SshHost) -> Iterator[Service]:
    """A service that reaches the host; no run leaves files or processes behind."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        made.arguments = ["--credentials", str(tmp_path / "placed")]
        define(made, target, REACH)
        yield made
        made.end()
        eventually(lambda: not of_this_run(made))
        eventually(lambda: [] == list(temp.iterdir()))


def define(service: Service, target: SshHost, playbook: str, **more: Any) -> None:
    """Write a playbook, an inventory and an ansible.cfg."""
    service.write(service.folder / "hosts.json", target.inventory)
    (service.folder / "play.yml").write_text(playbook)
    (service.folder / "ansible.cfg").write_text(
        f"[ssh_connection]\nssh_args = {target.ssh_args}\n"
    )
    config = {"name": "demo", "playbook": "play.yml", "inventory": "hosts.json"}
    service.write(service.folder / "config.json", {**config, **more})


def use(service: Service, **given: dict[str, Any]) -> None:
    """Declare credentials and write them into the run's config file."""
    named = {name.replace("__", ":", 1): values for name, values in given.items()}
    config = json.loads((service.folder / "config.json").read_text())
    service.write(service.folder / "config.json", {**config, "credentials": [*named]})
    service.launch()
    content = json.loads(service.config.read_text())
    service.write(service.config, {**content, "credentials": named})


def place(service: Service, reference: str, content: dict[str, Any]) -> Path:
    """Place a credential of this user."""
    folder = Path(service.arguments[1], "root")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{reference.replace(':', '.')}.json"
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


def of_this_run(service: Service) -> list[psutil.Process]:
    """Return the processes of a run, with connections that ssh keeps open.

    Their environment can't be read, so what names the run's folder counts.
    """

    def belongs(process: psutil.Process) -> bool:
        if str(service.temp) in " ".join(process.cmdline()):
            return True
        return process.environ().get("HOME") == str(service.home)

    return living(belongs)


def masters(service: Service) -> list[psutil.Process]:
    """Return the connections that ssh keeps open."""
    return [one for one in of_this_run(service) if "[mux]" in " ".join(one.cmdline())]


def agents(service: Service) -> list[psutil.Process]:
    return [one for one in of_this_run(service) if one.name() == "ssh-agent"]


def assert_reached(outcome: Outcome, target: SshHost) -> None:
    assert 0 == outcome.code, outcome.journal.decode()
    [event] = outcome.named("runner_on_ok")
    assert target.user == event["event_data"]["res"]["stdout"]


@pytest.mark.parametrize("kind", ["passphrase", "certificate", "crlf", "password"])
def test_a_run_reaches_a_host_with(
    service: Service, target: SshHost, kind: str
) -> None:
    key = target.make_key(kind, PASSPHRASE if kind == "passphrase" else "")
    values = {"private_key": key, "user": target.user}
    target.authorize(kind)
    if kind == "passphrase":
        values["passphrase"] = PASSPHRASE
    if kind == "certificate":
        target.authorize()
        values["certificate"] = target.certify(kind)
    if kind == "crlf":
        values["private_key"] = "\r\n" + key.strip().replace("\n", "\r\n")
    if kind == "password":
        target.authorize()
        values = {"password": target.password, "user": target.user}
        use(service, password__target=values)
    else:
        use(service, ssh__target=values)

    assert_reached(service.run(), target)


def test_an_inventory_names_one_of_nine_keys_for_a_host_that_allows_three_attempts(
    service: Service, target: SshHost
) -> None:
    names = [f"key{number}" for number in range(1, 10)]
    keys = {f"ssh__{n}": {"private_key": target.make_key(n)} for n in names}
    target.authorize("key9")
    keys["ssh__key1"]["user"] = target.user
    inventory = target.inventory
    inventory["all"]["hosts"]["target"]["ansible_ssh_private_key_file"] = (
        "{{ fastdeploy_ssh_keys.key9 }}"
    )
    service.write(service.folder / "hosts.json", inventory)
    use(service, **keys)

    assert_reached(service.run(), target)
