"""The signature of the generic webhook: HMAC-SHA256 over its timestamp and body."""

import hashlib
import hmac

TIMESTAMP = "X-FastDeploy-Timestamp"
SIGNATURE = "X-FastDeploy-Signature"
EVENT = "X-FastDeploy-Event"
KEY = "Idempotency-Key"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature: `sha256=` and the digest of `timestamp.body` in hex."""
    content = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
