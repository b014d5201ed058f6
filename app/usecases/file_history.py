"""The files that runs have changed on hosts, and who wrote each of their lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.blame import blame
from app.domain.deployment import Deployment
from app.domain.diff import DiffLine, diff_lines
from app.domain.file_history import VersionKind
from app.domain.file_history_key import settings_of
from app.errors import NotFound
from app.store import files
from app.store.files import File, Version
from app.store.hosts import Host
from app.store.store import Store

#: The number of files on a page, of versions of a file, and of lines of a diff.
PAGE = 100
VERSIONS = 50
SHOWN_LINES = 400


@dataclass(frozen=True, slots=True)
class FilePage:
    """A page of the files of a host; `number` is counted from 1, up to `last`."""

    files: Sequence[File]
    matching: int
    number: int
    last: int


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version with its difference from the one before; `more` lines are cut."""

    version: Version
    lines: Sequence[DiffLine]
    more: int


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """A line of a file and the version that added it.

    `or_before` says that the line may be older: that version was found, not written, or
    the content before it isn't known.
    """

    number: int
    text: str
    version: Version
    or_before: bool


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of a host: its versions, newest first, and the lines of the last one.

    There are no lines if the file was removed or its content isn't known.
    """

    path: str
    versions: Sequence[ShownVersion]
    lines: Sequence[BlamedLine]
    older: int


def files_kept_of(deployment: Deployment) -> Callable[[str], bool]:
    """Return whether a deployment keeps the versions of the file with a path.

    A check run changes nothing, so it keeps none.
    """
    if deployment.options.check:
        return lambda _: False
    return settings_of(deployment.service.file_history).keeps


def page(store: Store, host: Host, text: str = "", number: int = 1) -> FilePage:
    """Return a page of a host's files with a text in their path."""
    with store.begin() as db:
        matching = files.count(db, host.id, text)
        last = max(-(-matching // PAGE), 1)
        number = min(max(number, 1), last)
        skip = (number - 1) * PAGE
        found = files.listed(db, host.id, text, skip=skip, limit=PAGE)
    return FilePage(found, matching, number, last)


def look(store: Store, host: Host, path: str) -> FileView:
    """Return the versions of a file with their differences. Raises NotFound."""
    with store.begin() as db:
        found = files.find(db, host.id, path)
    if not found:
        raise NotFound(
            f"no deployment has changed {path} on {host.name}; "
            "look for what they have changed in the list of its files"
        )
    shown = [
        _shown(before, version)
        for before, version in zip([None, *found], found, strict=False)
    ]
    lines = _blamed(found) if found[-1].kind is not VersionKind.REMOVED else []
    newest = shown[::-1][:VERSIONS]
    return FileView(path, newest, lines, len(shown) - len(newest))


def _shown(before: Version | None, version: Version) -> ShownVersion:
    if version.text is None or (before is not None and before.text is None):
        return ShownVersion(version, (), 0)
    found_first = before is None and version.kind is VersionKind.FOUND
    if found_first:
        return ShownVersion(version, (), 0)
    diff = {
        "before": before.text if before else "",
        "after": version.text,
        "before_header": "before",
        "after_header": f"#{version.deployment}",
    }
    lines = diff_lines(diff)
    return ShownVersion(version, lines[:SHOWN_LINES], max(len(lines) - SHOWN_LINES, 0))


def _blamed(versions: Sequence[Version]) -> list[BlamedLine]:
    unsure = {
        index
        for index, each in enumerate(versions)
        if each.kind is VersionKind.FOUND
        or (index > 0 and versions[index - 1].text is None)
    }
    return [
        BlamedLine(number, text, versions[index], index in unsure)
        for number, (text, index) in enumerate(
            blame([each.text for each in versions]), start=1
        )
    ]
