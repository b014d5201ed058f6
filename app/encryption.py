"""Encrypt secret launch variables and credentials in the database.

The keys are not in the database. The first one encrypts; the others are those of an
unfinished rotation, and only decrypt.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.errors import BadSetting

MIN_KEY = 32
_FINGERPRINTS = "fingerprints:"


@dataclass(frozen=True, slots=True)
class Keys:
    """The secret keys: the current one first, then older ones, newest first.

    `fingerprint_key` outlives the oldest key, from which it was derived, so that
    fingerprints stay the same.
    """

    secret_keys: tuple[str, ...]
    fingerprint_key: bytes

    @classmethod
    def of(cls, secret_keys: tuple[str, ...]) -> "Keys":
        """Return keys of which none has been removed."""
        oldest = secret_keys[-1].encode()
        derived = hashlib.sha256(b"fastdeploy fingerprints" + oldest).digest()
        return cls(secret_keys, derived)

    @classmethod
    def parse(cls, text: str, path: Path) -> "Keys":
        """Return the keys in a file: one per line. Raises BadSetting."""
        lines = text.split()
        keys = tuple(line for line in lines if not line.startswith(_FINGERPRINTS))
        kept = [line for line in lines if line.startswith(_FINGERPRINTS)]
        if not keys or any(len(key) < MIN_KEY for key in keys):
            raise BadSetting(f"{path} is cut short; restore it from a backup, or remove"
                             " it and start again")  # fmt: skip
        if not kept:
            return cls.of(keys)
        try:
            return cls(keys, bytes.fromhex(kept[0].removeprefix(_FINGERPRINTS)))
        except ValueError:
            raise BadSetting(f"{path} is damaged; restore it from a backup") from None

    def text(self) -> str:
        """Return the content of the file."""
        kept = f"{_FINGERPRINTS}{self.fingerprint_key.hex()}"
        return "\n".join((*self.secret_keys, kept)) + "\n"


def key_id(secret_key: str) -> str:
    """Return the id of a key, from which the key can't be guessed."""
    return hashlib.sha256(b"fastdeploy key id" + secret_key.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Ciphers:
    """The ciphers of keys that were read at one moment."""

    current: Fernet
    every: MultiFernet
    key_ids: tuple[str, ...]
    fingerprint_key: bytes

    @classmethod
    def of(cls, keys: Keys) -> "_Ciphers":
        fernets = [_fernet(key) for key in keys.secret_keys]
        ids = tuple(map(key_id, keys.secret_keys))
        return cls(fernets[0], MultiFernet(fernets), ids, keys.fingerprint_key)

    @property
    def key_id(self) -> str:
        """The id of the key that encrypts."""
        return self.key_ids[0]


class SecretBox:
    """Encrypts with keys that aren't in the database (Fernet: AES-CBC with HMAC)."""

    def __init__(self, keys: Keys | str, file: Path | None = None) -> None:
        """Use the keys; with a `file`, read them again whenever it was replaced.

        So processes that serve during a rotation know the new key as soon as rows are
        encrypted with it.
        """
        self._file = file
        self._ciphers = _Ciphers.of(Keys.of((keys,)) if isinstance(keys, str) else keys)
        self._read: tuple[int, int] | None = None

    @property
    def key_id(self) -> str:
        """The id of the key that encrypts."""
        return self._present().key_id

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys, the one that encrypts first."""
        return self._present().key_ids

    def seal(self, values: Mapping[str, Any]) -> bytes | None:
        """Encrypt the values; return None if there are none."""
        return self.seal_with_id(values)[0]

    def seal_with_id(self, values: Mapping[str, Any]) -> tuple[bytes | None, str]:
        """Encrypt the values; return the id of the key, too."""
        present = self._present()
        sealed = present.current.encrypt(orjson.dumps(values)) if values else None
        return sealed, present.key_id

    def seal_again(self, sealed: bytes) -> tuple[bytes, str] | None:
        """Encrypt with the current key; return None if that key has encrypted it.

        Raises BadSetting if no key fits.
        """
        present = self._present()
        with suppress(InvalidToken):
            present.current.decrypt(sealed)
            return None
        values = self.open(sealed)
        return present.current.encrypt(orjson.dumps(values)), present.key_id

    def fingerprint(self, content: bytes) -> bytes:
        """Return a digest; without the key, the content can't be guessed from it."""
        return hmac.digest(self._present().fingerprint_key, content, "sha256")

    def open(self, sealed: bytes | None) -> dict[str, Any]:
        """Decrypt the result of `seal`. Raises BadSetting if no key fits."""
        if sealed is None:
            return {}
        try:
            values: dict[str, Any] = orjson.loads(self._present().every.decrypt(sealed))
        except InvalidToken:
            raise BadSetting(
                "FASTDEPLOY_SECRET_KEY: is not the key that encrypted the variables of "
                "this deployment or a credential; give web and worker the same keys"
            ) from None
        return values

    def _present(self) -> _Ciphers:
        """Return the ciphers of the present keys. Raises BadSetting."""
        if self._file is None:
            return self._ciphers
        found = _identity(self._file)
        if found is not None and found != self._read:
            keys = Keys.parse(self._file.read_text(), self._file)
            self._ciphers = _Ciphers.of(keys)
            self._read = found
        return self._ciphers


def key_file(var: Path) -> Path:
    """Return the path of the file with the keys, if no setting has them."""
    return var / "secret-key"


def read_keys(secret_key: str, previous: tuple[str, ...], var: Path) -> Keys:
    """Return the keys: those of the settings, or of `var/secret-key` (0600).

    If there is neither, make a new one; concurrent processes get the same key. Raises
    BadSetting.
    """
    if secret_key:
        return Keys.of((secret_key, *previous))
    path = key_file(var)
    var.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile(dir=var, prefix="secret-key.") as draft:
            draft.write(new_key().encode())
            draft.flush()
            # A hard link is atomic and doesn't replace the key of another process.
            with suppress(FileExistsError):
                os.link(draft.name, path)
    return Keys.parse(path.read_text(), path)


def new_key() -> str:
    """Return a random key."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def replace_keys(path: Path, keys: Keys) -> None:
    """Replace the file with the keys; a crash leaves either the old or the new file.

    Its owner stays the same, also if root calls this. Raises OSError.
    """
    owner = path.stat()
    draft = path.with_name("secret-key.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW,
                         0o600)  # fmt: skip
    with os.fdopen(descriptor, "w") as file:
        if owner.st_uid != os.geteuid():
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(keys.text())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns


def _fernet(secret_key: str) -> Fernet:
    digest = hashlib.sha256(b"fastdeploy launch variables" + secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(digest.digest()))
