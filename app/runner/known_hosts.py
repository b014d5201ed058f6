"""Host keys as known_hosts files list them: parse lines, and compute fingerprints."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Maximum bytes of a known_hosts file that is read.
MAX_FILE = 1024 * 1024
#: The types of plain host keys, with the names that ssh prints.
TYPES = {
    "ssh-ed25519": "ED25519",
    "ecdsa-sha2-nistp256": "ECDSA",
    "ecdsa-sha2-nistp384": "ECDSA",
    "ecdsa-sha2-nistp521": "ECDSA",
    "ssh-rsa": "RSA",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
}
#: A name or an address, or either in brackets with a port other than 22. Patterns and
#: hashed names are left out: they don't show for which host a key is accepted.
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,255}|\[[A-Za-z0-9_.:%-]{1,255}\]:[0-9]{1,5}")
#: Maximum characters of a key in base64; an RSA key of 16384 bits has 2744.
_MAX_KEY = 4096


@dataclass(frozen=True, slots=True)
class HostKey:
    """The public key of a host; `host` is its name in known_hosts files."""

    host: str
    type: str
    #: The key in base64.
    key: str

    @property
    def line(self) -> str:
        """The line of a known_hosts file."""
        return f"{self.host} {self.type} {self.key}"

    @property
    def fingerprint(self) -> str:
        """The fingerprint as `ssh-keygen -l` prints it."""
        return fingerprint(self.key)

    @property
    def label(self) -> str:
        """The type and the fingerprint, as ssh names them."""
        return f"{TYPES[self.type]} {self.fingerprint}"


@dataclass(frozen=True, slots=True)
class KnownHostsLine:
    """A line of a known_hosts file for display; `marker` is `@revoked` or similar."""

    hosts: str
    marker: str
    type: str
    fingerprint: str

    @property
    def label(self) -> str:
        """The type and the fingerprint, as ssh names them."""
        return f"{TYPES[self.type]} {self.fingerprint}"


def fingerprint(key: str) -> str:
    """Return the SHA256 fingerprint of a key in base64."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def make(host: str, type_: str, key: str) -> HostKey:
    """Return a host key.

    Raises:
        ValueError: The host, the type or the key is invalid; the message says why.
    """
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host[:80]!r} is not a host: write NAME or [NAME]:PORT")
    if type_ not in TYPES:
        raise ValueError(
            f"{type_[:80]!r} is not a type of host keys: use {', '.join(TYPES)}"
        )
    if not _is_key(type_, key):
        raise ValueError(f"the key of {host} is not a public key of type {type_}")
    return HostKey(host, type_, key)


def parse(text: str) -> list[HostKey]:
    """Return the keys of known_hosts lines, one for each host that a line names.

    Raises:
        ValueError: A line is invalid, or has a marker or a hashed host.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("@"):
            raise ValueError(
                f"line {number}: {words[0][:80]} is for the known_hosts of the "
                "repository; add plain keys here"
            )
        if len(words) < 3:
            raise ValueError(f"line {number}: write HOST TYPE KEY")
        if words[0].startswith("|"):
            raise ValueError(
                f"line {number}: the host is hashed; write its name instead"
            )
        try:
            found += [make(host, *words[1:3]) for host in words[0].split(",")]
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return found


def listed(content: bytes) -> Iterator[KnownHostsLine]:
    """Yield the lines of a known_hosts file that have a valid key."""
    for line in content[:MAX_FILE].decode(errors="replace").splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) >= 3 and _is_key(words[1], words[2]):
            hosts = "a hashed name" if words[0].startswith("|") else words[0]
            yield KnownHostsLine(
                hosts[:300], marker[:30], words[1], fingerprint(words[2])
            )


def _is_key(type_: str, key: str) -> bool:
    """Return whether a text is the base64 of a key, which begins with its type."""
    if len(key) > _MAX_KEY or type_ not in TYPES:
        return False
    try:
        blob = base64.b64decode(key, validate=True)
    except (ValueError, binascii.Error):
        return False
    begin = len(type_).to_bytes(4) + type_.encode()
    return (
        blob.startswith(begin)
        and len(blob) > len(begin) + 16
        # One text for each key: other trailing bits would decode to the same bytes.
        and base64.b64encode(blob).decode() == key
    )
