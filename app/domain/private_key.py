"""Parse SSH private keys and certificates."""

import base64
import hashlib
import warnings
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_identity,
)

#: The largest private key or certificate, in characters.
MAX_LENGTH = 64 * 1024


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as in authorized_keys, and its fingerprint as ssh-keygen prints."""

    text: str
    fingerprint: str


def normalise(text: str) -> str:
    """Return a key as ssh-add accepts it: LF, no blank lines around, a final one."""
    return "\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip(
        " \t\n"
    ) + "\n"  # fmt: skip


def public_key(private_key: str, passphrase: str) -> PublicKey:
    """Return the public key of a normalised private key.

    Raises ValueError with a sentence that doesn't contain the key.
    """
    if len(private_key) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if private_key.startswith(("ssh-", "ecdsa-", "sk-")):
        raise ValueError("is a public key: give the private one")
    key = _load(private_key.encode(), passphrase.encode() or None)
    public = key.public_key()
    try:
        text = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    except (ValueError, TypeError, UnsupportedAlgorithm, AttributeError):
        raise ValueError("has a type that SSH doesn't use") from None
    blob = base64.b64decode(text.split()[1])
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return PublicKey(text, f"SHA256:{digest}")


def require_certificate_of(certificate: str, public: PublicKey | None) -> None:
    """Raise ValueError unless this is an SSH certificate, of the key if it is known."""
    try:
        found = load_ssh_public_identity(certificate.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is not an SSH certificate (the file KEY-cert.pub)") from None
    if not isinstance(found, SSHCertificate):
        raise ValueError("is a public key, not a certificate (the file KEY-cert.pub)")  # noqa: TRY004 - of a text
    of = found.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    if public is not None and of.decode() != public.text:
        raise ValueError("belongs to another key")


def _load(content: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    is_openssh = b"BEGIN OPENSSH PRIVATE KEY" in content
    load = load_ssh_private_key if is_openssh else load_pem_private_key
    try:
        with warnings.catch_warnings():
            # About DSA, which OpenSSH refuses anyway.
            warnings.simplefilter("ignore")
            return load(content, passphrase)
    except TypeError:
        if passphrase is None:
            raise ValueError("is encrypted: give its passphrase") from None
        raise ValueError("has no passphrase: leave it out") from None
    except UnsupportedAlgorithm:
        raise ValueError(
            "has a type or a cipher that FastDeploy can't read: make an ed25519 key "
            "with `ssh-keygen -t ed25519`"
        ) from None
    except ValueError:
        if passphrase is not None:
            # For some formats, the error is the same.
            raise ValueError(
                "can't be read: its passphrase is wrong, or it is not a private key"
            ) from None
        raise ValueError(
            "is not a private key in the format of OpenSSH or PEM"
        ) from None
