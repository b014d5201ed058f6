"""Read the pushes in the payload of a webhook, as each provider documents it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.push import BRANCHES, TAGS, Push
from app.domain.webhook import Provider
from app.errors import Invalid

#: The maximum number of branches and tags in one request.
MAX_PUSHES = 50
_COMMIT = re.compile("[0-9a-f]{40}")
_NOTHING = "0" * 40
_MAX_REF = 255
_MAX_EVENT = 100
_PUSH_EVENTS = {
    Provider.GITHUB: {"push"},
    Provider.GITLAB: {"push", "tag_push"},
    Provider.GITEA: {"push"},
    Provider.BITBUCKET: {"repo:push", "repo:refs_changed"},
    Provider.GENERIC: {"push"},
}


@dataclass(frozen=True, slots=True)
class Payload:
    """The event of a request, and the pushes in it."""

    event: str
    #: Empty for other events, and if branches or tags were only removed.
    pushes: tuple[Push, ...]

    @property
    def ignored(self) -> str:
        """Why nothing is launched; empty if there is a push."""
        if self.pushes:
            return ""
        removed = any(self.event in names for names in _PUSH_EVENTS.values())
        what = "it removes a branch or tag" if removed else "it is not a push"
        return f"the event {self.event} launches nothing: {what}"


def read(provider: Provider, headers: Mapping[str, str], body: bytes) -> Payload:
    """Return the event and the pushes of a request whose signature was checked.

    `headers` have lower-case names. Raises Invalid.
    """
    try:
        payload = orjson.loads(body)
    except ValueError:
        raise Invalid(
            "the body is not JSON: choose the content type application/json at the "
            "sender"
        ) from None
    if not isinstance(payload, dict):
        raise Invalid("the body is not a JSON object")
    event = _event(provider, headers, payload)
    if event not in _PUSH_EVENTS[provider]:
        return Payload(event, ())
    changes = list(_READERS[provider](payload))
    if len(changes) > MAX_PUSHES:
        raise Invalid(f"one request has more than {MAX_PUSHES} branches and tags")
    return Payload(event, tuple(filter(None, map(_push, changes))))


def _event(
    provider: Provider, headers: Mapping[str, str], payload: Mapping[str, Any]
) -> str:
    match provider:
        case Provider.GITHUB:
            event = headers.get("x-github-event", "")
        case Provider.GITEA:
            event = headers.get("x-forgejo-event") or headers.get("x-gitea-event", "")
        case Provider.BITBUCKET:
            event = headers.get("x-event-key", "")
        case Provider.GITLAB:
            event = payload.get("object_kind", "")
        case Provider.GENERIC:
            event = payload.get("event", "push")
    if not isinstance(event, str) or not event.isprintable():
        raise Invalid("the event is not a text")
    return event[:_MAX_EVENT] or "unknown"


#: The ref, the commit and the one before, unchecked.
_Change = tuple[object, object, object]


def _github(payload: Mapping[str, Any]) -> Iterator[_Change]:
    yield payload.get("ref"), payload.get("after"), payload.get("before")


def _bitbucket(payload: Mapping[str, Any]) -> Iterator[_Change]:
    """Bitbucket Cloud has `push.changes`, Data Center has `changes`."""
    push = payload.get("push")
    changes = push.get("changes") if isinstance(push, dict) else payload.get("changes")
    if not isinstance(changes, list):
        raise Invalid("the payload has no changes")
    for change in changes:
        if not isinstance(change, dict):
            raise Invalid("a change in the payload is not an object")
        yield _of_cloud(change) if isinstance(push, dict) else _of_data_center(change)


def _of_cloud(change: Mapping[str, Any]) -> _Change:
    new, old = change.get("new"), change.get("old")
    if new is None:
        return "", _NOTHING, ""
    if not isinstance(new, dict):
        raise Invalid("a change in the payload has no new branch or tag")
    folder = BRANCHES if new.get("type") == "branch" else TAGS
    before = _hash_of(old) if isinstance(old, dict) else ""
    return f"{folder}{new.get('name')}", _hash_of(new), before


def _hash_of(side: Mapping[str, Any]) -> object:
    target = side.get("target")
    return target.get("hash") if isinstance(target, dict) else None


def _of_data_center(change: Mapping[str, Any]) -> _Change:
    return change.get("refId"), change.get("toHash"), change.get("fromHash")


def _generic(payload: Mapping[str, Any]) -> Iterator[_Change]:
    yield payload.get("ref"), payload.get("commit"), payload.get("before")


_READERS: dict[Provider, Callable[[Mapping[str, Any]], Iterator[_Change]]] = {
    Provider.GITHUB: _github,
    Provider.GITLAB: _github,
    Provider.GITEA: _github,
    Provider.BITBUCKET: _bitbucket,
    Provider.GENERIC: _generic,
}


def _push(change: _Change) -> Push | None:
    """Return a checked push; None if a branch or tag was removed. Raises Invalid."""
    ref, commit, before = change
    if commit == _NOTHING:
        return None
    if not isinstance(ref, str) or not ref.startswith((BRANCHES, TAGS)):
        raise Invalid("the ref must be the full name of a branch or tag")
    if len(ref) > _MAX_REF or not ref.isprintable():
        raise Invalid(f"the ref must have at most {_MAX_REF} printable characters")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise Invalid("the commit must have 40 hexadecimal digits")
    known = isinstance(before, str) and _COMMIT.fullmatch(before)
    earlier = before if known and before != _NOTHING else ""
    return Push(ref, commit, str(earlier))
