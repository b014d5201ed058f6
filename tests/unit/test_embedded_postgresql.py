"""The embedded PostgreSQL: what its start changes on a machine is said before."""

import pytest

from app.embedded_postgresql import announcement


def test_the_user_that_is_created_for_root_is_announced() -> None:
    sentence = announcement(0, ["root", "ada"])

    assert "creating the user pgserver" in sentence
    assert "`userdel pgserver` removes it" in sentence
    assert "FASTDEPLOY_DATABASE_URL" in sentence


@pytest.mark.parametrize(("uid", "users"), [(0, ["root", "pgserver"]), (1000, ["ada"])])
def test_nothing_is_announced_if_no_user_is_created(uid: int, users: list[str]) -> None:
    assert "" == announcement(uid, users)
