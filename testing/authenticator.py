"""An authenticator with passkeys, and the browser before it, as WebAuthn has them."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

#: Flags of the authenticator's data: the user is present, and a key follows.
_PRESENT, _WITH_KEY = 0x01, 0x40


@dataclass
class Authenticator:
    """Makes one passkey and signs with it. The attributes may be changed."""

    origin: str
    counter: int = 1
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: str) -> str:
        """Return the response to the options of a new passkey."""
        asked = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        data = self._data(asked["rp"]["id"], _PRESENT | _WITH_KEY)
        data += bytes(16) + len(self.credential_id).to_bytes(2, "big")
        data += self.credential_id + public
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._response(
            clientDataJSON=client, attestationObject=made, transports=["internal"]
        )

    def sign(self, options: str) -> str:
        """Return the response to the options of a login."""
        asked = json.loads(options)
        data = self._data(asked["rpId"], _PRESENT)
        client = self._client("webauthn.get", asked["challenge"])
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._response(
            clientDataJSON=client, authenticatorData=data, signature=signature
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        counter = self.counter.to_bytes(4, "big")
        self.counter += 1
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter

    def _client(self, kind: str, challenge: str) -> bytes:
        data = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(data).encode()

    def _response(self, **parts: Any) -> str:
        encoded = {
            name: _base64url(part) if isinstance(part, bytes) else part
            for name, part in parts.items()
        }
        id_ = _base64url(self.credential_id)
        return json.dumps(
            {"id": id_, "rawId": id_, "type": "public-key", "response": encoded}
        )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
