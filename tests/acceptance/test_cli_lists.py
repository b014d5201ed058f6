"""The command line's lists, and what it adds: credentials, projects, users, tokens."""

import json
import re
from pathlib import Path

import pytest

from app.domain.node import NodeInstance
from app.usecases import nodes
from testing.command_line import assert_refused, command, command_on_host
from testing.git_http import GitHttp
from testing.git_repository import GitRepository
from testing.installation import Installation


def test_credentials_are_added_from_files_and_stdin_and_never_shown(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    value = "canary-of-a-credential"
    (tmp_path / "vault").write_text(f"{value}\n")
    command_line = ("--command", "--", "op", "read", "op://prod/key")
    done = [
        command(fastdeploy, "credential", *arguments, stdin=stdin)
        for stdin, arguments in (
            (f"{value}\n", ("add", "become:prod", "--description", "of the shop")),
            ("", ("add", "vault:prod", "--file", str(tmp_path / "vault"))),
            ("", ("add", "ssh:prod", *command_line)),
            ("", ("add", "token:ci", "--ask")),
            ("", ("list", "--json")),
            ("", ("show", "ssh:prod")),
        )
    ]
    refused = command(fastdeploy, "credential", "add", "become:x", value, stdin=value)
    rotated = command(fastdeploy, "secret", "rotate")

    assert [(0, "")] * 6 == [(each.returncode, each.stderr) for each in done]
    assert not any(value in each.stdout for each in (*done, rotated))
    listed = {each["reference"]: each for each in json.loads(done[4].stdout)}
    added = {
        "become:prod": "stored", "ssh:prod": "command", "token:ci": "ask",
        "vault:prod": "stored",
    }  # fmt: skip
    # Another test of this installation may have added one.
    assert added == {name: listed[name]["home"] for name in added}
    assert "op read op://prod/key" in done[5].stdout
    assert 1 == refused.returncode
    assert "isn't taken from the command line" in refused.stderr
    again = re.search(r"encrypted again: (\d+) credentials", rotated.stdout)
    # Other tests have credentials too.
    assert again is not None
    assert int(again[1]) >= 2


@pytest.mark.usefixtures("either_way")
def test_a_launch_takes_a_credential_and_a_file_from_the_command_line(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    script = "#!/bin/sh\ntr -d ' ' <$2 | grep -o 'a:\\\\nb\\|hunter2-of-the-test'\n"
    schema = {"properties": {"text": {"type": "string"}}}
    fastdeploy.write_service(
        "asking", script, credentials=["become:asked"], variables=schema
    )
    (tmp_path / "text").write_text("a:\nb")
    add = ("credential", "add", "become:asked", "--ask", "--replace")
    assert 0 == command_on_host(fastdeploy, *add).returncode

    missing = command(fastdeploy, "deploy", "asking")
    done = command(
        fastdeploy, "deploy", "asking", "--follow", "--credential", "become:asked=-",
        "--extra-file", f"text={tmp_path / 'text'}", stdin="hunter2-of-the-test\n",
    )  # fmt: skip

    assert_refused(missing, "credential.become:asked.password: is required")
    assert 0 == done.returncode, done
    assert "a:\\nb" in done.stdout.splitlines()
    assert "********" in done.stdout.splitlines()
    assert "hunter2" not in done.stdout


def test_a_project_is_added_with_a_token_from_the_command_line(
    fastdeploy: Installation, tmp_path: Path
) -> None:
    token, reference = "canary-token-of-git", "git-token:private"
    repository = GitRepository(tmp_path / "private")
    repository.commit("First", {"site.yml": "- hosts: all\n"})
    with GitHttp(tmp_path, "x-access-token", token).serving() as server:
        url = f"{server.address}/private/.git"
        adding = ("project", "add", url, "--name", "private", "--yes")
        refused = command(fastdeploy, *adding)
        done = [
            command(fastdeploy, *arguments, stdin=f"{token}\n")
            for arguments in (
                ("credential", "add", reference),
                ("credential", "test", reference, "--url", url),
                (*adding, "--credential", reference),
                ("credential", "test", reference, "--project", "private"),
                ("project", "show", "private"),
            )
        ]
        kept = command(fastdeploy, "credential", "remove", reference)

    assert 1 == refused.returncode
    assert "can't be reached" in refused.stderr
    assert [(0, "")] * 5 == [(each.returncode, each.stderr) for each in done]
    assert [f"{url} can be read with it\n"] * 2 == [done[n].stdout for n in (1, 3)]
    assert reference in done[4].stdout
    assert_refused(
        kept,
        f"private can't be fetched without the credential {reference}: remove it from "
        "project.json there first, or force the removal",
    )
    assert not any(token in each.stdout for each in done)


def test_deployments_are_listed_by_service_and_status_and_shown(
    fastdeploy: Installation, either_way: str
) -> None:
    name = "counted" if either_way == "host" else "counted-there"
    fastdeploy.write_service(name, "#!/bin/sh\necho hello\n")
    fastdeploy.write_service("other", "#!/bin/sh\n")
    first, second = (fastdeploy.run(name).id for _ in range(2))
    fastdeploy.run("other")

    def ids(*options: str) -> list[int]:
        words = ("deployment", "list", "--service", name, *options, "--json")
        done = command(fastdeploy, *words)
        return [each["id"] for each in json.loads(done.stdout)]

    shown = command(fastdeploy, "show", str(first), "--json")
    spent = command(fastdeploy, "show", str(first), "--timing")
    plain = command(fastdeploy, "list", "--service", name)
    unknown = command(fastdeploy, "deployment", "list", "--service", "nothing")

    assert [second, first] == ids("--status", "successful")
    assert [second] == ids("--limit", "1")
    assert [] == ids("--status", "failed")
    assert (first, name, "successful") == tuple(
        json.loads(shown.stdout)[key] for key in ("id", "service", "status")
    )
    assert 2 == plain.stdout.count(" successful ")
    assert "\x1b" not in plain.stdout
    assert ["waiting", "preparing", "running"] == re.findall(
        "waiting|preparing|running", spent.stdout
    )
    assert_refused(unknown, "there is no service 'nothing'")


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["service", "list"], {"name", "error", "last_status"}),
        (["node", "list"], {"name", "state", "running"}),
        (["user", "list"], {"name", "role", "sessions"}),
        (["token", "list"], {"name", "scopes", "expires_at"}),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_every_list_is_printed_as_json_without_secrets(
    fastdeploy: Installation, words: list[str], keys: set[str]
) -> None:
    name = f"json-{words[0]}"
    fastdeploy.write_service(name, "#!/bin/sh\n")
    command(fastdeploy, "user", "create", name, stdin="a long password\n")
    token = command(fastdeploy, "token", "create", name, "--scope", "view").stdout

    done = command(fastdeploy, *words, "--json")

    assert (0, "") == (done.returncode, done.stderr)
    rows = json.loads(done.stdout)
    assert rows
    assert all(keys <= row.keys() for row in rows)
    assert token.strip() not in done.stdout
    assert "hash" not in done.stdout


def test_a_created_user_can_log_in(fastdeploy: Installation) -> None:
    done = command(fastdeploy, "user", "create", "ada", "--role", "viewer",
                   stdin="a long password\n")  # fmt: skip
    short = command(fastdeploy, "user", "create", "bob", stdin="short\n")
    twice = command(fastdeploy, "user", "create", "ada", stdin="a long password\n")

    with fastdeploy.visitor() as browser:
        wrong = browser.post("/login", data={"name": "ada", "password": "wrong"})
        answer = browser.post(
            "/login", data={"name": "ada", "password": "a long password"}
        )
        page = browser.get("/")

    assert "user ada (viewer) is created\n" == done.stdout
    assert_refused(short, "password: a password has 10 to 1024 characters")
    assert_refused(twice, "there is a user ada already")
    assert [401, 303, 200] == [r.status_code for r in (wrong, answer, page)]


def test_a_created_token_can_do_what_it_was_created_for(
    fastdeploy: Installation,
) -> None:
    done = command(
        fastdeploy, "token", "create", "ci", "--scope", "view", "--days", "1"
    )
    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}

    with fastdeploy.visitor() as client:
        seen = client.get("/api/v1/services", headers=headers)
        sync = client.post("/api/v1/services/sync", headers=headers)
        revoked = command(fastdeploy, "token", "revoke", "ci")
        after = client.get("/api/v1/services", headers=headers)

    assert "token ci is revoked\n" == revoked.stdout
    assert [200, 403, 401] == [r.status_code for r in (seen, sync, after)]


def test_tables_are_neither_folded_nor_cut_in_a_pipe(
    fastdeploy: Installation,
) -> None:
    long = f"ip-10-0-12-34.{'a-long-part.' * 12}internal"
    token = "t" * 64
    nodes.beat(fastdeploy.store, long, me=NodeInstance(long), concurrency=1)
    command(
        fastdeploy, "token", "create", token, "--scope", "view", "--scope", "deploy"
    )

    try:
        listed = command(fastdeploy, "node", "list", COLUMNS="40")
        tokens = command(fastdeploy, "token", "list", COLUMNS="40")
    finally:
        nodes.stop(fastdeploy.store, long, NodeInstance(long))

    (node,) = [line for line in listed.stdout.splitlines() if long in line]
    assert "ready" in node
    (found,) = [line for line in tokens.stdout.splitlines() if token in line]
    assert "deploy, view" in found


def test_the_audit_log_is_listed_exported_and_verified(
    fastdeploy: Installation,
) -> None:
    command(fastdeploy, "user", "create", "auditor", stdin="a long password of it\n")

    listed = command(fastdeploy, "audit", "list", "--action", "create user", "--json")
    exported = command(fastdeploy, "audit", "export")
    verified = command(fastdeploy, "audit", "verify")
    last = verified.stdout.splitlines()[-1]
    again = command(fastdeploy, "audit", "verify", "--known", last)
    number, _, digest = last.partition(":")
    other = f"{number}:{digest[::-1]}"
    changed = command(fastdeploy, "audit", "verify", "--known", other)
    wrong = command(fastdeploy, "audit", "verify", "--known", "yesterday")

    assert "auditor" == json.loads(listed.stdout)[0]["subject"]
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [line["chain_number"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["hash"] == digest
    assert (0, 0) == (verified.returncode, again.returncode)
    assert (1, 1) == (changed.returncode, wrong.returncode)
    assert "has another hash than the given one" in changed.stderr
    assert "--known is NUMBER:HASH" in wrong.stderr
