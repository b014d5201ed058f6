"""The response bodies of the API for the files that runs have changed on hosts."""

from datetime import datetime

from app.domain.file_history import VersionKind
from app.store.files import File, Version
from app.usecases.file_history import BlamedLine, FileView, ShownVersion
from app.web.schemas import Body


class FileBody(Body):
    """A file that runs have changed on a host."""

    path: str
    versions: int
    last_at: datetime
    outside: datetime | None
    """When the last edit outside FastDeploy was found; null without one."""


class FileVersionBody(Body):
    """A version of a file; times are ISO 8601 in UTC."""

    kind: VersionKind
    """`changed`, `removed`: a task did so. `outside`: a task found another content than
    that of the version before, so it was edited after `since`. `found`: a task found
    it before the first change, or after an unknown version. `unknown`: Ansible didn't
    report the content."""
    deployment: int
    event: int
    """The number of the event that reported it."""
    service: str
    actor: str
    """Who launched the deployment; empty if it isn't known."""
    commit: str
    at: datetime
    since: datetime | None
    task: str
    known: bool
    """Whether the content is known and kept."""
    diff: list[str]
    """What differs from the version before."""
    more: int
    """The number of lines that are left out."""


class FileLineBody(Body):
    """A line of a file and the version that added it."""

    line: int
    text: str
    kind: VersionKind
    deployment: int
    service: str
    actor: str
    commit: str
    at: datetime
    or_before: bool
    """Whether the line may be older than this version."""


class FileDetailBody(Body):
    """A file with its versions, newest first, and the lines of the last one."""

    path: str
    versions: list[FileVersionBody]
    older: int
    """The number of older versions that are left out."""
    lines: list[FileLineBody]
    """Empty if the file was removed, or if its content isn't known."""


def file_body(file: File) -> FileBody:
    """Return the body of a file."""
    return FileBody(
        path=file.path,
        versions=file.versions,
        last_at=file.last_at,
        outside=file.outside,
    )


def file_detail_body(view: FileView) -> FileDetailBody:
    """Return the body of a file with its versions and lines."""
    return FileDetailBody(
        path=view.path,
        versions=[_version(each) for each in view.versions],
        older=view.older,
        lines=[_line(each) for each in view.lines],
    )


def _line(line: BlamedLine) -> FileLineBody:
    """Return the body of a line."""
    version = line.version
    return FileLineBody(
        line=line.number,
        text=line.text,
        kind=version.kind,
        deployment=version.deployment,
        service=version.service,
        actor=version.actor,
        commit=version.commit,
        at=version.at,
        or_before=line.or_before,
    )


def _version(shown: ShownVersion) -> FileVersionBody:
    version: Version = shown.version
    return FileVersionBody(
        kind=version.kind,
        deployment=version.deployment,
        event=version.number,
        service=version.service,
        actor=version.actor,
        commit=version.commit,
        at=version.at,
        since=version.since,
        task=version.task,
        known=version.text is not None,
        diff=[line.text for line in shown.lines],
        more=shown.more,
    )
