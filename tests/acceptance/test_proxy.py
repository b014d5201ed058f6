"""What web believes of a client's address, with a proxy before it and without."""

import pytest
from sqlalchemy import select

from app.store.access_tables import login_failures
from testing.installation import Installation


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
        client.post(
            "/login",
            data={"name": "nobody", "password": "wrong"},
            headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
        )

    with installation.store.begin() as db:
        assert [believed] == list(db.scalars(select(login_failures.c.address)))
