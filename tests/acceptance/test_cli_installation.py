"""Commands on the audit log, host keys and nodes; completion, and what is refused."""

import json
from functools import partial
from pathlib import Path

import pytest

from app.domain.access import Permission
from app.domain.node import NodeInstance
from app.usecases import nodes, teams
from testing.command_line import (
    assert_refused,
    command,
    complete,
    every_way,
    listed,
    said,
)
from testing.factories import make_host_key
from testing.installation import ACTOR, Installation
from testing.scripts import HELLO
from testing.waiting import eventually

_PASSWORD = "correct horse battery staple"


@every_way
def test_the_audit_log_is_listed_over_pages_and_exported_in_order(
    fastdeploy: Installation, name: str
) -> None:
    for number in range(52):
        teams.create(fastdeploy.store, ACTOR, f"{name}-{number}")

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


@every_way
def test_a_node_is_forgotten_and_the_whole_host_is_checked(
    fastdeploy: Installation, name: str
) -> None:
    node = f"away/{name} & co"
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

    def completes(typed: str, found: str) -> bool:
        return found in complete(fastdeploy, f"fastdeploy {typed}")

    for typed, found in expected.items():
        # A completion gives up after two seconds, which a busy machine may need.
        eventually(partial(completes, typed, found))


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
