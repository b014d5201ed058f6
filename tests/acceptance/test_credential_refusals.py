"""Credentials that a run refuses, in a sentence that says what to do."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.runner import Service
from testing.ssh_account import SshAccount, ssh_account
from testing.ssh_services import change, place, ssh_service, use

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make accounts and start sshd"
)

FAILS = "echo c4nary | tee /dev/stderr; exit 1"


@pytest.fixture(scope="module")
def target() -> Iterator[SshAccount]:
    """The host that the inventory names."""
    with ssh_account() as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, target: SshAccount) -> Iterator[Service]:
    with ssh_service(tmp_path, target) as made:
        yield made


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
    change(service, credentials=["become:x"])

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
    key = target.make_key("closed", "canary passphrase")
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
