"""Encrypt the secret launch variables of queued deployments in the database."""

import base64
import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken

from app.errors import BadSetting


class SecretBox:
    """Encrypts with a key that isn't in the database (Fernet: AES-CBC with HMAC)."""

    def __init__(self, secret_key: str) -> None:
        digest = hashlib.sha256(b"fastdeploy launch variables" + secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(digest.digest()))
        self._key = hashlib.sha256(b"fastdeploy fingerprints" + secret_key.encode())

    def seal(self, values: dict[str, Any]) -> bytes | None:
        """Encrypt the values; return None if there are none."""
        return self._fernet.encrypt(orjson.dumps(values)) if values else None

    def fingerprint(self, content: bytes) -> bytes:
        """Return a digest; without the key, the content can't be guessed from it."""
        return hmac.digest(self._key.digest(), content, "sha256")

    def open(self, sealed: bytes | None) -> dict[str, Any]:
        """Decrypt the result of `seal`. Raises BadSetting if the key is another one."""
        if sealed is None:
            return {}
        try:
            values: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise BadSetting(
                "FASTDEPLOY_SECRET_KEY: is not the key that encrypted the variables of "
                "this deployment; give web and worker the same key"
            ) from None
        return values


def key_for(secret_key: str, var: Path) -> str:
    """Return the secret key: the setting, or the content of `var/secret-key` (0600).

    If there is neither, make a new one; concurrent processes get the same key.
    """
    if secret_key:
        return secret_key
    path = var / "secret-key"
    var.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile(dir=var, prefix="secret-key.") as draft:
            draft.write(base64.urlsafe_b64encode(os.urandom(32)))
            draft.flush()
            # A hard link is atomic and doesn't replace the key of another process.
            with suppress(FileExistsError):
                os.link(draft.name, path)
    key = path.read_text()
    if len(key) < 32:
        raise BadSetting(f"{path} is cut short; remove it and start again")
    return key
