"""The command line over HTTPS through nginx and Caddy: logins, sizes, and outages."""

from pathlib import Path

import pytest

from testing import tls_proxy
from testing.command_line import assert_refused, command, every_way
from testing.installation import Installation
from testing.ports import free_port
from testing.private_ca import PrivateCa

#: Prints how many letters a launch variable has.
COUNTS = "#!/bin/sh\ntr -d '\\n' <$2 | grep -o 'z*' | tr -d '\\n' | wc -c\n"
through_each = pytest.mark.parametrize("proxy", tls_proxy.NAMES)


@through_each
def test_login_and_logout(
    fastdeploy: Installation, elsewhere: dict[str, str], ca: PrivateCa,
    tmp_path: Path, proxy: str,
) -> None:  # fmt: skip
    elsewhere |= {"SSL_CERT_FILE": str(ca.certificate)}
    with tls_proxy.https(proxy, fastdeploy.url, tmp_path / proxy, ca) as url:
        login = ("login", url, "--token-stdin")
        wrong = command(fastdeploy, *login, stdin="wrong\n", **elsewhere)
        done = command(fastdeploy, *login, stdin=fastdeploy.token(), **elsewhere)
        listed = command(fastdeploy, "node", "list", **elsewhere)
        out = command(fastdeploy, "logout", **elsewhere)
        after = command(fastdeploy, "node", "list", **elsewhere)

    assert 1 == wrong.returncode
    assert (0, "") == (done.returncode, done.stderr)
    assert (0, True) == (listed.returncode, "here" in listed.stdout), listed
    assert f"logged out of {url}; the token is revoked\n" == out.stdout
    assert 1 == after.returncode


@every_way
def test_large_variables_arrive_and_too_large_ones_are_refused(
    fastdeploy: Installation, either_way: str, tmp_path: Path
) -> None:
    schema = {"properties": {"text": {"type": "string"}}}
    fastdeploy.write_service("counts", COUNTS, variables=schema)
    file = tmp_path / "text"
    sizes = (200_000, 300_000, 2_000_000)
    launch = ("deploy", "counts", "--follow", "--extra-file", f"text={file}")

    results = []
    for size in sizes:
        file.write_text("z" * size)
        results.append(command(fastdeploy, *launch))

    assert (0, "") == (results[0].returncode, results[0].stderr)
    assert "200000" in results[0].stdout.splitlines()
    assert_refused(results[1], "together they exceed 262144 bytes")
    assert (1, "") == (results[2].returncode, results[2].stdout)
    # nginx refuses it by itself, with a page.
    expected = {
        "host": "together they exceed 262144 bytes",
        "nginx": "refuses a request of this size (413): send less",
        "caddy": "the request body is limited to 1048576 bytes",
    }[either_way]
    assert expected in results[2].stderr
    assert 1 == results[2].stderr.count("\n")


@through_each
def test_a_stopped_server_behind_a_proxy_is_reported(
    fastdeploy: Installation, elsewhere: dict[str, str], ca: PrivateCa,
    tmp_path: Path, proxy: str,
) -> None:  # fmt: skip
    stopped = f"http://127.0.0.1:{free_port()}"
    with tls_proxy.https(proxy, stopped, tmp_path / proxy, ca) as url:
        elsewhere |= {"FASTDEPLOY_SERVER": url, "FASTDEPLOY_TOKEN": "x"}
        done = command(
            fastdeploy, "list", **elsewhere, SSL_CERT_FILE=str(ca.certificate)
        )

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith(f"fastdeploy: {url} answered 502"), done.stderr
