"""Who may do what."""

import pytest

from app.domain.access import PERMISSIONS, Actor, Permission, Role, on_host
from app.errors import NotAllowed

MAY = {
    Role.VIEWER: {Permission.VIEW},
    Role.DEPLOYER: {Permission.VIEW, Permission.DEPLOY},
    Role.ADMIN: {
        Permission.VIEW,
        Permission.DEPLOY,
        Permission.SYNC,
        Permission.CREDENTIALS,
        Permission.METRICS,
        Permission.ADMIN,
    },
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_role_has_its_permissions_and_no_other(
    role: Role, permission: Permission
) -> None:
    actor = Actor("ada", PERMISSIONS[role])

    if permission in MAY[role]:
        actor.require(permission)
        assert actor.may(permission)
    else:
        assert not actor.may(permission)
        with pytest.raises(NotAllowed, match=f"ada may not {permission}"):
            actor.require(permission)


def test_a_user_of_the_host_may_do_everything_and_is_named() -> None:
    actor = on_host("root")

    assert all(actor.may(permission) for permission in Permission)
    assert "root (host)" == actor.name


def test_a_user_of_the_host_gets_a_name_that_can_be_stored() -> None:
    """LOGNAME may hold anything; an index of PostgreSQL holds 2,704 bytes."""
    assert "?" * 64 + " (host)" == on_host("\udcff" * 3000).name
