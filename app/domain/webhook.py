"""Webhooks: who sends them, and how a request shows that it knows the secret."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from app.errors import Invalid, NotAllowed

#: Seconds by which a signed timestamp may differ from FastDeploy's clock.
WINDOW = 300
#: The form of the name of a webhook, which is a part of its URL.
NAME = r"[a-z0-9][a-z0-9_-]{0,63}"
_MAX_ID = 200
#: Signatures in a header that are compared, of GitLab's signing token.
_MAX_SIGNATURES = 5
_STANDARD = "whsec_"


class Provider(StrEnum):
    """The software that sends the requests of a webhook."""

    #: GitHub.com or GitHub Enterprise Server.
    GITHUB = "github"
    #: GitLab.com or a GitLab server.
    GITLAB = "gitlab"
    #: Gitea or Forgejo.
    GITEA = "gitea"
    #: Bitbucket Cloud or Data Center.
    BITBUCKET = "bitbucket"
    #: A program of one's own.
    GENERIC = "generic"


#: The header with the signature.
SIGNATURES = MappingProxyType({
    Provider.GITHUB: "X-Hub-Signature-256",
    Provider.GITLAB: "X-Gitlab-Token",
    Provider.GITEA: "X-Gitea-Signature",
    Provider.BITBUCKET: "X-Hub-Signature",
    Provider.GENERIC: "X-FastDeploy-Signature",
})  # fmt: skip
#: The headers that may have the id of a delivery; the first one is used.
_IDS = {
    Provider.GITHUB: ("x-github-delivery",),
    Provider.GITLAB: ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    Provider.GITEA: ("x-forgejo-delivery", "x-gitea-delivery"),
    Provider.BITBUCKET: ("x-request-uuid", "x-request-id"),
    Provider.GENERIC: ("x-fastdeploy-delivery",),
}


class DeliveryState(StrEnum):
    """What FastDeploy has done about a delivery."""

    #: Waits for a worker.
    QUEUED = "queued"
    #: At least one service was launched.
    LAUNCHED = "launched"
    #: No rule matches, or the webhook was paused.
    SKIPPED = "skipped"
    #: A rule matches, but nothing could be launched.
    FAILED = "failed"
    #: It isn't about a push.
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Signed:
    """What identifies a request whose signature is right."""

    #: The id that the provider gave it; without one, the digest.
    delivery: str
    #: A hash of what was signed: a repetition has the same, also with another id.
    digest: bytes


def verify(
    provider: Provider,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    now: datetime,
) -> Signed:
    """Check the signature of a request with each secret, in constant time.

    Args:
        provider: The configured one; headers never decide it.
        headers: By lower-case names.
        body: The body as it was received.
        secrets: The valid secrets of the webhook.
        now: The time, with which a signed timestamp is compared.

    Raises:
        NotAllowed: The signature is missing or wrong, or too old.
        Invalid: The id of the delivery can't be stored.
    """
    header = _header(provider, headers)
    sent = headers.get(header.lower(), "")
    if not sent:
        raise NotAllowed(
            f"the request is not signed: the header {header} is missing. Set the "
            "secret of the webhook at the sender"
        )
    content = _content(provider, headers, body)
    found = [_fits(provider, headers, sent, content, secret) for secret in secrets]
    if not any(found):
        raise NotAllowed(
            f"the header {header} doesn't match: the sender has another secret, or "
            "the request was changed on its way"
        )
    if timestamp := _timestamp(provider, headers):
        _require_recent(timestamp, now)
    digest = hashlib.sha256(content).digest()
    return Signed(_id(provider, headers) or f"sha256:{digest.hex()}", digest)


def new_secret(random: bytes) -> str:
    """Return a secret made of 32 random bytes, in the form of GitLab's signing token.

    Every provider accepts this form.
    """
    return _STANDARD + base64.b64encode(random).decode()


def _header(provider: Provider, headers: Mapping[str, str]) -> str:
    if provider is Provider.GITLAB and "webhook-signature" in headers:
        return "webhook-signature"
    if provider is Provider.GITEA and "x-forgejo-signature" in headers:
        return "X-Forgejo-Signature"
    return SIGNATURES[provider]


def _timestamp(provider: Provider, headers: Mapping[str, str]) -> str:
    """Return the signed timestamp; empty if the provider signs none."""
    if provider is Provider.GENERIC:
        return headers.get("x-fastdeploy-timestamp", "") or "missing"
    if _header(provider, headers) == "webhook-signature":
        return headers.get("webhook-timestamp", "") or "missing"
    return ""


def _content(provider: Provider, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return what was signed."""
    if provider is Provider.GENERIC:
        return _timestamp(provider, headers).encode() + b"." + body
    if _header(provider, headers) == "webhook-signature":
        number, at = headers.get("webhook-id", ""), _timestamp(provider, headers)
        return f"{number}.{at}.".encode() + body
    return body


def _fits(
    provider: Provider,
    headers: Mapping[str, str],
    sent: str,
    content: bytes,
    secret: str,
) -> bool:
    if provider is Provider.GITLAB:
        if _header(provider, headers) == "webhook-signature":
            expected = f"v1,{_standard(secret, content)}"
            parts = sent.split()[:_MAX_SIGNATURES]
            return any([_same(part, expected) for part in parts])  # noqa: C419 - each is compared
        return _same(sent, secret)
    made = hmac.new(secret.encode(), content, "sha256").hexdigest()
    return _same(sent, made if provider is Provider.GITEA else f"sha256={made}")


def _same(sent: str, expected: str) -> bool:
    return hmac.compare_digest(sent.encode(), expected.encode())


def _standard(secret: str, content: bytes) -> str:
    """Return the signature of Standard Webhooks, whose key is the decoded secret."""
    try:
        key = base64.b64decode(secret.removeprefix(_STANDARD), validate=True)
    except binascii.Error:
        key = secret.encode()
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def _require_recent(timestamp: str, now: datetime) -> None:
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        raise NotAllowed("the signed timestamp is not a number of seconds since 1970")
    if abs(now.timestamp() - int(timestamp)) > WINDOW:
        raise NotAllowed(
            f"the signed timestamp differs by more than {WINDOW // 60} minutes from "
            "FastDeploy's clock: send the request again, and compare the clocks"
        )


def _id(provider: Provider, headers: Mapping[str, str]) -> str:
    found = next((headers[name] for name in _IDS[provider] if headers.get(name)), "")
    if len(found) > _MAX_ID or not found.isprintable():
        raise Invalid(f"the id of the delivery has more than {_MAX_ID} characters")
    return found
