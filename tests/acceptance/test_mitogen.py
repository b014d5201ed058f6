"""Runs with `"accelerate": "mitogen"` on a real SSH host."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.accelerated import (
    CANCELED,
    ENDED,
    EVERYTHING,
    NETWORK,
    OWING,
    REMOVE_HANDLE,
    STRATEGIES,
    TIMED_OUT,
    USED,
    define,
    encrypt,
    mitogens,
    results,
    run,
    sleeping,
    speed,
)
from testing.runner import Service, short_folder
from testing.runner_processes import of_this_run
from testing.ssh_account import REACH, SshAccount, ssh_account
from testing.ssh_server import known_hosts_line, new_key
from testing.ssh_services import change, use
from testing.waiting import PATIENCE, eventually

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make accounts and start sshd"
)


@pytest.fixture(scope="module")
def target() -> Iterator[SshAccount]:
    """The host that runs reach, with an authorized key `key`."""
    with ssh_account() as made:
        yield made


@pytest.fixture(scope="module")
def key(target: SshAccount) -> str:
    made = target.make_key("key")
    target.authorize("key")
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which mitogen is installed once, in place of an older version."""
    made = tmp_path_factory.mktemp("data")
    (made / "accelerators" / "mitogen-0.3.0").mkdir(parents=True)
    return made


@pytest.fixture
def service(
    tmp_path: Path, target: SshAccount, key: str, data: Path
) -> Iterator[Service]:
    """A service that reaches the host; its runs leave no process behind."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        made.arguments = ["--data", str(data)]
        define(made, target, REACH)
        use(made, ssh__target={"private_key": key, "user": target.user})
        yield made
        made.end()
        eventually(lambda: not of_this_run(made))


def test_each_strategy_of_a_playbook_is_accelerated_and_starts_in_the_home(
    service: Service, target: SshAccount, data: Path
) -> None:
    define(service, target, STRATEGIES, credentials=["ssh:target"])
    accelerated = run(service)
    change(service, accelerate="none")
    plain = run(service)

    assert speed(accelerated).startswith(USED)
    assert "mitogen" not in speed(plain)
    for one, other in zip(
        results(accelerated, "Who"), results(plain, "Who"), strict=True
    ):
        assert "mitogen:" in one
        assert "mitogen:" not in other
        assert one.splitlines()[-2:] == other.splitlines()[-2:]
    installed = (data / "accelerators").glob("mitogen-*")
    assert ["mitogen-0.3.54"] == [path.name for path in installed]
    # mitogen adds a warning to no task, nor a line to the output.
    assert [len(e["stdout"]) for e in accelerated.events] == [
        len(e["stdout"]) for e in plain.events
    ]


def test_owed_handlers_run_first_with_each_strategy(
    service: Service, target: SshAccount
) -> None:
    strategies = ("linear", "free", "host_pinned")
    plays = "".join(map(OWING.format, strategies, strategies))
    define(service, target, plays, credentials=["ssh:target"])
    owed = {"target": [f"Restart {strategy}" for strategy in strategies]}
    content = json.loads(service.config.read_text())
    service.write(service.config, content | {"owed_handlers": owed})

    outcome = run(service)

    assert speed(outcome).startswith(USED)
    assert [
        task for strategy in strategies for task in (f"Restart {strategy}", "Work")
    ] == [event["event_data"]["task"] for event in outcome.named("runner_on_ok")]


def test_a_handle_may_be_gone_at_the_end_of_a_run(
    service: Service, target: SshAccount
) -> None:
    """Otherwise, a run may print a traceback of mitogen, after its recap."""
    define(service, target, ENDED, credentials=["ssh:target"])
    (service.folder / "library").mkdir()
    (service.folder / "library" / "remove_handle.py").write_text(REMOVE_HANDLE)

    assert ["removed"] == results(run(service), "Remove a handle")


def test_a_key_a_become_password_and_a_vault_password_work_and_nothing_is_shown(
    service: Service, target: SshAccount, key: str
) -> None:
    vaulted = encrypt("canary-of-vault", "canary-password")
    define(service, target, EVERYTHING.format(vaulted=vaulted))
    use(
        service,
        ssh__target={"private_key": key, "user": target.user},
        become__target={"password": target.password},
        vault__default={"password": "canary-password"},
    )
    accelerated = run(service)
    change(service, accelerate="none")
    plain = run(service)

    assert speed(accelerated).startswith(USED)
    assert ["root"] == results(accelerated, "Become")
    assert ["found ********"] == results(accelerated, "Print")
    for canary in ("canary-of-vault", "canary-password", target.password):
        assert canary not in accelerated.journal.decode()
    kinds = [(e["event"], e["event_data"].get("task")) for e in accelerated.events]
    assert kinds == [(e["event"], e["event_data"].get("task")) for e in plain.events]
    [diff] = accelerated.named("runner_on_ok", "Write")
    assert "diff" in diff["event_data"]["res"]


@pytest.mark.parametrize("fault", ["unknown", "changed", "argument"])
def test_a_host_key_is_refused_as_without_mitogen(
    service: Service, target: SshAccount, tmp_path: Path, fault: str
) -> None:
    other = new_key(tmp_path / "other")
    known = tmp_path / "known"
    known.write_text("" if fault == "unknown" else known_hosts_line(target.port, other))
    ssh_args = f"-F none -o UserKnownHostsFile={known}"
    settings = f"[ssh_connection]\nssh_args = {ssh_args}"
    if fault == "argument":
        # mitogen would let host_key_checking win over the argument.
        settings = f"[defaults]\nhost_key_checking = false\n{settings}"
        settings += " -o StrictHostKeyChecking=yes"
    (service.folder / "ansible.cfg").write_text(f"{settings}\n")
    accelerated = run(service)
    change(service, accelerate="none")
    plain = run(service)

    reports = [
        [each["host_key"] for each in outcome.objects if "host_key" in each]
        for outcome in (accelerated, plain)
    ]
    assert speed(accelerated).startswith(USED)
    assert 1 == len(reports[0]), accelerated.journal.decode()
    assert reports[0] == reports[1]
    assert ("unknown" if fault == "unknown" else "changed") == reports[0][0]["problem"]
    assert (4, 4) == (accelerated.code, plain.code)


def test_a_run_uses_an_accepted_host_key_a_password_and_a_discovered_interpreter(
    service: Service, target: SshAccount
) -> None:
    (service.folder / "ansible.cfg").write_text(
        "[ssh_connection]\nssh_args = -F none -o UserKnownHostsFile=/dev/null\n"
    )
    inventory = target.inventory
    del inventory["all"]["hosts"]["target"]["ansible_python_interpreter"]
    service.write(service.folder / "hosts.json", inventory)
    use(service, password__target={"password": target.password, "user": target.user})
    content = json.loads(service.config.read_text())
    line = target.known_hosts.read_text()
    service.write(service.config, {**content, "known_hosts": line})
    outcome = run(service)

    assert [target.user] == results(outcome, "command")
    assert speed(outcome).startswith(USED)
    assert target.password not in outcome.journal.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("become", ["false", "true"])
def test_a_canceled_run_leaves_no_process_on_the_host(
    service: Service, target: SshAccount, key: str, number: int, become: str
) -> None:
    unique = f"{os.getpid()}.{number}{'1' if become == 'true' else '0'}"
    left, ended = f"7{unique}", f"8{unique}"
    define(service, target, CANCELED.format(left=left, ended=ended, become=become))
    use(
        service,
        ssh__target={"private_key": key, "user": target.user},
        become__target={"password": target.password},
    )
    with (service.config.parent / "journal").open("wb") as stdout:
        process = service.start(stdout, NETWORK)
    eventually(lambda: sleeping(ended) or process.poll() is not None)
    journal = (service.config.parent / "journal").read_text()
    assert USED in journal
    assert sleeping(ended), journal
    # A run that is killed can't remove its sockets, but its private folder is removed.
    assert [] == list(service.temp.glob("mitogen*.sock"))
    assert mitogens(target)

    process.send_signal(number)
    process.wait(PATIENCE)

    eventually(lambda: not of_this_run(service))
    eventually(lambda: not sleeping(ended))
    [service_of_the_host] = sleeping(left)
    service_of_the_host.kill()
    # The server ends the sessions; only its own process is left.
    eventually(lambda: not mitogens(target))


def test_the_timeout_of_a_task_ends_its_command_on_the_host(
    service: Service, target: SshAccount, key: str
) -> None:
    seconds = f"9{os.getpid()}.5"
    define(service, target, TIMED_OUT.format(seconds=seconds))
    use(
        service,
        ssh__target={"private_key": key, "user": target.user},
        become__target={"password": target.password},
    )
    outcome = run(service)

    assert [target.user] == results(outcome, "Go on")
    [failed] = outcome.named("runner_on_failed", "Take too long")
    assert "Timed out after 2 second(s)" in failed["event_data"]["res"]["msg"]
    eventually(lambda: not sleeping(seconds))


def test_a_run_does_without_mitogen_if_it_cannot_be_installed(
    service: Service, target: SshAccount, tmp_path: Path
) -> None:
    service.arguments = ["--data", str(tmp_path / "data")]
    outcome = run(service, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="")

    assert [target.user] == results(outcome, "command")
    assert "no mitogen (mitogen 0.3.54 can't be installed: uv: " in speed(outcome)


def test_a_run_does_without_mitogen_if_ansible_core_is_too_old_for_it(
    service: Service, target: SshAccount, data: Path
) -> None:
    (service.folder / "site.yml").write_text(REACH)
    (service.folder / "ansible.cfg").write_text(
        f"[ssh_connection]\nssh_args = {target.ssh_args}\n"
    )
    site = {"playbook": "site.yml", "inventory": "hosts.json",
            "accelerate": "mitogen", "credentials": ["ssh:target"]}  # fmt: skip
    credentials = json.loads(service.config.read_text())["credentials"]
    service.define_project(data, ansible=">=2.18,<2.19", services={"site": site})
    service.arguments = []
    service.launch()
    content = json.loads(service.config.read_text())
    service.write(service.config, {**content, "credentials": credentials})
    outcome = run(service)

    assert 0 == outcome.code, outcome.journal.decode()
    [recap] = outcome.named("playbook_on_stats")
    assert {"target": 1} == recap["event_data"]["ok"]
    assert speed(outcome).startswith(
        "no mitogen (mitogen 0.3.54 is for ansible-core 2.19 to 2.21, and this is 2.18."
    )
