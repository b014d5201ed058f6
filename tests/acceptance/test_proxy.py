"""What web believes of a client's address, with a proxy before it and without."""

import socket
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app.store.access_tables import login_failures
from testing.installation import Installation
from testing.waiting import eventually

SECRET = "a secret of the proxy that is long enough"
CLAIMED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("behind_https", "believed"),
    [("false", "127.0.0.1"), ("true", "203.0.113.9")],
    ids=["alone", "proxy"],
)
def test_what_a_client_says_of_its_address_is_believed_behind_a_proxy_alone(
    installation: Installation, behind_https: str, believed: str
) -> None:
    installation.web(FASTDEPLOY_SECURE_COOKIES=behind_https)

    with installation.visitor() as client:
        fail_to_log_in(client, CLAIMED)

    assert [believed] == addresses(installation)


def test_with_a_secret_an_address_is_believed_of_the_proxy_alone(
    installation: Installation,
) -> None:
    installation.web(FASTDEPLOY_SECURE_COOKIES="true", FASTDEPLOY_PROXY_SECRET=SECRET)
    chain = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 127.0.0.1"}

    with installation.visitor() as client:
        fail_to_log_in(client, CLAIMED)
        fail_to_log_in(client, chain | {"X-FastDeploy-Proxy-Secret": SECRET})

    assert ["127.0.0.1", "203.0.113.9"] == addresses(installation)


def test_a_unix_socket_is_for_the_proxy(
    installation: Installation, tmp_path: Path
) -> None:
    """It may say who has logged in; nobody else can connect."""
    path, file = tmp_path / "web.socket", tmp_path / "proxy.toml"
    file.write_text(
        'name = "Proxy"\nuser_header = "X-Forwarded-User"\ndefault_role = "viewer"\n'
    )
    started = installation.start(
        "web", FASTDEPLOY_SOCKET=str(path), FASTDEPLOY_PROXY_LOGIN_FILE=str(file)
    )
    transport = httpx.HTTPTransport(uds=str(path))
    eventually(lambda: started.exit_code is None and accepts(path))
    with httpx.Client(transport=transport, base_url="http://fastdeploy") as client:
        fail_to_log_in(client, CLAIMED)
        ada = {"X-Forwarded-User": "ada"}
        entered = client.get("/login/proxy?next=/nodes", headers=ada)
        assert "/nodes" == entered.headers["location"]
        assert 200 == client.get("/nodes", headers=ada).status_code

    assert ["203.0.113.9"] == addresses(installation)
    assert 0o660 == path.stat().st_mode & 0o777


def accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def fail_to_log_in(client: httpx.Client, headers: dict[str, str]) -> None:
    form = {"name": "nobody", "password": "wrong"}
    assert 401 == client.post("/login", data=form, headers=headers).status_code


def addresses(installation: Installation) -> list[str]:
    with installation.store.begin() as db:
        c = login_failures.c
        return list(db.scalars(select(c.address).order_by(c.id)))
