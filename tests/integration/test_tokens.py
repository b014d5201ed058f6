"""API tokens: what they may do, and what ends them."""

import pytest
from sqlalchemy import text

from app.domain.access import Permission, permissions_of_scopes
from app.errors import Conflict, InvalidFields, NotFound, NotLoggedIn
from app.store.store import Store
from app.usecases import auth, tokens
from testing.factories import ROOT


def execute(store: Store, statement: str) -> None:
    with store.begin() as db:
        db.execute(text(statement))


def test_a_token_may_what_its_scopes_say(store: Store) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.DEPLOY])

    actor = auth.by_token(store, secret)

    assert ("ci (token)", permissions_of_scopes([Permission.DEPLOY]), "") == (
        actor.name,
        actor.permissions,
        actor.csrf_token,
    )
    assert secret.startswith("fd_")
    with store.begin() as db:
        assert secret.encode() not in db.scalar(text("SELECT digest FROM tokens"))


def test_a_revoked_token_is_worth_nothing_and_its_name_is_free(store: Store) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    with pytest.raises(Conflict, match="revoke it first"):
        tokens.create_token(store, ROOT, "ci", [Permission.VIEW])

    tokens.revoke_token(store, ROOT, "ci")

    with pytest.raises(NotLoggedIn, match="revoked"):
        auth.by_token(store, secret)
    with pytest.raises(NotFound):
        tokens.revoke_token(store, ROOT, "ci")
    again = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    assert auth.by_token(store, again)


def test_a_token_expires(store: Store) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.VIEW], days=1)
    assert auth.by_token(store, secret)

    with store.begin() as db:
        db.execute(text("UPDATE tokens SET expires_at = expires_at - interval '1 day'"))

    with pytest.raises(NotLoggedIn, match="expired"):
        auth.by_token(store, secret)


@pytest.mark.parametrize("days", [0, -1, 36_501, 10**30])
def test_a_token_expires_within_bounds_or_never(store: Store, days: int) -> None:
    with pytest.raises(InvalidFields, match="after 1 to 36500 days, or never"):
        tokens.create_token(store, ROOT, "ci", [Permission.VIEW], days)

    assert [] == tokens.list_tokens(store, ROOT)


def test_the_use_of_a_token_is_noted(store: Store) -> None:
    secret = tokens.create_token(store, ROOT, "ci", [Permission.VIEW])
    (unused,) = tokens.list_tokens(store, ROOT)

    auth.by_token(store, secret)

    (used,) = tokens.list_tokens(store, ROOT)
    assert unused.last_used_at is None
    assert used.last_used_at is not None
