"""Find the changes of files that the result of a task on a host reports as diffs.

Modules report the content before and after, with the path of the file in the header of
the diff. Ansible leaves out the content of a file that is binary or too large.
"""

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

#: Maximum bytes of a path: it is part of the key of a row.
MAX_PATH = 2000
_MAX_FILES = 1000
_DIGEST_BYTES = 16
_DIGEST = re.compile(rf"[0-9a-f]{{8}}:[0-9a-f]{{{2 * _DIGEST_BYTES}}}")
_ATTRIBUTES = " (file attributes)"
_CONTENT = " (content)"
#: The end of a text that the callback plugin has cut.
_CUT = re.compile(r"… \[cut: \d+ more characters\]\Z")
#: The keys with which Ansible says that it left out the content of a file.
_LEFT_OUT = ("src_binary", "dst_binary", "src_larger", "dst_larger", "prepared")


@dataclass(frozen=True)
class FileDiff:
    """A file before and after a task; None is a content that isn't known.

    A file that doesn't exist is the empty text. `removed` says that the task has
    removed the file, or the folder with this path. The digests are those of the texts
    before secrets were masked; empty if they aren't known.
    """

    path: str
    before: str | None
    after: str | None
    removed: bool = False
    digest_before: str = ""
    digest_after: str = ""


def find(event: Mapping[str, Any]) -> list[FileDiff]:
    """Return the changes that an event of ansible-runner reports, in order.

    `event` has the fields `event` and `event_data` with the right types. The result of
    a task in check mode has none. The digests are those of the field `file_digests`.
    """
    if event["event"] not in ("runner_on_ok", "runner_on_failed"):
        return []
    data = event["event_data"]
    res = data.get("res")
    if not isinstance(res, dict) or "check_mode" in data:
        return []
    found = [each for one in _results(res) for each in _of_result(one)][:_MAX_FILES]
    return _with_digests(found, event.get("file_digests")) if found else []


def started(event: Mapping[str, Any], at: datetime) -> datetime:
    """Return when a task began on a host, at the latest `at`, when it ended.

    `event` is as for `find`. It is `at` if the event doesn't say it.
    """
    try:
        found = datetime.fromisoformat(event["event_data"]["start"])
    except (KeyError, TypeError, ValueError):
        return at
    return min(found if found.tzinfo else found.replace(tzinfo=UTC), at)


def digests(event: Mapping[str, Any], key: bytes) -> list[str]:
    """Return the digests of each change that an event reports: before and after it.

    Without the key, a content can't be guessed from its digest. A content that isn't
    known has an empty one.
    """
    texts = (text for each in find(event) for text in (each.before, each.after))
    return ["" if text is None else digest(text, key) for text in texts]


def digest(text: str, key: bytes) -> str:
    """Return the keyed digest of a text, with the id of the key before a colon."""
    content = text.encode(errors="surrogatepass")
    key_id, found = (
        hashlib.blake2b(each, key=key, digest_size=_DIGEST_BYTES).hexdigest()
        for each in (b"", content)
    )
    return f"{key_id[:8]}:{found}"


def have_same_key(one: str, other: str) -> bool:
    """Return whether two digests are known and comparable."""
    key_id = one.partition(":")[0]
    return bool(key_id) and key_id == other.partition(":")[0]


def _with_digests(found: Sequence[FileDiff], given: object) -> list[FileDiff]:
    if not isinstance(given, list) or len(given) != 2 * len(found):
        return list(found)
    # A run can print an event of its own, with texts that PostgreSQL can't store.
    texts = [
        each if isinstance(each, str) and _DIGEST.fullmatch(each) else ""
        for each in given
    ]
    return [
        FileDiff(each.path, each.before, each.after, each.removed, before, after)
        for each, before, after in zip(found, texts[::2], texts[1::2], strict=True)
    ]


def _results(res: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the changed results: those of the items of a loop, or the result itself."""
    items = res.get("results")
    loop = [item for item in items if _is_item(item)] if isinstance(items, list) else []
    for one in loop or [res]:
        if one.get("changed") is True and one.get("failed") is not True:
            yield one


def _is_item(item: object) -> bool:
    return isinstance(item, dict) and "ansible_loop_var" in item


def _of_result(res: Mapping[str, Any]) -> list[FileDiff]:
    diff = res.get("diff")
    parts = diff if isinstance(diff, list) else [diff]
    found = [
        each for part in parts if isinstance(part, dict) for each in _of_part(part, res)
    ]
    if found or any(_is_unchanged(part) for part in parts):
        return found
    # It has written a file and reports no diff: `diff: false`, or a download.
    written = _written(res)
    return [FileDiff(written, None, None)] if written else []


def _of_part(part: Mapping[str, Any], res: Mapping[str, Any]) -> Iterator[FileDiff]:
    before, after = part.get("before"), part.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _removed(before, after)
        return
    path = _path_of(part) or _written(res)
    left_out = any(key in part for key in _LEFT_OUT)
    has_text = isinstance(before, str) or isinstance(after, str)
    if path and (has_text or left_out) and (before is None or before != after):
        yield FileDiff(path, _known(before), _known(after))


def _removed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FileDiff]:
    """Yield what `ansible.builtin.file` has removed."""
    path = _valid_path(after.get("path"))
    if path and after.get("state") == "absent" and before.get("state") != "absent":
        yield FileDiff(path, None, "", removed=True)


def _is_unchanged(part: object) -> bool:
    """Return whether a diff says that only attributes of the file were changed."""
    if not isinstance(part, dict):
        return False
    before, after = part.get("before"), part.get("after")
    return isinstance(before, str | dict) and isinstance(after, str | dict)


def _path_of(part: Mapping[str, Any]) -> str:
    """Return the path in the headers of a diff of a file's content; empty if none."""
    # That of `after` may be the path of a template.
    header = part.get("before_header")
    if not isinstance(header, str) or header.endswith(_ATTRIBUTES):
        return ""
    return _valid_path(header.removesuffix(_CONTENT))


def _written(res: Mapping[str, Any]) -> str:
    """Return the path of the one file that a task has written; empty if unknown.

    The result for a folder has no checksum.
    """
    if not any(isinstance(res.get(key), str) for key in ("checksum", "checksum_dest")):
        return ""
    return _valid_path(res.get("dest"))


def _valid_path(path: object) -> str:
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        return ""
    if path.endswith("/") or len(path.encode(errors="replace")) > MAX_PATH:
        return ""
    return f"/{posixpath.normpath(path).lstrip('/')}"


def _known(text: object) -> str | None:
    return text if isinstance(text, str) and not _CUT.search(text) else None
