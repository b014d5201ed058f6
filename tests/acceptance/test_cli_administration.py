"""The commands of administration, on the host and over HTTPS."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.domain.access import Permission
from app.domain.node import NodeInstance
from app.usecases import nodes
from testing.command_line import assert_refused, command
from testing.factories import make_host_key
from testing.git_repository import GitRepository
from testing.installation import Installation
from testing.scripts import HELLO
from testing.waiting import eventually

_PASSWORD = "correct horse battery staple"


@pytest.fixture
def name(either_way: str) -> str:
    """A name that the commands of the other way don't use."""
    return "here" if either_way == "host" else "there"


def said(made: Installation, *words: str, stdin: str = "") -> str:
    """Return what a command prints that succeeds."""
    done = command(made, *words, stdin=stdin)
    assert (0, "") == (done.returncode, done.stderr), done
    return done.stdout


def listed(made: Installation, *words: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(said(made, *words, "--json"))


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
    assert "1 playbooks: site.yml\n" in added
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


def test_the_audit_log_is_listed_over_pages_and_exported_in_order(
    fastdeploy: Installation, name: str
) -> None:
    for number in range(52):
        said(fastdeploy, "team", "create", f"{name}-{number}")

    found = listed(fastdeploy, "audit", "list", "--action", "create team", "--limit",
                   "52")  # fmt: skip
    exported = [json.loads(line) for line in
                said(fastdeploy, "audit", "export").splitlines()]  # fmt: skip
    last = exported[-1]["chain_number"]
    rest = said(fastdeploy, "audit", "export", "--after", str(last - 2))
    wrong = command(fastdeploy, "audit", "list", "--before", str(10**20))

    assert [f"{name}-{n}" for n in reversed(range(52))] == [e["subject"] for e in found]
    assert list(range(1, last + 1)) == [each["chain_number"] for each in exported]
    assert exported[-2:] == [json.loads(line) for line in rest.splitlines()]
    assert "before: must be a whole number" in wrong.stderr


def test_host_keys_are_accepted_listed_and_removed(
    fastdeploy: Installation, name: str
) -> None:
    fastdeploy.write_service(f"keys-{name}", HELLO)
    scope, line = f"keys-{name}", make_host_key().line

    added = said(fastdeploy, "host-key", "add", scope, "-", stdin=f"{line}\n")
    again = command(fastdeploy, "host-key", "add", scope, "-", "--json", stdin=line)
    (found,) = listed(fastdeploy, "host-key", "list", scope)
    table = said(fastdeploy, "host-key", "list", scope)
    removed = said(fastdeploy, "host-key", "remove", str(found["id"]))
    gone = command(fastdeploy, "host-key", "remove", str(found["id"]))
    unknown = command(fastdeploy, "host-key", "add", "nothing", "-", stdin=line)

    assert added.startswith(f"{scope} trusts {found['host']} ")
    assert found["fingerprint"] in added
    assert [found] == json.loads(again.stdout)
    assert found["fingerprint"] in table
    assert removed.startswith(f"{scope} no longer trusts {found['host']} ")
    assert gone.stderr.startswith(f"fastdeploy: there is no host key {found['id']}")
    assert "there is no project or service 'nothing'" in unknown.stderr


def test_a_node_is_forgotten_and_the_whole_host_is_checked(
    fastdeploy: Installation, name: str
) -> None:
    node = f"away-{name}"
    nodes.beat(fastdeploy.store, node, me=NodeInstance(node), concurrency=1)
    nodes.stop(fastdeploy.store, node, NodeInstance(node))

    refused = command(fastdeploy, "node", "forget", "here")
    removed = said(fastdeploy, "node", "forget", node)
    gone = command(fastdeploy, "node", "forget", node)
    report = json.loads(command(fastdeploy, "service", "doctor", "--json").stdout)
    shown = command(fastdeploy, "service", "doctor")

    assert_refused(refused, "node here is ready; stop its worker first")
    assert f"node {node} is removed; deployments that ended as failed: 0\n" == removed
    assert_refused(gone, f"there is no node {node!r}")
    assert "here" == report["host"]
    assert report["findings"]
    assert (0 if report["healthy"] else 1) == shown.returncode
    assert shown.stdout.startswith("checks on here\n")


def test_a_shell_completes_what_is_administered(
    fastdeploy: Installation, name: str
) -> None:
    said(fastdeploy, "team", "create", f"crew-{name}")
    said(fastdeploy, "user", "create", f"grace-{name}", stdin=f"{_PASSWORD}\n")
    said(fastdeploy, "token", "create", f"bot-{name}", "--scope", "view")
    said(fastdeploy, "credential", "add", f"become:root-{name}", "--ask")
    said(fastdeploy, "channel", "add", f"ops-{name}", stdin="slack://a/b/c\n")
    expected = {
        "team delete crew": f"crew-{name}",
        "user logout grace": f"grace-{name}",
        "token revoke bot": f"bot-{name}",
        "grant add team crew": f"crew-{name}",
        "grant add token bot": f"bot-{name}",
        "credential show become:root": f"become:root-{name}",
        "channel pause ops": f"ops-{name}",
        "node forget he": "here",
    }

    def complete(typed: str) -> list[str]:
        done = call(
            fastdeploy, _FASTDEPLOY_COMPLETE="complete_bash",
            COMP_WORDS=f"fastdeploy {typed}", COMP_CWORD=str(len(typed.split())),
        )  # fmt: skip
        assert "" == done.stderr
        return done.stdout.split()

    for typed, found in expected.items():
        # A completion gives up after two seconds, which a busy machine may need.
        eventually(lambda typed=typed, found=found: found in complete(typed))


@pytest.mark.parametrize(
    "words",
    [("audit", "verify"), ("secret", "rotate"), ("environment", "list"),
     ("db", "migrate"), ("deployment", "prune"), ("restore", "finalize", "x")],
    ids=" ".join,
)  # fmt: skip
def test_what_only_the_host_can_do_says_so_to_a_client(
    fastdeploy: Installation, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = command(fastdeploy, *words, FASTDEPLOY_SERVER=fastdeploy.url,
                XDG_CONFIG_HOME=str(tmp_path))  # fmt: skip

    assert_refused(
        done,
        f"this command works on FastDeploy's host only, not through {fastdeploy.url}: "
        "run it there, or choose the FastDeploy of this host with --server local",
    )


def test_a_token_without_the_permission_is_refused_and_the_refusal_recorded(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    client = {
        "FASTDEPLOY_SERVER": fastdeploy.url,
        "FASTDEPLOY_TOKEN": fastdeploy.token(Permission.VIEW),
        "XDG_CONFIG_HOME": str(tmp_path),
    }

    refusals = [
        command(fastdeploy, *words, stdin="a long password\n", **client)
        for words in (
            ("user", "create", "mallory"), ("credential", "list"),
            ("audit", "export"), ("project", "add", "/srv/x", "--yes"),
        )
    ]  # fmt: skip
    noted = listed(fastdeploy, "audit", "list", "--action", "refused", "--limit", "4")

    assert [1] * 4 == [each.returncode for each in refusals]
    assert ["admin", "credentials", "admin", "admin"] == [
        each.stderr.split()[-1] for each in refusals
    ]
    assert "GET /api/v1/audit/chain" in noted[1]["subject"]
