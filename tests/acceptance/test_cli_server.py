"""The command line as a client of a server: logins, errors, dropped connections."""

import base64
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from app.domain.access import Permission
from testing import tls_proxy
from testing.browser import PASSWORD, violations, visit
from testing.command_line import assert_refused, command, complete
from testing.cutting_proxy import CuttingProxy
from testing.foreign_server import ForeignServer
from testing.http_thread import serving
from testing.installation import Installation
from testing.paths import ROOT
from testing.ports import free_port
from testing.private_ca import PrivateCa
from testing.scripts import HELLO
from testing.seeding import make_user
from testing.waiting import PATIENCE, eventually

#: Prints a line, waits for a file `go`, and prints another one.
WAITS = """#!/bin/sh
echo first
until [ -e "${0%/*}/go" ]; do sleep 0.05; done
echo second
"""


def test_a_follower_continues_after_its_connection_was_cut(
    fastdeploy: Installation, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    folder = fastdeploy.write_service("waits", WAITS)
    with CuttingProxy(fastdeploy.settings.port) as proxy, serving(proxy):
        variables = {"FASTDEPLOY_SERVER": proxy.url, "PYTHONUNBUFFERED": "1",
                     "FASTDEPLOY_TOKEN": fastdeploy.token()}  # fmt: skip
        out = tmp_path / "out"
        with out.open("wb") as file, subprocess.Popen(
            [sys.executable, "-m", "app", "deploy", "waits", "--follow"], cwd=ROOT,
            env=os.environ | fastdeploy.variables | elsewhere | variables, stdout=file,
            stderr=subprocess.PIPE,
        ) as follower:  # fmt: skip
            eventually(lambda: "first" in out.read_text())
            before = proxy.connections
            proxy.cut()
            eventually(lambda: proxy.connections > before)
            (folder / "go").touch()
            code = follower.wait(PATIENCE)

    lines = out.read_text().splitlines()
    assert 0 == code
    assert ["first", "second"] == [x for x in lines if x in ("first", "second")]
    assert re.fullmatch(r"deployment \d+ successful", lines[-1])


def test_a_page_logs_a_command_in_and_logout_revokes_its_token(
    fastdeploy: Installation, elsewhere: dict[str, str], browser: Browser,
    tmp_path: Path,
) -> None:  # fmt: skip
    make_user(fastdeploy)
    fastdeploy.write_service("shown", HELLO)
    environment = os.environ | fastdeploy.variables | elsewhere
    with subprocess.Popen(
        [sys.executable, "-m", "app", "login", fastdeploy.url, "--no-browser"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        address = next(line.strip() for line in process.stderr if "http" in line)
        with visit(browser, fastdeploy.url) as page:
            page.goto(address)
            page.get_by_label("Name").fill("ada")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("Log in on")
            assert [] == violations(page)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_text("Logged in. You can close")).to_be_visible()
        said, _ = process.communicate(timeout=PATIENCE)

    file = tmp_path / "config" / "fastdeploy" / "logins.json"
    token = json.loads(file.read_text())["tokens"][fastdeploy.url]
    listed = command(fastdeploy, "service", "list", **elsewhere)
    out = command(fastdeploy, "logout", **elsewhere)
    given = {"FASTDEPLOY_SERVER": fastdeploy.url, "FASTDEPLOY_TOKEN": token}
    after = command(fastdeploy, "service", "list", **elsewhere | given)

    assert 0 == process.returncode
    assert f"logged in to {fastdeploy.url} as ada" in said
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert token not in said
    assert (0, True) == (listed.returncode, "shown" in listed.stdout), listed
    assert f"logged out of {fastdeploy.url}; the token is revoked\n" == out.stdout
    assert {"server": "", "tokens": {}} == json.loads(file.read_text())
    assert_refused(
        after,
        "the token is unknown, expired or revoked; run fastdeploy login "
        f"{fastdeploy.url}",
    )


def test_a_keyring_keeps_the_token_instead_of_the_file(
    fastdeploy: Installation, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    token = fastdeploy.token(Permission.VIEW)
    backend = "keyrings.alt.file.PlaintextKeyring"
    with_keyring = elsewhere | {
        "PYTHON_KEYRING_BACKEND": backend, "XDG_DATA_HOME": str(tmp_path / "data"),
    }  # fmt: skip
    kept = tmp_path / "data" / "python_keyring" / "keyring_pass.cfg"
    file = tmp_path / "config" / "fastdeploy" / "logins.json"

    done = command(fastdeploy, "login", fastdeploy.url, "--token-stdin",
                   stdin=f"{token}\n", **with_keyring)  # fmt: skip
    in_keyring, in_file = kept.read_text(), file.read_text()
    listed = command(fastdeploy, "list", **with_keyring)
    without = command(fastdeploy, "list", **elsewhere)
    out = command(fastdeploy, "logout", **with_keyring)

    assert (0, "") == (done.returncode, done.stderr)
    assert "the token is in the keyring" in done.stdout
    assert base64.b64encode(token.encode()).decode() in in_keyring
    assert {"server": fastdeploy.url, "tokens": {}} == json.loads(in_file)
    assert 0 == listed.returncode, listed.stderr
    assert_refused(
        without,
        f"you are not logged in to {fastdeploy.url}: run fastdeploy login "
        f"{fastdeploy.url}",
    )
    assert "the token is revoked" in out.stdout
    assert base64.b64encode(token.encode()).decode() not in kept.read_text()


def test_a_token_from_standard_input_is_kept_where_nobody_else_reads_it(
    fastdeploy: Installation, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    token = fastdeploy.token(Permission.VIEW)

    done = command(fastdeploy, "login", fastdeploy.url, "--token-stdin",
                   stdin=f"{token}\n", **elsewhere)  # fmt: skip
    refused = command(fastdeploy, "service", "sync", **elsewhere)
    file = tmp_path / "config" / "fastdeploy" / "logins.json"
    file.chmod(0o640)
    readable = command(fastdeploy, "list", **elsewhere)

    assert (0, "") == (done.returncode, done.stderr)
    assert token not in done.stdout
    assert 1 == refused.returncode
    assert "may not sync" in refused.stderr
    assert_refused(
        readable,
        f"other users can read the tokens in {file}: run chmod 600 {file}, and log in "
        "again if somebody may have read them",
    )


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        (["list"], {"FASTDEPLOY_SERVER": "{away}", "FASTDEPLOY_TOKEN": "x"},
         "{away} can't be reached"),
        (["list"], {"FASTDEPLOY_SERVER": "{url}"},
         "you are not logged in to {url}: run fastdeploy login {url}"),
        (["list"], {"FASTDEPLOY_SERVER": "{url}", "FASTDEPLOY_TOKEN": "wrong"},
         "the token is unknown, expired or revoked; run fastdeploy login {url}"),
        (["list"], {"FASTDEPLOY_SERVER": "http://deploy.example.org"},
         "http://deploy.example.org isn't encrypted: use https://"),
        (["list"], {"FASTDEPLOY_SERVER": "{url}/other", "FASTDEPLOY_TOKEN": "x"},
         "{url}/other doesn't have /other/api/v1/deployments: check the address"),
        (["--server", "deploy", "list"], {}, "'deploy' is not the address of a server"),
        (["--server", "{url}", "db", "migrate"], {},
         "this command works on FastDeploy's host only, not through {url}"),
        (["--server", "{url}", "web"], {},
         "this command works on FastDeploy's host only, not through {url}"),
        (["logout"], {}, "you are not logged in to a server"),
    ],
    ids=["away", "no-token", "wrong-token", "http", "foreign", "no-url", "local",
         "process", "logout"],
)  # fmt: skip
def test_an_error_of_a_client_says_what_to_do(
    fastdeploy: Installation, elsewhere: dict[str, str], words: list[str],
    env: dict[str, str], said: str,
) -> None:  # fmt: skip
    names = {"url": fastdeploy.url, "away": f"http://127.0.0.1:{free_port()}"}
    given = {name: value.format(**names) for name, value in env.items()}

    done = command(fastdeploy, *(word.format(**names) for word in words),
                   **elsewhere | given)  # fmt: skip

    assert (1, "") == (done.returncode, done.stdout), done
    assert done.stderr.startswith(f"fastdeploy: {said.format(**names)}"), done.stderr
    assert 1 == done.stderr.count("\n")


@pytest.mark.parametrize(
    "body",
    [b"<html>Welcome to nginx</html>", b"", b"null", b'{"a": 1}', b'[{"a": 1}]',
     b"\xff["],
    ids=["html", "empty", "null", "object", "list", "not UTF-8"],
)  # fmt: skip
@pytest.mark.parametrize("words", [["list"], ["show", "3"]], ids=lambda words: words[0])
def test_a_server_that_is_not_fastdeploy_is_named(
    installation: Installation, elsewhere: dict[str, str], words: list[str], body: bytes
) -> None:
    server = ForeignServer(body)
    with serving(server):
        done = command(installation, *words, **elsewhere, FASTDEPLOY_SERVER=server.url,
                       FASTDEPLOY_TOKEN="x")  # fmt: skip

    assert_refused(
        done,
        f"{server.url} didn't answer as FastDeploy does: check the address and the "
        "proxy in front of it, and that both sides have the same version of FastDeploy",
    )


def test_a_file_of_authorities_that_is_missing_is_named(
    fastdeploy: Installation, elsewhere: dict[str, str], ca: PrivateCa, tmp_path: Path
) -> None:
    with tls_proxy.https("nginx", fastdeploy.url, tmp_path / "nginx", ca) as url:
        done = command(fastdeploy, "list", **elsewhere, FASTDEPLOY_SERVER=url,
                       FASTDEPLOY_TOKEN="x", SSL_CERT_FILE="/missing.pem")  # fmt: skip

    assert 1 == done.returncode
    assert done.stderr.endswith(
        "SSL_CERT_FILE names /missing.pem, which can't be read\n"
    )


def test_a_certificate_of_an_unknown_authority_is_refused(
    fastdeploy: Installation, elsewhere: dict[str, str], ca: PrivateCa, tmp_path: Path
) -> None:
    with tls_proxy.https("nginx", fastdeploy.url, tmp_path / "nginx", ca) as url:
        done = command(fastdeploy, "list", **elsewhere, FASTDEPLOY_SERVER=url,
                       FASTDEPLOY_TOKEN="x")  # fmt: skip

    assert 1 == done.returncode
    assert f"the certificate of {url} can't be verified" in done.stderr
    assert "SSL_CERT_FILE" in done.stderr


def test_a_shell_completes_names_of_the_server_and_is_silent_without_it(
    fastdeploy: Installation, elsewhere: dict[str, str]
) -> None:
    fastdeploy.write_service("completed", HELLO)

    given = elsewhere | {
        "FASTDEPLOY_SERVER": fastdeploy.url, "FASTDEPLOY_TOKEN": fastdeploy.token()
    }  # fmt: skip

    for typed in ("fastdeploy deploy comp", "fastdeploy list --service c"):
        assert ["completed"] == complete(fastdeploy, typed, **given)
    given["FASTDEPLOY_SERVER"] = "http://127.0.0.1:1"
    assert [] == complete(fastdeploy, "fastdeploy deploy comp", **given)
