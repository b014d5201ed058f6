"""Credentials: real keys and passwords reach a real sshd and sudo, and nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from testing.processes import living
from testing.runner import Outcome, Service, short_folder
from testing.ssh_account import REACH, SshAccount, ssh_account
from testing.waiting import PATIENCE, eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make accounts and start sshd"
)

TOKEN = "canary-token-7f3a"
PASSPHRASE = "canary passphrase"
VAULTS = {"default": "canary-vault-one", "prod": "canary-vault-two"}
FAILS = "echo c4nary | tee /dev/stderr; exit 1"
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
    """A service that reaches the host; no run leaves files or processes behind."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        made.arguments = ["--credentials", str(tmp_path / "placed")]
        define(made, target, REACH)
        yield made
        made.end()
        eventually(lambda: not of_this_run(made))
        eventually(lambda: not private_folders(made))


def define(service: Service, target: SshAccount, playbook: str, **more: Any) -> None:
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


def belongs(process: psutil.Process, service: Service) -> bool:
    """Return whether a process is one of a run.

    The environment of a connection that ssh keeps open can't be read, but its title
    has the path of its socket.
    """
    if str(service.temp) in " ".join(process.cmdline()):
        return True
    return process.environ().get("HOME") == str(service.home)


def of_this_run(service: Service) -> list[psutil.Process]:
    """Return the processes of a run, also those that outlive ansible-playbook."""
    return living(lambda process: belongs(process, service))


def connections(service: Service) -> list[psutil.Process]:
    """Return the processes of connections that ssh keeps open."""
    return living(
        lambda process: (
            belongs(process, service) and "[mux]" in " ".join(process.cmdline())
        )
    )


def private_folders(service: Service) -> list[Path]:
    """Return the private folders of runs."""
    return list(service.temp.glob("fastdeploy-run-*"))


def agents(service: Service) -> list[psutil.Process]:
    """Return the agents of a run."""
    return living(
        lambda process: belongs(process, service) and process.name() == "ssh-agent"
    )


def command_lines_of(service: Service) -> list[str]:
    """Return the command lines of the processes of a run."""
    found = []
    for one in of_this_run(service):
        # It may have ended since it was listed.
        with suppress(psutil.Error):
            found.append(" ".join(one.cmdline()))
    return found


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
    """Return the processes of the module that waits."""
    return living(
        lambda process: (
            belongs(process, service) and "wait_for" in " ".join(process.cmdline())
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


# Refusals


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "demo needs the credential become:x: add it (fastdeploy credential add"),
        ({"become__x": {"placed": True}}, "demo needs the credential become:x: add it"),
        (
            {"become__x": {"password": "four"}, "become__y": {"password": "five"}},
            "demo does not use the credential 'become:y': name it under",
        ),
        ({"become__x": {"password": 4}}, "become:x: password must be a text"),
        ({"become__x": {"password": " ab"}}, "become:x: password must not begin or"),
        ({"become__x": {"command": "id"}}, '"command" of become:x must be a list'),
        (
            {"become__x": {"command": ["sh", "-c", FAILS]}},
            "The command of become:x, sh, failed with exit code 1: ********",
        ),
        ({"become__x": {"command": ["/no/such"]}}, "Can't run /no/such, the command"),
        ({"become__x": {"command": ["true"]}}, "The command of become:x, true, must"),
    ],
)  # fmt: skip
def test_a_credential_is_refused_in_a_sentence(
    service: Service, given: dict[str, Any], says: str
) -> None:
    use(service, **given)
    config = json.loads((service.folder / "config.json").read_text())
    config["credentials"] = ["become:x"]
    service.write(service.folder / "config.json", config)

    outcome = service.run()

    assert 64 == outcome.code
    assert outcome.text.startswith(says), outcome.text
    assert 1 == len(outcome.lines)
    assert "c4nary" not in outcome.text


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"passphrase": "x" * 70_000}, "ssh:x: passphrase must have at most 4096"),
        ({"passphrase": "wrong"}, "The passphrase of ssh:x doesn't open its key"),
        ({}, "ssh:x is a key with a passphrase: add the passphrase too."),
        ({"private_key": "none at all"}, "ssh:x is not a private key that ssh-add can"),
    ],
)
def test_a_key_that_cannot_be_loaded_is_refused_before_the_playbook_starts(
    service: Service, target: SshAccount, wrong: dict[str, str], says: str
) -> None:
    key = target.make_key("closed", PASSPHRASE)
    use(service, ssh__x={"private_key": key, **wrong})

    outcome = service.run()

    assert (64, says) == (outcome.code, outcome.text[: len(says)])
    assert [] == outcome.objects


@pytest.mark.parametrize("fault", ["link", "mode", "owner", "fifo", "text"])
def test_a_placed_file_that_another_user_could_choose_is_refused(
    service: Service, fault: str
) -> None:
    use(service, become__x={"password": "from the config file"})
    path = place(service, "become:x", {"password": "c4nary"})
    says = f"{path} "
    match fault:
        case "link":
            path.rename(path.with_name("elsewhere"))
            path.symlink_to("elsewhere")
        case "mode":
            path.chmod(0o640)
        case "owner":
            shutil.chown(path, "nobody")
        case "fifo":
            path.unlink()
            os.mkfifo(path, 0o600)
        case "text":
            path.write_text("c4nary")

    outcome = service.run()

    assert 64 == outcome.code
    assert outcome.text.startswith(says), outcome.text
    assert "c4nary" not in outcome.text


def test_a_command_in_a_config_file_of_another_user_is_not_run(
    service: Service, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    use(service, become__x={"command": ["touch", str(proof)]})
    shutil.chown(service.config, "nobody")

    outcome = service.run()

    assert 64 == outcome.code
    assert "place it on this host with fd_credentials" in outcome.text
    assert not proof.exists()


def test_a_value_that_is_too_short_to_be_masked_is_named(service: Service) -> None:
    (service.folder / "play.yml").write_text("- hosts: nobody\n")
    use(service, become__x={"password": "abc"}, vault__y={"password": "abcd"})

    outcome = service.run()

    expected = (
        "become:x has a value of fewer than 4 characters, which FastDeploy can't mask: "
        "use a longer one."
    )
    about_it = ("fewer than", "shorter than")
    lines = outcome.text.splitlines()
    assert [expected] == [one for one in lines if any(word in one for word in about_it)]
