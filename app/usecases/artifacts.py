"""Artifacts: a folder in the format of ansible-runner, written from recorded events.

    runs/<id>/artifacts/<id>/
        job_events/<counter>-<uuid>.json
        stdout
        stderr          empty, as ansible-runner writes it: both streams are in stdout
        rc
        status

It is written from validated events, never unpacked from data that a run sent, so a
hostile run can't write anywhere else. ansible-runner's own tools can read it
(`--ident <id>` with `runs/<id>` as private data directory). The file `command` of
ansible-runner contains its whole environment and is omitted on purpose.
"""

import io
import os
import shutil
import tarfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.disk_space import FULL, no_room
from app.domain.deployment import Deployment
from app.errors import NoRoom, NotFound
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, output, staging


@dataclass(frozen=True, slots=True)
class Branch:
    """A folder of the artifacts; `name` is its path, empty for the top.

    `files` are some of its `count` files (path, name, size in bytes), beginning with
    number `first`.
    """

    name: str
    files: Sequence[tuple[str, str, int]]
    count: int
    first: int


def artifacts_of(settings: Settings, deployment_id: int) -> Path:
    """Return the path of a deployment's artifact folder, which may not exist."""
    name = str(deployment_id)
    return settings.runs / name / "artifacts" / name


def write(store: Store, settings: Settings, deployment: Deployment) -> None:
    """Write the artifact folder of an ended deployment if it doesn't exist.

    The folder is created atomically.
    """
    folder = artifacts_of(settings, deployment.id)
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Each process has its own draft: the worker and a page may write concurrently.
    with staging.draft(settings, folder.name) as draft:
        try:
            _write_all(store, deployment, draft)
            draft.rename(folder)
        except OSError:
            # Ignore the error if another process has created the folder meanwhile.
            if not folder.exists():
                raise


def discard(settings: Settings, deployment_id: int) -> None:
    """Remove anything at the artifacts' path before the end of a run is recorded.

    Only a run with FastDeploy's own user could have created it. Raises OSError.
    """
    top = artifacts_of(settings, deployment_id).parent
    if top.is_symlink() or top.is_file():
        top.unlink()
    elif top.exists():
        _make_removable(top)
        shutil.rmtree(top)


def _make_removable(folder: Path) -> None:
    folder.chmod(0o700)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _make_removable(entry)


def prepare(store: Store, settings: Settings, deployment_id: int) -> None:
    """Write the artifact folder of a deployment if it has ended and isn't pruned.

    Raises NotFound.
    """
    _made(store, settings, deploy.find(store, deployment_id))


def listing(
    store: Store, settings: Settings, deployment: Deployment
) -> list[tuple[str, int]]:
    """Return the files of an artifact folder: relative path and size in bytes.

    If the deployment ended on another host, its folder is written here first.
    """
    return _files(_made(store, settings, deployment))


def tree(
    store: Store, settings: Settings, deployment: Deployment, skip: int, limit: int
) -> list[Branch]:
    """Return the folders of an artifact folder, the top first; empty without artifacts.

    Folders below the top have a file for each event; of these, the first `skip` are
    left out. At most `limit` files of each folder are returned.
    """
    top = _made(store, settings, deployment)
    return [_branch(top, Path(parent), names, skip, limit)
            for parent, names in _folders(top)]  # fmt: skip


def file(store: Store, settings: Settings, deployment: Deployment, name: str) -> Path:
    """Return the file with this relative path; raises NotFound for any other path."""
    folder = _made(store, settings, deployment)
    path = folder / name
    missing = f"deployment {deployment.id} has no artifact {name!r}"
    try:
        # The resolved path must be inside the folder and equal to the given one.
        found = path.resolve(strict=True).relative_to(folder.resolve())
        is_file = path.is_file()
    # Before Python 3.13, a loop of links raises RuntimeError.
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound(missing) from error
    if not is_file or str(found) != name:
        raise NotFound(missing)
    return path


def archive(
    store: Store, settings: Settings, deployment: Deployment
) -> Generator[bytes]:
    """Return the folder as a compressed tar in pieces; raises NotFound without one."""
    folder = _made(store, settings, deployment)
    if not folder.is_dir():
        raise NotFound(f"deployment {deployment.id} has no artifacts")
    return _archived(folder, f"{deployment.service_name}-{deployment.id}")


def _archived(folder: Path, name: str) -> Generator[bytes]:
    pieces = _Pieces()
    with tarfile.open(fileobj=pieces, mode="w|gz") as tar:
        for path, _ in _files(folder):
            tar.add(folder / path, f"{name}/{path}", filter=_anonymous)
            yield pieces.take()
    yield pieces.take()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove FastDeploy's user and group, which don't matter on another host."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


class _Pieces(io.RawIOBase):
    """A file that buffers the written bytes until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def write(self, content: Any) -> int:  # any buffer
        self._written.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        taken, self._written = b"".join(self._written), []
        return taken


def _made(store: Store, settings: Settings, deployment: Deployment) -> Path:
    if deployment.ended and deployment.pruned_at is None:
        try:
            write(store, settings, deployment)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise NoRoom(no_room(settings.runs)) from error
    return artifacts_of(settings, deployment.id)


def _files(folder: Path) -> list[tuple[str, int]]:
    return [
        (str(path.relative_to(folder)), path.lstat().st_size)
        for parent, names in _folders(folder)
        for path in (Path(parent, name) for name in names)
    ]


def _folders(top: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder, beginning with the top, with the names of its files."""
    for parent, folders, names in os.walk(top):
        folders.sort()
        yield parent, sorted(names, key=_by_counter)


def _branch(top: Path, folder: Path, names: list[str], skip: int, limit: int) -> Branch:
    # The top has few files, which are always listed.
    skip = 0 if folder == top else skip
    shown = [folder / name for name in names[skip : skip + limit]]
    return Branch(
        name="" if folder == top else str(folder.relative_to(top)),
        files=[(str(path.relative_to(top)), path.name, path.lstat().st_size)
               for path in shown],
        count=len(names),
        first=skip + 1,
    )  # fmt: skip


def _write_all(store: Store, deployment: Deployment, folder: Path) -> None:
    (folder / "job_events").mkdir()
    for data in output.reported(store, deployment.id):
        _write_event(folder / "job_events", data)
    with (folder / "stdout").open("wb") as file:
        file.writelines(output.displayed(store, deployment.id))
    # ansible-runner's `Runner.stderr` raises an error without this file.
    (folder / "stderr").touch()
    (folder / "status").write_text(deployment.status)
    if deployment.exit_code is not None:
        (folder / "rc").write_text(str(deployment.exit_code))


def _write_event(folder: Path, data: str) -> None:
    event = orjson.loads(data)
    # Both fields were validated when the line was translated.
    path = folder / f"{event['counter']}-{event['uuid']}.json"
    path.write_text(data)


def _by_counter(name: str) -> tuple[int, str]:
    counter = name.partition("-")[0]
    return (int(counter) if counter.isdigit() else 0, name)
