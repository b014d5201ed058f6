"""Credentials reach Ansible beside what the repository has set, not in its place."""

from pathlib import Path

import pytest

from app.runner import credential_references, project_file
from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential, Credentials
from app.runner.injection import Injection

PASSWORD = Credential(Kind.PASSWORD, "x", {"password": "p4ssword", "user": "ada"})


def settings(tmp_path: Path, env: dict[str, str], **cfg: dict[str, str]) -> Injection:
    """Return what a run with a password for SSH gets."""
    injection = Injection(Credentials((PASSWORD,)), tmp_path)
    injection.configure(env, cfg)
    return injection


def test_a_user_is_the_default_unless_ansible_cfg_sets_one(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()

    alone = settings(tmp_path / "a", {})
    configured = settings(tmp_path / "b", {}, defaults={"remote_user": "bob"})
    given = settings(tmp_path / "c", {"ANSIBLE_REMOTE_USER": "eve"})

    assert "ada" == alone.environment["ANSIBLE_REMOTE_USER"]
    for kept in (configured, given):
        assert "ANSIBLE_REMOTE_USER" not in kept.environment


OWN = "-o ControlPath=FOLDER/cp/%C"
KEPT = "-C -o ControlMaster=auto -o ControlPersist=1h"


@pytest.mark.parametrize(
    ("env", "cfg", "expected"),
    [
        ({}, {}, KEPT),
        ({}, {"ssh_args": "-o ServerAliveInterval=5 -A"}, None),
        ({}, {"ssh_args": "-A -o ControlPath=/x"}, f"{OWN} -A -o ControlPath=/x"),
        ({"ANSIBLE_SSH_ARGS": "-S /tmp/x"}, {"ssh_args": "-A"}, f"{OWN} -S /tmp/x"),
        ({"ANSIBLE_SSH_COMMON_ARGS": "-o controlpath=/tmp/x"}, {}, f"{OWN} {KEPT}"),
    ],
)  # fmt: skip
def test_a_run_keeps_the_sockets_of_ssh_in_its_own_folder(
    tmp_path: Path, env: dict[str, str], cfg: dict[str, str], expected: str | None
) -> None:
    found = settings(tmp_path, env, ssh_connection=cfg).environment

    own = expected and expected.replace("FOLDER", str(tmp_path))
    assert str(tmp_path / "cp") == found["ANSIBLE_SSH_CONTROL_PATH_DIR"]
    assert own == found.get("ANSIBLE_SSH_ARGS")
    assert "ANSIBLE_SSH_CONTROL_PATH" not in found


def test_a_password_is_in_no_argument_variable_or_file(tmp_path: Path) -> None:
    injection = settings(tmp_path, {})

    [option] = injection.arguments
    fifo = Path(option.removeprefix("--connection-password-file="))
    assert (True, 0o600) == (fifo.is_fifo(), fifo.stat().st_mode & 0o777)
    assert "p4ssword" not in f"{injection.arguments}{injection.environment}"
    assert "p4ssword" not in repr(PASSWORD)
    injection.provide()
    assert "p4ssword\n" == fifo.read_text()
    assert not fifo.exists()


@pytest.mark.parametrize(
    ("references", "problem"),
    [
        (["ssh:a", "ssh:b", "vault:a", "vault:b", "become:a", "token:a-b"], ""),
        ("ssh:a", "must be a list"),
        (["ssh:A"], "must have references of the form kind:name, not 'ssh:A'"),
        (["git-ssh:a"], "can't name git-ssh:a, which git uses for the repository"),
        (["ssh:a", "ssh:a"], "must name ssh:a once"),
        (["become:a", "become:b"], "must name one credential of the kind become"),
        (["token:ld-preload"], "can't name token:ld-preload: LD_PRELOAD changes how"),
        (["token:git_ssh_command"], "can't name token:git_ssh_command: GIT_SSH_COMMAN"),
        (["token:git-token"], ""),
        (["token:fastdeploy-run"], "can't name token:fastdeploy-run: FASTDEPLOY_RUN"),
        (["token:1a"], "can't name token:1a: '1A' must have letters"),
        (["token:a-b", "token:a.b"], "can't name both token:a-b and token:a.b: both"),
        (["token:port"], "can't name token:port: \"environment\" sets PORT too"),
    ],
)  # fmt: skip
def test_a_list_of_credentials_is_refused_with_the_reason(
    references: object, problem: str
) -> None:
    found = credential_references.find_problem(references, {"PORT": "1"})

    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_service_has_the_credentials_of_defaults_and_of_its_environment_too() -> None:
    project = {
        "project": "p",
        "defaults": {"credentials": ["vault:default"]},
        "services": {"web": {"playbook": "a.yml", "credentials": ["ssh:a"]}},
        "environments": {"prod": {"credentials": ["ssh:a", "become:prod"]}, "dev": {}},
    }

    prod, dev = (project_file.config_of(project, "web", e) for e in ("prod", "dev"))

    assert ["vault:default", "ssh:a", "become:prod"] == prod["credentials"]
    assert ["vault:default", "ssh:a"] == dev["credentials"]
