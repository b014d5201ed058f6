"""Log in on another computer's command line: a page gives it a personal token.

The page creates the token for a user who confirms it, and redirects the browser to the
command with a code. The code has the token, encrypted, and the challenge of PKCE (RFC
7636): only the command that started the login can exchange it, once and soon.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from app.domain.access import Actor, Permission
from app.encryption import SecretBox
from app.errors import BadSetting, Invalid, NotLoggedIn
from app.store import tokens as stored
from app.store.store import Store
from app.usecases import tokens
from app.usecases.auth import digest

#: Seconds within which a code has to be exchanged.
CODE_SECONDS = 120
_PURPOSE = "command line login"
#: A SHA-256 digest and a random text, as base64 for URLs without padding.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def require_challenge(challenge: str) -> None:
    """Raise Invalid unless this is a challenge of PKCE with S256."""
    if not _CHALLENGE.fullmatch(challenge):
        raise Invalid("this address isn't complete; run fastdeploy login again")


def make_code(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    name: str,
    scopes: Iterable[Permission],
    days: int | None,
    challenge: str,
    now: float,
) -> str:
    """Create a personal token of the actor; return the code that is exchanged for it.

    Raises as `tokens.create_own_token`, and Invalid for a wrong challenge.
    """
    require_challenge(challenge)
    token = tokens.create_own_token(store, actor, name, scopes, days)
    content = {"for": _PURPOSE, "token": token, "challenge": challenge, "at": now}
    sealed = secret_box.seal(content)
    assert sealed is not None
    return sealed.decode()


def exchange(
    store: Store, secret_box: SecretBox, code: str, verifier: str, now: float
) -> str:
    """Return the token of a code. Raises NotLoggedIn if it can't be exchanged."""
    try:
        content = secret_box.open(code.encode())
    except BadSetting:
        content = {}
    hashed = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    if (
        content.get("for") != _PURPOSE
        or not hmac.compare_digest(content["challenge"], challenge)
        or not 0 <= now - content["at"] < CODE_SECONDS
    ):
        raise NotLoggedIn("the code is invalid or has expired; log in again")
    token: str = content["token"]
    with store.begin() as db:
        if not stored.use_first(db, digest(token)):
            raise NotLoggedIn("the code was used before; log in again")
    return token
