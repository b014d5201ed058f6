"""Who may do what."""

import pytest

from app.domain.access import (
    PERMISSIONS,
    UNLIMITED,
    Access,
    Actor,
    Grant,
    Permission,
    Role,
    access_of,
    on_host,
    permissions_of_scopes,
)
from app.errors import NotAllowed

ON_SERVICES = {
    Permission.VIEW,
    Permission.CHECK,
    Permission.DEPLOY,
    Permission.CANCEL,
    Permission.MANAGE,
}
MAY = {
    Role.MEMBER: {Permission.VIEW},
    Role.VIEWER: {Permission.VIEW},
    Role.DEPLOYER: ON_SERVICES,
    Role.ADMIN: {
        *ON_SERVICES,
        Permission.APPROVE,
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


VIEW, CHECK, DEPLOY = Permission.VIEW, Permission.CHECK, Permission.DEPLOY
CANCEL, MANAGE = Permission.CANCEL, Permission.MANAGE
APPROVE = Permission.APPROVE
#: What each permission of a grant includes.
INCLUDES = {
    VIEW: {VIEW},
    CHECK: {VIEW, CHECK},
    DEPLOY: {VIEW, CHECK, DEPLOY},
    CANCEL: {VIEW, CANCEL},
    APPROVE: {VIEW, APPROVE},
    MANAGE: ON_SERVICES,
}


@pytest.mark.parametrize("granted", INCLUDES)
def test_a_grant_includes_these_permissions_on_its_services_only(
    granted: Permission,
) -> None:
    access = access_of(Role.MEMBER, [Grant(granted, "shop/web@staging")])

    allowed = {one for one in Permission if access.allows(one, "shop/web@staging")}
    assert INCLUDES[granted] == allowed == access.permissions
    assert not any(access.allows(one, "shop/web@live") for one in Permission)


def test_grants_add_to_a_role() -> None:
    access = access_of(Role.VIEWER, [Grant(DEPLOY, "shop/*@staging")])

    assert access.allows(VIEW, "other")
    assert not access.allows(DEPLOY, "other")
    assert access.allows(DEPLOY, "shop/web@staging")
    assert () == access.visible


def test_a_token_has_what_its_owner_and_its_own_grants_give() -> None:
    owner = access_of(Role.MEMBER, [Grant(DEPLOY, "shop/*"), Grant(VIEW, "blog/*")])
    own = frozenset({Grant(DEPLOY, "*@staging")})

    access = Access((*owner.layers, own))

    assert access.allows(DEPLOY, "shop/web@staging")
    assert not access.allows(DEPLOY, "shop/web@live")
    assert access.allows(VIEW, "blog/web@staging")
    assert not access.allows(DEPLOY, "blog/web@staging")
    assert (frozenset({"shop/*", "blog/*"}), frozenset({"*@staging"})) == access.visible


def test_a_member_without_grants_sees_nothing() -> None:
    access = access_of(Role.MEMBER, [])

    assert (frozenset(),) == access.visible
    assert not access.allows(VIEW, "hello")


def test_an_actor_without_limits_may_what_its_permissions_say() -> None:
    actor = Actor("ada", frozenset({VIEW}))

    assert UNLIMITED == actor.access
    actor.require_on(VIEW, "shop/web@live")
    with pytest.raises(NotAllowed, match="ada may not deploy shop/web@live"):
        actor.require_on(DEPLOY, "shop/web@live")


def test_the_scope_deploy_of_a_token_includes_what_it_always_has() -> None:
    assert ON_SERVICES - {VIEW} == permissions_of_scopes([DEPLOY])
    assert {VIEW, CANCEL} == permissions_of_scopes([VIEW, CANCEL])
