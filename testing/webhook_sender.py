"""Senders of webhooks: requests as the providers document them, with signatures."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from app import bootstrap
from app.domain.webhook import Provider
from app.settings import Settings
from app.store.store import Store
from app.usecases import webhooks
from app.usecases.webhooks import Wanted
from testing.factories import ROOT

#: The headers, by lower-case names, and the body of a request.
Request = tuple[dict[str, str], bytes]
NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class Sender:
    """A provider that knows the secret of a webhook."""

    provider: Provider
    secret: str
    id: int = 0

    def push(
        self, ref: str, commit: str, before: str = NOTHING, delivery: str = ""
    ) -> Request:
        """Return the request for a push."""
        name, payload = _payload(self.provider, ref, commit, before)
        return self.sign(payload, name, delivery or str(uuid.uuid4()))

    def sign(
        self, payload: Any, event: str, delivery: str, at: int | None = None
    ) -> Request:
        """Return a signed request; `at` is the signed time in seconds."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        moment = str(int(time.time()) if at is None else at)
        made = _hex(self.secret, body)
        match self.provider:
            case Provider.GITHUB:
                headers = {
                    "x-github-event": event,
                    "x-github-delivery": delivery,
                    "x-hub-signature-256": f"sha256={made}",
                }
            case Provider.GITLAB:
                headers = {
                    "x-gitlab-event": event,
                    "x-gitlab-event-uuid": delivery,
                    "x-gitlab-token": self.secret,
                }
            case Provider.GITEA:
                headers = {
                    "x-gitea-event": event,
                    "x-github-event": event,
                    "x-gitea-delivery": delivery,
                    "x-gitea-signature": made,
                }
            case Provider.BITBUCKET:
                headers = {
                    "x-event-key": event,
                    "x-request-uuid": delivery,
                    "x-hub-signature": f"sha256={made}",
                }
            case Provider.GENERIC:
                signature = _hex(self.secret, f"{moment}.".encode() + body)
                headers = {
                    "x-fastdeploy-delivery": delivery,
                    "x-fastdeploy-timestamp": moment,
                    "x-fastdeploy-signature": f"sha256={signature}",
                }
        return {"content-type": "application/json", **headers}, body

    def standard(self, payload: Any, delivery: str, at: int) -> Request:
        """Return a request with GitLab's signing token, as Standard Webhooks."""
        body = json.dumps(payload).encode()
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{delivery}.{at}.".encode() + body
        made = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return {
            "webhook-id": delivery,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v1,{made}",
        }, body


def create_webhook(
    store: Store,
    settings: Settings,
    name: str,
    provider: Provider,
    project: str,
    *,
    status_credential: str = "",
    api_url: str = "",
) -> Sender:
    """Create a webhook; return its sender."""
    wanted = Wanted(name, provider, project, status_credential, api_url)
    secret_box = bootstrap.make_secret_box(settings)
    number, secret = webhooks.create(store, settings, secret_box, ROOT, wanted)
    return Sender(provider, secret, number)


def _hex(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def _payload(
    provider: Provider, ref: str, commit: str, before: str
) -> tuple[str, dict[str, Any]]:
    """Return the event and the documented fields that FastDeploy reads."""
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    tag = ref.startswith("refs/tags/")
    pushed = {"ref": ref, "before": before, "after": commit}
    match provider:
        case Provider.GITHUB | Provider.GITEA:
            return "push", {**pushed, "repository": {"full_name": "acme/infra"}}
        case Provider.GITLAB:
            name = "Tag Push Hook" if tag else "Push Hook"
            return name, {"object_kind": "tag_push" if tag else "push", **pushed}
        case Provider.BITBUCKET:
            kind = "tag" if tag else "branch"
            new = {"type": kind, "name": short, "target": {"hash": commit}}
            old = {"type": kind, "name": short, "target": {"hash": before}}
            change = {
                "new": None if commit == NOTHING else new,
                "old": None if before == NOTHING else old,
            }
            return "repo:push", {"push": {"changes": [change]}}
        case Provider.GENERIC:
            return "push", {"ref": ref, "commit": commit, "before": before}
