"""Write secrets.sops.yml again: `python tests/data/sops/encrypt.py`, with `age` in PATH.

It follows the published description of SOPS's files, so that the tests need no sops to
make one. A data key is encrypted by age for the key in key.txt, which opens nothing but
this file. Each value is encrypted by AES256_GCM, its path being the additional data; the
MAC is over all values in their order.
"""

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).parent
MODIFIED = "2026-01-01T00:00:00Z"
#: What is in the file. The tests know these values.
VARIABLES = {
    "db_password": 'canary-"pässword"\\one',
    "api": {
        "token": "canary-{{ 'tem' ~ 'plate' }}",
        "port": 4718293,
        "strict": True,
    },
    "users": ["canary-first", "canary-second"],
    # With something around it that has to be escaped wherever it is written.
    "bird": "ü\"é/cnrysops4e1c9a7d52f04b6f+\\ <&'",
    "certificate": "-----BEGIN\ncanary-line-one\ncanary-line-two\n-----END\n",
}


def main() -> None:
    key = AESGCM.generate_key(256)
    leaves = b"".join(plain for plain, _ in map(_as_bytes, _leaves(VARIABLES)))
    mac = hashlib.sha512(leaves).hexdigest().upper()
    recipient = _age("age-keygen", "-y", str(HERE / "key.txt")).strip()
    content = {
        **{name: _encrypted(key, value, (name,)) for name, value in VARIABLES.items()},
        "sops": {
            "age": [
                {
                    "recipient": recipient,
                    "enc": _age("age", "--armor", "--recipient", recipient, given=key),
                }
            ],
            "lastmodified": MODIFIED,
            "mac": _seal(key, mac, MODIFIED),
            "unencrypted_suffix": "_unencrypted",
            "version": "3.9.4",
        },
    }
    text = yaml.safe_dump(content, sort_keys=False, width=10_000)
    (HERE / "secrets.sops.yml").write_text(text)


def _encrypted(key: bytes, value: Any, path: tuple[str, ...]) -> Any:
    match value:
        case dict():
            return {k: _encrypted(key, item, (*path, k)) for k, item in value.items()}
        case list():
            # An item has the path of its list.
            return [_encrypted(key, item, path) for item in value]
        case _:
            return _seal(key, value, "".join(f"{part}:" for part in path))


def _seal(key: bytes, value: Any, additional: str) -> str:
    plain, kind = _as_bytes(value)
    nonce = os.urandom(32)
    sealed = AESGCM(key).encrypt(nonce, plain, additional.encode())
    parts = {"data": sealed[:-16], "iv": nonce, "tag": sealed[-16:]}
    told = [f"{name}:{base64.b64encode(part).decode()}" for name, part in parts.items()]
    return f"ENC[AES256_GCM,{','.join(told)},type:{kind}]"


def _as_bytes(value: Any) -> tuple[bytes, str]:
    """A value as it is encrypted, and SOPS's word for its type."""
    match value:
        case bool():
            return str(value).encode(), "bool"
        case int():
            return str(value).encode(), "int"
        case _:
            return value.encode(), "str"


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case _:
            yield value


def _age(*command: str, given: bytes = b"") -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    return done.stdout.decode()


if __name__ == "__main__":
    main()
