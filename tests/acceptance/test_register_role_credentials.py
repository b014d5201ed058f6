"""The role fastdeploy_register_service places and removes credentials."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from testing.register_role import register


def test_credentials_that_the_role_cannot_place_are_refused_without_their_value(
    tmp_path: Path,
) -> None:
    service = {
        "fastdeploy_service_config": {"playbook": "x.yml", "credentials": ["ssh:a"]},
        "fd_project": "/srv/shop",
    }

    cases: list[Any] = [
        "c4nary",
        ["ssh:a"],
        {"ssh:../a": {}},
        {"ssh:a": "c4nary"},
        {"ssh:a": {"private_key": "c4nary"}, "become:b": {"password": "c4nary"}},
    ]

    messages = register(
        tmp_path, *(service | {"fd_credentials": given} for given in cases)
    )

    *invalid, undeclared = messages
    for message in invalid:
        assert "fd_credentials must have an object for each" in message
    assert undeclared.startswith("become:b of fd_credentials must be in `credentials`")
    assert "c4nary" not in " ".join(messages)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
def test_a_registration_removes_credentials_that_no_service_of_its_user_needs(
    tmp_path: Path,
) -> None:
    etc = tmp_path / "etc"
    placed = etc / "credentials" / "root"
    placed.mkdir(parents=True)
    (etc / "registered").mkdir()
    needed = {
        "shop": ("root", ["become:old", "become:shared", "ssh:kept"]),
        "other": ("root", ["become:shared"]),
        "third": ("somebody", ["become:old"]),
    }
    for name, (user, credentials) in needed.items():
        record = {"name": name, "user": user, "credentials": credentials}
        (etc / "registered" / f"{name}.json").write_text(json.dumps(record))
    for name in ("become.old", "become.shared", "ssh.kept", "vault.by-hand"):
        (placed / f"{name}.json").write_text("{}")
    key = {"private_key": "line 1\nline 2\n", "user": "a"}

    register(
        tmp_path,
        {"fd_deploy_user": "root", "fd_credentials": {"ssh:kept": key},
         "_fastdeploy_common_etc": str(etc), "fd_runner_content": "#!/bin/sh"},
        then="credentials.yml",
    )  # fmt: skip

    assert ["become.shared.json", "ssh.kept.json", "vault.by-hand.json"] == sorted(
        path.name for path in placed.iterdir()
    )
    assert key == json.loads((placed / "ssh.kept.json").read_text())
    assert 0o600 == (placed / "ssh.kept.json").stat().st_mode & 0o777
    assert 0o750 == placed.stat().st_mode & 0o777
