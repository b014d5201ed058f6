"""Credentials: real keys and passwords reach a real sshd and sudo, and nothing else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from testing.processes import living
from testing.runner import Outcome, Service
from testing.ssh_account import SshAccount, ssh_account
from testing.ssh_services import (
    agents,
    belongs,
    command_lines_of,
    connections,
    define,
    of_this_run,
    place,
    private_folders,
    ssh_service,
    use,
)
from testing.waiting import PATIENCE, eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make accounts and start sshd"
)

TOKEN = "canary-token-7f3a"
PASSPHRASE = "canary passphrase"
VAULTS = {"default": "canary-vault-one", "prod": "canary-vault-two"}
EVERYTHING = """\
- hosts: target
  gather_facts: false
  vars_files: [default.yml, prod.yml, own.yml]
  tasks:
    - name: Become root
      ansible.builtin.command: id -un
      become: true
    - name: Wait
      ansible.builtin.wait_for:
        path: "{{ playbook_dir }}/gate"
      delegate_to: localhost
      vars:
        ansible_connection: local
        ansible_python_interpreter: "{{ ansible_playbook_python }}"
    - name: Compare
      ansible.builtin.assert:
        that:
          - from_default == "opened by default"
          - from_prod == "opened by prod"
          - from_own == "opened by own"
    - name: Print
      ansible.builtin.debug:
        msg: "token {{ lookup('env', 'DEPLOY_TOKEN') }}, arrived"
"""


@pytest.fixture(scope="module")
def target() -> Iterator[SshAccount]:
    """The host that runs reach."""
    with ssh_account() as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, target: SshAccount) -> Iterator[Service]:
    with ssh_service(tmp_path, target) as made:
        yield made


def assert_reached(outcome: Outcome, target: SshAccount) -> None:
    """Check that the task of REACH has run as the account of the host."""
    assert 0 == outcome.code, outcome.journal.decode()
    [event] = outcome.named("runner_on_ok")
    assert target.user == event["event_data"]["res"]["stdout"]


@pytest.mark.parametrize("kind", ["passphrase", "certificate", "crlf", "password"])
def test_a_run_reaches_a_host_with(
    service: Service, target: SshAccount, kind: str
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
    service: Service, target: SshAccount
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


def everything(service: Service, target: SshAccount) -> dict[str, str]:
    """Let a service use a credential of each kind; return their canaries by name."""
    key = target.make_key("everything", PASSPHRASE)
    target.authorize("everything")
    define(service, target, EVERYTHING)
    # The repository has a vault identity of its own, which stays in force.
    (service.folder / "own.txt").write_text("own password\n")
    settings = (service.folder / "ansible.cfg").read_text()
    (service.folder / "ansible.cfg").write_text(
        f"[defaults]\nvault_identity_list = own@own.txt\n{settings}"
    )
    for name, password in {**VAULTS, "own": "own password"}.items():
        encrypt(service, name, password)
    use(
        service,
        ssh__target={"private_key": key, "passphrase": PASSPHRASE, "user": target.user},
        become__target={"password": target.password},
        vault__default={"password": VAULTS["default"]},
        vault__prod={"command": ["printf", "%s\\n", VAULTS["prod"]]},
        token__deploy_token={"placed": True},
    )
    place(service, "token:deploy_token", {"value": TOKEN})
    return {
        "key": key.splitlines()[2], "passphrase": PASSPHRASE, "token": TOKEN,
        "become": target.password, "vault": VAULTS["default"],
    }  # fmt: skip


def encrypt(service: Service, name: str, password: str) -> None:
    """Write a file that the vault password of that name decrypts."""
    path = service.folder / f"{name}.yml"
    path.write_text(f"from_{name}: opened by {name}\n")
    program = Path(sys.executable).with_name("ansible-vault")
    subprocess.run(
        [program, "encrypt", "--encrypt-vault-id", name, "--vault-id",
         f"{name}@/dev/stdin", path], input=password.encode(), check=True,
        capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def started(service: Service) -> subprocess.Popen[bytes]:
    """Start a run and wait until it keeps a connection open."""
    with (service.config.parent / "journal").open("wb") as stdout:
        process = service.start(stdout)

    def waits() -> bool:
        if process.poll() is not None:
            raise AssertionError((service.config.parent / "journal").read_text())
        journal = (service.config.parent / "journal").read_bytes()
        return b"TASK [Wait]" in journal and bool(connections(service))

    eventually(waits)
    return process


def seen_by_others(service: Service) -> str:
    """Return what another user sees of all processes, and of the run's folders."""
    script = f"cat /proc/*/cmdline /proc/*/environ; grep -rs . {service.temp}"
    done = subprocess.run(
        ["sh", "-c", script], user="nobody", group="nogroup", extra_groups=[],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


def files_of(service: Service) -> str:
    """Return the content of the files that a run made or left."""
    folders = (service.temp, service.home)
    return "".join(
        path.read_text(errors="replace")
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_a_run_uses_each_kind_and_none_of_them_is_seen(
    service: Service, target: SshAccount
) -> None:
    canaries = everything(service, target)
    process = started(service)
    command_lines = command_lines_of(service)
    others, files = seen_by_others(service), files_of(service)
    (service.folder / "gate").touch()
    code = process.wait(PATIENCE)

    journal = (service.config.parent / "journal").read_bytes()
    outcome = Outcome(code, journal)
    assert 0 == code, journal.decode()
    [became] = outcome.named("runner_on_ok", "Become root")
    assert "root" == became["event_data"]["res"]["stdout"]
    assert "token ********, arrived" in outcome.display
    assert "fastdeploy-run-" in files + others + " ".join(command_lines)
    for name, canary in canaries.items():
        for where in (others, files, " ".join(command_lines), journal.decode()):
            assert canary not in where, name
    # A connection removes its socket, for which the keeper waits, before it ends.
    eventually(lambda: not of_this_run(service))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_agent_connection_or_file_outlives_a_run_that_is_ended_by(
    service: Service, target: SshAccount, number: signal.Signals
) -> None:
    everything(service, target)
    process = started(service)
    assert 1 == len(agents(service))

    process.send_signal(number)
    process.wait(PATIENCE)

    # A killed runner doesn't wait for the process that cleans up.
    eventually(lambda: not of_this_run(service))
    # Ansible leaves files of its own if it is killed.
    eventually(lambda: not private_folders(service))


def test_no_worker_outlives_a_killed_run_whose_ansible_playbook_has_to_be_killed(
    service: Service, target: SshAccount
) -> None:
    everything(service, target)
    process = started(service)
    eventually(lambda: waiting(service))
    [playbook] = [
        child
        for child in psutil.Process(process.pid).children()
        if "ansible-playbook" in " ".join(child.cmdline())
    ]

    playbook.suspend()
    process.kill()
    process.wait(PATIENCE)

    eventually(lambda: not of_this_run(service))
    eventually(lambda: not private_folders(service))


def waiting(service: Service) -> list[psutil.Process]:
    """Return the processes of the module that waits, the only one on this host."""
    return living(
        lambda process: (
            belongs(process, service)
            and process.cmdline()[1:2] == ["-c"]
            and "_fastdeploy_archive" in process.cmdline()[2]
        )
    )


def test_the_next_run_cleans_up_if_the_keeper_was_killed_too(
    service: Service, target: SshAccount
) -> None:
    everything(service, target)
    process = started(service)
    [keeper] = [
        child
        for child in psutil.Process(process.pid).children()
        if "app.runner" in child.cmdline()
    ]

    keeper.kill()
    process.kill()
    process.wait(PATIENCE)
    # The next run cleans up only if the keeper holds its lock no longer.
    eventually(lambda: not living(lambda one: one.pid == keeper.pid))
    assert 1 == len(agents(service))
    (service.folder / "gate").touch()
    outcome = service.run()

    assert 0 == outcome.code, outcome.journal.decode()
    eventually(lambda: not of_this_run(service))
    assert [] == private_folders(service)
