"""Commands on users, credentials, projects, webhooks: on the host and over HTTPS."""

import json
import subprocess
import sys
from pathlib import Path

from testing.command_line import assert_refused, command, every_way, listed, said
from testing.git_repository import GitRepository
from testing.installation import Installation

_PASSWORD = "correct horse battery staple"


@every_way
def test_users_are_created_changed_and_logged_out(
    fastdeploy: Installation, name: str
) -> None:
    user = ("user", "create", name, "--role", "viewer")
    with fastdeploy.visitor() as browser:
        created = said(fastdeploy, *user, stdin=f"{_PASSWORD}\n")
        twice = command(fastdeploy, *user, stdin=f"{_PASSWORD}\n")
        short = command(fastdeploy, "user", "create", "short", stdin="short\n")
        browser.post("/login", data={"name": name, "password": _PASSWORD})
        (found,) = [u for u in listed(fastdeploy, "user", "list") if u["name"] == name]
        table = said(fastdeploy, "user", "list")
        ended = said(fastdeploy, "user", "logout", name)
        after = browser.get("/")
    said(fastdeploy, "user", "set-password", name, stdin=f"{_PASSWORD} 2\n")
    factor = command(fastdeploy, "user", "reset-second-factor", name)

    assert f"user {name} (viewer) is created\n" == created
    assert_refused(twice, f"there is a user {name} already")
    assert_refused(short, "password: a password has 10 to 1024 characters")
    assert ("viewer", 1) == (found["role"], found["sessions"])
    assert name in table
    assert "sessions ended: 1\n" == ended
    assert 401 == after.status_code
    assert_refused(factor, f"{name} has no second factor")
    for unknown in ("nobody", "a/b"):
        assert_refused(command(fastdeploy, "user", "logout", unknown),
                       f"there is no user {unknown!r}")  # fmt: skip


def test_teams_tokens_and_grants_give_and_take_permissions(
    fastdeploy: Installation, name: str
) -> None:
    said(fastdeploy, "user", "create", f"{name}-ada", stdin=f"{_PASSWORD}\n")
    said(fastdeploy, "team", "create", name)
    said(fastdeploy, "team", "add", name, f"{name}-ada")
    (team,) = [t for t in listed(fastdeploy, "team", "list") if t["name"] == name]
    token = said(fastdeploy, "token", "create", name, "--scope", "view", "--days", "9",
                 "--services", "shop/*")  # fmt: skip
    days = command(fastdeploy, "token", "create", "x", "--scope", "view", "--days", "0")
    added = said(fastdeploy, "grant", "add", "team", name, "deploy", "shop/*@staging")
    number = added.split()[1].rstrip(":")
    mine = [g for g in listed(fastdeploy, "grant", "list") if g["name"] == name]
    tables = [said(fastdeploy, kind, "list") for kind in ("team", "token", "grant")]
    removed = said(fastdeploy, "grant", "remove", number)
    again = command(fastdeploy, "grant", "remove", number)
    huge = command(fastdeploy, "grant", "remove", str(10**20))
    revoked = said(fastdeploy, "token", "revoke", name)
    gone = command(fastdeploy, "token", "revoke", name)
    said(fastdeploy, "team", "remove", name, f"{name}-ada")
    deleted = said(fastdeploy, "team", "delete", name)
    resolved = command(fastdeploy, "team", "create", "..")

    assert [f"{name}-ada"] == team["members"]
    assert token.startswith("fd_")
    assert_refused(days, "days: must be at least 1")
    assert f"grant {number}: team {name}: deploy on shop/*@staging\n" == added
    assert {("team", "deploy"), ("token", "view")} == {
        (each["subject"], each["permission"]) for each in mine
    }
    assert all(name in table for table in tables)
    assert "by its grants" in tables[1]
    assert f"removed team {name}: deploy on shop/*@staging\n" == removed
    assert_refused(again, f"there is no grant {number}")
    assert_refused(huge, f"there is no grant {10**20}")
    assert f"token {name} is revoked\n" == revoked
    assert_refused(gone, f"there is no token {name!r}")
    assert f"team {name} is deleted\n" == deleted
    assert "name: a team's name has 1 to 64 letters" in resolved.stderr


def test_credentials_are_added_tried_and_removed_without_being_shown(
    fastdeploy: Installation, name: str, either_way: str, tmp_path: Path
) -> None:
    reference = f"vault:{name}"
    (tmp_path / "password").write_text(_PASSWORD)
    file = tmp_path / "vault.yml"
    file.write_text("a: 1\n")
    vault = Path(sys.executable).with_name("ansible-vault")
    password_file = f"--vault-password-file={tmp_path / 'password'}"
    subprocess.run([vault, "encrypt", password_file, file], check=True)

    added = said(fastdeploy, "credential", "add", reference, stdin=f"{_PASSWORD}\n")
    twice = command(fastdeploy, "credential", "add", reference, stdin="other\n")
    found = listed(fastdeploy, "credential", "list")
    shown = said(fastdeploy, "credential", "show", reference)
    tried = said(fastdeploy, "credential", "test", reference, "--file", str(file))
    git = f"git-token:{name}"
    said(fastdeploy, "credential", "add", git, stdin="a-token\n")
    elsewhere = command(fastdeploy, "credential", "test", git, "--url",
                     "https://127.0.0.1:1/x.git")  # fmt: skip
    removed = said(fastdeploy, "credential", "remove", reference)
    gone = command(fastdeploy, "credential", "show", reference)

    assert f"credential {reference} is stored\n" == added
    assert 1 == twice.returncode
    assert reference in [each["reference"] for each in found]
    assert f"credential:  {reference}" in shown
    assert "it decrypts the file\n" == tried
    if either_way == "host":
        assert "127.0.0.1" in elsewhere.stderr
    else:
        assert "this command works on FastDeploy's host only" in elsewhere.stderr
    assert 1 == elsewhere.returncode
    assert f"credential {reference} is removed\n" == removed
    assert_refused(gone, f"there is no credential {reference}")
    assert _PASSWORD not in json.dumps(found) + added + shown + tried + removed


def test_a_project_is_added_shown_and_removed(
    fastdeploy: Installation, name: str, either_way: str, tmp_path: Path
) -> None:
    root = tmp_path / name
    root.mkdir()
    nothing = command(fastdeploy, "project", "add", str(root), "--yes")
    (root / "site.yml").write_text("- hosts: all\n")
    kept = command(fastdeploy, "project", "add", str(root), stdin="n\n")
    before = (fastdeploy.services / name).exists()

    added = said(fastdeploy, "project", "add", str(root), stdin="y\n")
    found = listed(fastdeploy, "project", "list")
    shown = said(fastdeploy, "project", "show", name)
    table = said(fastdeploy, "project", "list")
    kept_again = command(fastdeploy, "project", "remove", name, stdin="n\n")
    removed = said(fastdeploy, "project", "remove", name, "--yes")
    gone = command(fastdeploy, "project", "show", name)
    relative = command(fastdeploy, "project", "add", "somewhere", "--yes")

    assert f"there is no playbook in {root}" in nothing.stderr
    assert (1, 1, False) == (kept.returncode, kept_again.returncode, before)
    assert "1 playbook: site.yml\n" in added
    assert "fastdeploy.yml would be:\n" in added
    assert f"│ {name}/site │ site.yml │" in added
    assert f"\nproject {name} is added; fastdeploy.yml describes it\n" in added
    assert f"deploy with: fastdeploy deploy {name}/site" in added
    (project,) = [each for each in found if each["name"] == name]
    assert str(root) == project["source"]
    assert f"name:        {name}\n" in shown
    assert name in table
    assert removed.startswith(f"project {name} is removed\nservice {name}/site")
    assert_refused(gone, f"there is no project {name!r}")
    assert "must be an absolute path on FastDeploy's host" in relative.stderr
    assert either_way == "host" or not relative.stdout


def test_webhooks_and_channels_are_managed(
    fastdeploy: Installation, name: str, tmp_path: Path
) -> None:
    repository = GitRepository(tmp_path / f"git-{name}")
    repository.commit("First", {"site.yml": "- hosts: all\n"})
    url = f"file://{repository.folder}"
    said(fastdeploy, "project", "add", url, "--name", f"git-{name}", "--yes")

    secret = said(fastdeploy, "webhook", "create", name, "--provider", "github",
                  "--project", f"git-{name}")  # fmt: skip
    second = said(fastdeploy, "webhook", "rotate", name)
    spoken = [
        said(fastdeploy, "webhook", *words)
        for words in (
            ("rotate", name, "--finish"), ("pause", name), ("list",), ("show", name),
            ("resume", name), ("deliveries", name), ("remove", name),
        )
    ]  # fmt: skip
    gone = command(fastdeploy, "webhook", "redeliver", name, "1")
    wrong = command(fastdeploy, "channel", "add", "a/b", stdin="slack://a/b/c\n")
    stored = said(fastdeploy, "channel", "add", name, stdin="slack://secret/b/c\n")
    channels = [
        said(fastdeploy, "channel", *words)
        for words in (
            ("pause", name), ("list",), ("resume", name), ("test", name),
            ("messages", name), ("remove", name, "--force"),
        )
    ]  # fmt: skip

    assert secret.strip()
    assert secret != second
    assert f"webhook {name} has one valid secret\n" == spoken[0]
    assert f"webhook {name} is paused\n" == spoken[1]
    assert "paused" in spoken[2]
    assert f"path:        /hooks/{name}\n" in spoken[3]
    assert f"webhook {name} is removed\n" == spoken[-1]
    assert_refused(gone, f"there is no webhook {name!r}")
    assert "name: must have 1 to 64 lower-case letters" in wrong.stderr
    assert f"channel {name} is stored" in stored
    assert "slack" in channels[1]
    assert name in channels[4]
    assert f"channel {name} is removed\n" == channels[-1]
    assert "secret" not in stored + "".join(channels)
